"""What a coordinator clears of its own retained topics when it connects."""

from coordinator.core.policy import Policy
from coordinator.core.state import State
from coordinator.shell.sweep import Sweep
from protocol.topics import InboxChannel, InboxTopic, RegistryTopic


def test_what_is_shown_and_told_of_unknown_and_of_forgotten_agents_is_cleared() -> None:
    state = State(policy=Policy(), coord="c", term=1)
    state.agent("Known")
    forgotten = state.agent("Forgotten")
    forgotten.epoch = forgotten.forgotten_epoch = 7
    sweep = Sweep(state)

    cleared = [
        name
        for name in ("Known", "Forgotten", "Stranger")
        if sweep.is_leftover(RegistryTopic(name))
        and sweep.is_leftover(InboxTopic(name, InboxChannel.DESIRED))
    ]
    assert cleared == ["Forgotten", "Stranger"]
    forgotten.epoch = 8
    assert not sweep.is_leftover(RegistryTopic("Forgotten"))
