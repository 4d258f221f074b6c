"""The core on random histories: its invariants, and a naive scheduler as a second opinion."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from coordinator.core.effects import Effect
from coordinator.core.policy import Ageing
from protocol.vocabulary import Priority
from tests.property.core_machine import EFFORT, LONG, CoreMachine
from tests.property.oracle import HEAD_START_MS
from tests.support.fleet import Fleet


def test_the_core_keeps_its_invariants_whatever_happens() -> None:
    run_state_machine_as_test(CoreMachine, settings=EFFORT)


arrivals = st.lists(
    st.tuples(st.integers(0, 90), st.sampled_from([*Priority]), st.booleans()),
    min_size=5,
    max_size=25,
)


@settings(EFFORT, max_examples=500 if LONG else 50)
@given(arrivals)
def test_no_task_is_overtaken_by_one_that_came_more_than_a_head_start_later(
    arrivals: list[tuple[int, Priority, bool]],
) -> None:
    fleet = Fleet(ageing=Ageing(critical_max_share=1))
    fleet.agent("a", heartbeat_ms=3_600_000)
    began: list[str] = []

    def note_beginnings(fleet: Fleet, effects: list[Effect]) -> None:
        began.extend(task for task in fleet.running() if task not in began)

    fleet.observers.append(note_beginnings)
    for gap_min, priority, finishes in arrivals:
        fleet.pass_time(gap_min * 60)
        fleet.create(priority=priority.value)
        if finishes:
            fleet.finish(fleet.running()[0])
    while fleet.running():
        fleet.finish(fleet.running()[0])

    tasks = fleet.state.tasks
    bound_ms = HEAD_START_MS[Priority.HIGH] - HEAD_START_MS[Priority.LOW]
    for n, first in enumerate(began):
        for second in began[n + 1 :]:
            ahead, behind = tasks[first], tasks[second]
            by_rank = Priority.CRITICAL is ahead.priority or Priority.MAINTENANCE is behind.priority
            assert by_rank or ahead.created_ms - behind.created_ms <= bound_ms
    assert sorted(began) == sorted(tasks)
