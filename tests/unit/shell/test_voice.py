"""What is said of agents that are forgotten, and of those that come back."""

from coordinator.core.agents import DesiredState
from coordinator.core.effects import ClearAgent, RestateAll, ShowAgent
from coordinator.core.instant import Instant
from coordinator.core.policy import Policy
from coordinator.core.state import State
from coordinator.shell.batch import Batch
from coordinator.shell.outgoing import Said, Speaker
from coordinator.shell.voice import Voice
from protocol.topics import Topics
from protocol.vocabulary import AgentMode

T0 = 1_000_000
NOW = Instant(T0, T0)


class Stage:
    """A voice that speaks of one agent, who was forgotten."""

    def __init__(self) -> None:
        self.state = State(policy=Policy(), coord="c", term=1)
        self.agent = self.state.agent("A")
        self.agent.epoch = self.agent.forgotten_epoch = 7
        boot = "a" * 32
        self.agent.desired = DesiredState("A", boot, 1, 1, AgentMode.STOP, {}, ())
        self.said: list[Said] = []
        speaker = Speaker(Topics(), "c", 1)
        self.voice = Voice(self.state, speaker, next_event=1, publish=self.said.append)

    def say(self, *effects: ClearAgent | ShowAgent | RestateAll) -> list[tuple[str, bool]]:
        """Say what was decided; return each topic about the agent, and whether it is cleared."""
        batch = Batch()
        batch.add(list(effects))
        self.voice.say(batch, NOW)
        prefix = "fleet/v1/"
        topics = [(said.topic.removeprefix(prefix), not said.payload) for said in self.said]
        return [(topic, cleared) for topic, cleared in topics if "/A" in topic]


def test_everything_of_a_forgotten_agent_is_cleared() -> None:
    said = Stage().say(ClearAgent("A"))
    assert said == [
        ("agents/A/presence", True),
        ("agents/A/info", True),
        ("agents/A/heartbeat", True),
        ("agents/A/metrics", True),
        ("inbox/A/desired", True),
        ("registry/A", True),
    ]


def test_what_an_agent_says_that_has_come_back_since_it_was_forgotten_is_not_cleared() -> None:
    stage = Stage()
    stage.agent.epoch = 8
    assert stage.say(ClearAgent("A"), ShowAgent("A")) == [("registry/A", False)]


def test_a_broker_that_has_forgotten_everything_is_told_nothing_of_a_forgotten_agent() -> None:
    stage = Stage()
    assert stage.say(RestateAll()) == []
    stage.agent.epoch = 8
    assert stage.say(RestateAll()) == [("inbox/A/desired", False), ("registry/A", False)]
