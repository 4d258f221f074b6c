"""When the cards are shown that people read."""

from coordinator.core.instant import Instant
from coordinator.core.policy import Policy
from coordinator.core.state import State
from coordinator.core.tasks import Phase, Task
from coordinator.core.terms import Terms
from coordinator.shell.batch import Batch
from coordinator.shell.cards import Cards
from coordinator.shell.outgoing import Said, Speaker
from protocol.topics import Topics
from protocol.vocabulary import Priority, TaskStatus

T0 = 1_000_000


class Desk:
    """Cards of two agents and two tasks, and what is shown of them."""

    def __init__(self) -> None:
        self.state = State(policy=Policy(), coord="c", term=1)
        for name in ("A", "B"):
            self.state.agent(name)
        for name in ("t1", "t2"):
            self.state.tasks[name] = Task(name, "boss", "combat", Priority.NORMAL, Terms(), 0, 0)
        self.cards = Cards(self.state, Speaker(Topics(), "c", 1))
        self.show(at_ms=0)

    def show(self, *changed: str, at_ms: int) -> list[str]:
        """Note that agents or tasks were *changed*; return those whose cards are shown then."""
        said: list[Said] = []
        batch = Batch()
        for name in changed:
            if name in self.state.tasks:
                batch.shown_tasks[name] = True
            else:
                batch.shown_agents[name] = None
        self.cards.add(batch)
        self.cards.show(Instant(T0 + at_ms, T0 + at_ms), said.append)
        return [one.topic.rsplit("/", 1)[1] for one in said if "coordinator" not in one.topic]

    def end(self, task: str) -> None:
        """Let *task* be over."""
        self.state.tasks[task].phase = Phase.ENDED
        self.state.tasks[task].outcome = TaskStatus.COMPLETED


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


def test_that_a_task_is_over_is_shown_at_once_and_once() -> None:
    desk = Desk()
    assert desk.show("A", "t1", at_ms=100) == ["A", "t1"]
    assert desk.show("t1", "t2", at_ms=110) == []
    desk.end("t1")
    assert desk.show("A", "t1", at_ms=120) == ["t1"]
    assert desk.show(at_ms=150) == ["A", "t2"]


def test_a_task_that_is_not_to_be_seen_any_more_is_not_shown_as_over() -> None:
    desk = Desk()
    desk.show("A", at_ms=100)
    desk.end("t1")
    hidden = Batch()
    hidden.shown_tasks["t1"] = False
    desk.cards.add(hidden)
    assert desk.show(at_ms=110) == []
    assert desk.show(at_ms=150) == ["t1"]  # which is cleared


def test_what_was_to_be_shown_of_an_agent_is_not_once_its_card_is_cleared() -> None:
    desk = Desk()
    desk.show("A", at_ms=100)
    assert desk.show("A", "B", at_ms=110) == []
    desk.cards.clear("A", lambda _said: None)
    assert desk.show(at_ms=150) == ["B"]


def test_a_broker_that_has_forgotten_everything_is_not_told_of_forgotten_agents() -> None:
    desk = Desk()
    agent = desk.state.agents["A"]
    agent.epoch = agent.forgotten_epoch = 7
    desk.cards.add_all()
    assert desk.show(at_ms=100) == ["B"]


def test_the_card_of_a_forgotten_agent_is_cleared_as_soon_as_it_is_said() -> None:
    desk = Desk()
    agent = desk.state.agents["A"]
    agent.epoch = agent.forgotten_epoch = 7
    assert desk.show("A", "B", at_ms=100) == ["A", "A", "B"]


def test_the_numbers_are_told_anew_when_an_agent_was_forgotten() -> None:
    desk = Desk()
    desk.show(at_ms=2_000)
    assert desk.cards.due_in_ms(Instant(T0 + 2_000, T0 + 2_000)) is None
    batch = Batch()
    batch.cleared_agents["A"] = None
    desk.cards.add(batch)
    assert desk.cards.due_in_ms(Instant(T0 + 2_500, T0 + 2_500)) is not None
