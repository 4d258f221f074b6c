"""When the cards are shown that people read."""

from coordinator.core.instant import Instant
from coordinator.core.policy import Policy
from coordinator.core.state import State
from coordinator.shell.batch import Batch
from coordinator.shell.cards import Cards
from coordinator.shell.outgoing import Said, Speaker
from protocol.topics import Topics

T0 = 1_000_000


class Desk:
    """Cards of two agents, and what is shown of them."""

    def __init__(self) -> None:
        self.state = State(policy=Policy(), coord="c", term=1)
        for name in ("A", "B"):
            self.state.agent(name)
        self.cards = Cards(self.state, Speaker(Topics(), "c", 1))
        self.show(at_ms=0)

    def show(self, *changed: str, at_ms: int) -> list[str]:
        """Note that agents were *changed*; return the agents whose cards are shown then."""
        said: list[Said] = []
        batch = Batch()
        batch.shown_agents.update(dict.fromkeys(changed))
        self.cards.add(batch)
        self.cards.show(Instant(T0 + at_ms, T0 + at_ms), said.append)
        return [one.topic.rsplit("/", 1)[1] for one in said if "/registry/" in one.topic]


def test_cards_gather_for_50_ms_after_the_last_ones() -> None:
    desk = Desk()
    assert desk.show("A", at_ms=100) == ["A"]
    assert desk.show("A", at_ms=120) == []
    assert desk.show("B", at_ms=149) == []
    assert desk.show(at_ms=150) == ["A", "B"]
    assert desk.show(at_ms=300) == []


def test_a_doubt_whether_somebody_lives_is_shown_at_once_and_once() -> None:
    desk = Desk()
    desk.show("A", "B", at_ms=100)
    desk.state.agents["A"].suspect = True
    assert desk.show("A", "B", at_ms=110) == ["A"]
    assert desk.show("A", at_ms=120) == []
    assert desk.show(at_ms=150) == ["B", "A"]
    desk.state.agents["A"].suspect = False
    assert desk.show("A", at_ms=160) == []
    desk.state.agents["A"].suspect = True
    assert desk.show("A", at_ms=170) == ["A"]
    assert desk.show(at_ms=300) == []
