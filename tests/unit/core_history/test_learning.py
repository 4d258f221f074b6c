from coordinator.core.assignments import end_attempt
from coordinator.core.effects import SaveMark
from coordinator.core.instant import Instant
from coordinator.core.policy import Policy
from coordinator.core.records import mark_record, remember_mark
from coordinator.core.state import State
from coordinator.core.tasks import Attempt, Phase, Task
from coordinator.core.terms import Terms
from coordinator.core.turn import Turn
from protocol.vocabulary import Priority

RAN_MS = 90_000


def attempt_that_ends(state: State, outcome: str) -> Turn:
    """Let Main run a task for a while and let go of it."""
    task = Task("t", "boss", "combat", Priority.NORMAL, Terms(), 0, 0, phase=Phase.RUNNING)
    task.attempt = Attempt(1, "Main", "0" * 32, 60_000, 2_000, (1, 1), 0, 2**53, started_ms=0)
    state.agent("Main").held[task.id] = task
    turn = Turn(state, Instant(RAN_MS, RAN_MS))
    end_attempt(turn, task, outcome)
    return turn


def test_an_attempt_that_succeeds_is_learnt_from_and_what_is_learnt_survives() -> None:
    state, again = State(Policy(), "test", 1), State(Policy(), "test", 2)
    for _ in range(5):
        turn = attempt_that_ends(state, "succeeded")

    learnt = [(effect.kind, effect.key) for effect in turn.effects if isinstance(effect, SaveMark)]
    assert ("history", "combat") in learnt
    assert ("history", "combat/Main") in learnt
    for kind, key in learnt:
        record = mark_record(state, kind, key)
        if kind == "history" and record is not None:
            remember_mark(again, kind, key, record)
    expected = again.history.expected_ms("combat", "Main")
    assert expected is not None
    assert abs(expected.ms - RAN_MS) <= 0.02 * RAN_MS
    assert expected.basis == "p50 of 5 runs on Main"


def test_an_attempt_whose_lease_ran_out_teaches_nothing() -> None:
    state = State(Policy(), "test", 1)

    attempt_that_ends(state, "lease_expired")

    assert state.history.paces == {}
