"""The audit: whatever is derived and differs is found, named, and left as it is."""

from collections.abc import Callable

import pytest

from coordinator.core.audit import audit, idle_beside_runnable, over_limits
from coordinator.core.gates import PermitGate
from coordinator.core.policy import FailureCooldown
from coordinator.core.state import State
from coordinator.core.tasks import Phase
from protocol.vocabulary import Priority, TaskStatus, Want
from tests.support.fleet import Fleet


@pytest.fixture
def fleet() -> Fleet:
    """Return a fleet with one of everything: a running, a waiting and an ended task."""
    fleet = Fleet(limits={"global": 1})
    fleet.agent("Main")
    fleet.agent("Alt")
    fleet.finish(fleet.create(id="ended"))
    fleet.create(id="running")
    fleet.create(id="waiting")
    return fleet


def free_a_permit(state: State) -> None:
    gate = state.gates["global"]
    assert isinstance(gate, PermitGate)
    gate.holders.clear()


def open_a_gate(state: State) -> None:
    state.gates["global"].is_open = True


def miscount_a_signature(state: State) -> None:
    next(iter(state.signatures.values())).closed += 1


def lose_a_task_from_its_queue(state: State) -> None:
    state.tasks["waiting"].ticket += 1


def miscount_a_queue(state: State) -> None:
    shape = state.tasks["waiting"].shape
    assert shape is not None
    shape.live += 1


def hide_a_queue(state: State) -> None:
    for joined in state.classes.values():
        joined.board.withdraw()


def take_a_queue_off_its_board(state: State) -> None:
    shape = state.tasks["waiting"].shape
    assert shape is not None
    shape.boards.clear()


def forget_who_holds(state: State) -> None:
    task = state.tasks["running"]
    assert task.attempt is not None
    state.agents[task.attempt.agent].held.clear()


def raise_a_fence(state: State) -> None:
    state.tasks["running"].fence += 1


def move_without_telling(state: State) -> None:
    state.tasks["running"].phase = Phase.READY


def want_something_else(state: State) -> None:
    state.tasks["running"].want = Want.CANCEL


def want_something_of_nobody(state: State) -> None:
    state.tasks["waiting"].want = Want.CANCEL


def miscount_the_tally(state: State) -> None:
    state.tally[TaskStatus.PENDING, Priority.NORMAL, "quest"] += 1


def miscount_what_ended(state: State) -> None:
    state.tally[TaskStatus.COMPLETED, Priority.NORMAL, "quest"] -= 1


def forget_what_ended(state: State) -> None:
    state.ended.clear()


def call_somebody_busy(state: State) -> None:
    agent = next(agent for agent in state.agents.values() if agent.is_free)
    agent.free.clear()


def lose_a_member(state: State) -> None:
    next(iter(state.classes.values())).members.popitem()


def put_an_agent_in_the_wrong_class(state: State) -> None:
    state.agents["Main"].health.forget()


def leave_a_board_awake(state: State) -> None:
    state.awake[state.agents["Main"].own_board] = None


def wait_for_nobody(state: State) -> None:
    state.unheard["0" * 32] = "Main"


def lend_to_a_stranger(state: State) -> None:
    attempt = state.tasks["running"].attempt
    assert attempt is not None
    attempt.agent = "Nobody"


def misname_a_task(state: State) -> None:
    state.tasks["other"] = state.tasks.pop("ended")


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (free_a_permit, "global"),
        (open_a_gate, "global"),
        (miscount_a_signature, "Signature"),
        (lose_a_task_from_its_queue, "waiting"),
        (miscount_a_queue, "waiting"),
        (hide_a_queue, "not to be seen"),
        (take_a_queue_off_its_board, "boards"),
        (forget_who_holds, "running"),
        (raise_a_fence, "fence 1"),
        (move_without_telling, "running"),
        (want_something_else, "told to hold"),
        (want_something_of_nobody, "waiting"),
        (miscount_the_tally, "tally of pending"),
        (miscount_what_ended, "tally of completed"),
        (forget_what_ended, "ended"),
        (call_somebody_busy, "free"),
        (lose_a_member, "members"),
        (put_an_agent_in_the_wrong_class, "class"),
        (leave_a_board_awake, "woken"),
        (wait_for_nobody, "unheard"),
        (lend_to_a_stranger, "Nobody"),
        (misname_a_task, "task other"),
    ],
)
def test_every_kind_of_damage_is_found_and_named(
    fleet: Fleet, damage: Callable[[State], None], named: str
) -> None:
    assert audit(fleet.state, fleet.now) == []
    damage(fleet.state)
    lines = audit(fleet.state, fleet.now)

    assert any(named in line for line in lines), lines
    assert audit(fleet.state, fleet.now) == lines, "looking repairs nothing"


def test_a_limit_is_exceeded_only_after_it_was_lowered() -> None:
    fleet = Fleet()
    fleet.agent("Main", slots=2)
    fleet.create()
    fleet.create()
    assert over_limits(fleet.state) == []
    fleet.plan(limits={"global": 1})

    (line,) = over_limits(fleet.state)
    assert line == "permit global: 2 holders, should be at most 1"


def test_those_who_run_when_their_type_is_left_alone_exceed_nothing() -> None:
    fleet = Fleet(failure_cooldowns=(FailureCooldown("f", 1, 60_000, 600_000, 60_000, "type"),))
    fleet.agent("Main", slots=2)
    first, _second = fleet.create(), fleet.create()
    fleet.fail(first)

    gate = fleet.state.gates["failing:quest"]
    assert isinstance(gate, PermitGate)
    assert (gate.limit, len(gate.holders)) == (0, 1)
    assert over_limits(fleet.state) == []


def test_a_lost_wake_up_is_found(fleet: Fleet) -> None:
    gate = fleet.state.gates["global"]
    assert isinstance(gate, PermitGate)
    assert idle_beside_runnable(fleet.state, fleet.now) == []
    gate.resize(2)

    (line,) = idle_beside_runnable(fleet.state, fleet.now)
    assert "idle beside" in line
