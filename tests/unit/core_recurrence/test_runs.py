from dataclasses import replace

import pytest

from coordinator.core.effects import SaveMark, SaveTask
from coordinator.core.events import Ticked
from coordinator.core.recurrence.recurring import Missed, Overlap
from coordinator.core.recurrence.rhythm import Every
from coordinator.core.tasks import Attempt, Phase
from protocol.vocabulary import TaskStatus, Want
from tests.unit.core_recurrence.fleet import HOUR_MS, MINUTE_MS, START_MS, Fleet, hourly


def test_a_new_schedule_owes_nothing_for_the_past_and_runs_when_it_says() -> None:
    fleet = Fleet(START_MS + 1)
    fleet.plan(hourly())

    fleet.passes(HOUR_MS - 2)
    assert fleet.nominal() == []
    fleet.passes(1)
    assert fleet.nominal() == [1]
    (run,) = fleet.runs()
    assert run.id == hourly().run_id(START_MS + HOUR_MS)
    assert run.client == "schedule:hourly"
    assert run.phase is Phase.READY


def test_a_run_and_the_mark_that_accounts_for_it_are_stored_together() -> None:
    fleet = Fleet()
    fleet.plan(hourly())
    fleet.now_ms += HOUR_MS

    effects = fleet.feed(Ticked())

    (run,) = fleet.runs()
    assert SaveTask(run.id) in effects
    assert SaveMark("schedule", "hourly") in effects


def test_a_time_without_anything_due_changes_nothing() -> None:
    fleet = Fleet()
    fleet.plan(hourly())
    fleet.passes(HOUR_MS)
    timers = len(fleet.state.timers)

    assert fleet.feed(Ticked()) == []
    assert len(fleet.state.timers) == timers


@pytest.mark.parametrize(
    ("missed", "nominal", "skipped"),
    [
        (Missed.SKIP, [], [("missed", 5)]),
        (Missed.RUN_ONCE, [5], [("merged", 4)]),
        (Missed.RUN_ALL, [3, 4, 5], [("catchup_full", 2)]),
    ],
)
def test_what_was_missed_while_the_coordinator_was_away_is_done_as_the_schedule_says(
    missed: Missed, nominal: list[int], skipped: list[tuple[str, int]]
) -> None:
    fleet = Fleet()
    schedule = hourly(missed=missed, max_catchup=3, overlap=Overlap.ALLOW_ALL)
    fleet.plan(schedule)

    fleet = fleet.dies(5 * HOUR_MS + 2 * MINUTE_MS)

    assert fleet.nominal() == nominal
    assert fleet.skipped() == skipped
    fleet.passes(HOUR_MS)
    assert fleet.nominal() == [*nominal, 6]


def test_a_crash_makes_no_run_twice_and_forgets_none() -> None:
    fleet = Fleet()
    fleet.plan(hourly(overlap=Overlap.ALLOW_ALL))
    for _ in range(6):
        fleet.passes(HOUR_MS // 2)
        fleet = fleet.dies().dies()

    assert fleet.nominal() == [1, 2, 3]
    assert fleet.skipped() == []


def test_a_run_is_not_made_twice_even_if_the_clock_and_the_mark_go_back() -> None:
    fleet = Fleet()
    fleet.plan(hourly(overlap=Overlap.ALLOW_ALL))
    fleet.passes(2 * HOUR_MS)
    fleet.progress().last_ms = START_MS

    fleet.now_ms = START_MS + HOUR_MS
    fleet.plan(hourly(overlap=Overlap.ALLOW_ALL))
    fleet.passes(2 * HOUR_MS)

    assert fleet.nominal() == [1, 2, 3]


def test_overlap_skip_leaves_out_what_is_due_before_the_run_has_ended() -> None:
    fleet = Fleet()
    fleet.plan(hourly())
    fleet.passes(3 * HOUR_MS)

    assert (fleet.nominal(), fleet.skipped()) == ([1], [("overlap", 1), ("overlap", 1)])
    fleet.ends(fleet.runs()[0])
    fleet.passes(HOUR_MS)
    assert fleet.nominal() == [1, 4]


def test_overlap_buffer_one_keeps_the_first_that_is_due_for_when_the_run_ends() -> None:
    fleet = Fleet()
    fleet.plan(hourly(overlap=Overlap.BUFFER_ONE))
    fleet.passes(3 * HOUR_MS)

    assert (fleet.nominal(), fleet.skipped()) == ([1], [("overlap", 1)])
    fleet.ends(fleet.runs()[0], TaskStatus.FAILED)
    assert fleet.nominal() == [1, 2]


def test_overlap_buffer_all_keeps_everything_over_a_crash_too() -> None:
    fleet = Fleet()
    fleet.plan(hourly(overlap=Overlap.BUFFER_ALL))
    fleet.passes(3 * HOUR_MS)
    fleet = fleet.dies()

    for expected in ([1], [1, 2], [1, 2, 3], [1, 2, 3]):
        assert fleet.nominal() == expected
        fleet.ends(fleet.runs()[-1])
    assert fleet.skipped() == []


def test_overlap_allow_all_runs_side_by_side() -> None:
    fleet = Fleet()
    fleet.plan(hourly(overlap=Overlap.ALLOW_ALL))

    fleet.passes(3 * HOUR_MS)

    assert fleet.nominal() == [1, 2, 3]
    assert not any(run.is_over for run in fleet.runs())


def test_overlap_cancel_other_cancels_what_waits_and_starts_at_once() -> None:
    fleet = Fleet()
    fleet.plan(hourly(overlap=Overlap.CANCEL_OTHER))

    fleet.passes(2 * HOUR_MS)

    assert [run.status for run in fleet.runs()] == [TaskStatus.CANCELLED, TaskStatus.PENDING]


def test_overlap_cancel_other_waits_for_the_agent_to_let_go_and_then_runs_the_newest() -> None:
    fleet = Fleet()
    fleet.plan(hourly(overlap=Overlap.CANCEL_OTHER))
    fleet.passes(HOUR_MS)
    (first,) = fleet.runs()
    first.attempt = Attempt(1, "Main", "0" * 32, 60_000, 2_000, (1, 1), fleet.now_ms, 2**53)
    first.phase = Phase.RUNNING
    fleet.passes(2 * HOUR_MS)

    assert (fleet.nominal(), first.want) == ([1], Want.CANCEL)
    assert fleet.skipped() == [("replaced", 1)]
    first.attempt = None
    fleet.ends(first, TaskStatus.CANCELLED)
    assert fleet.nominal() == [1, 3]


def test_a_buffered_run_that_leaves_the_plan_is_a_skip() -> None:
    fleet = Fleet()
    fleet.plan(hourly(overlap=Overlap.BUFFER_ONE))
    fleet.passes(2 * HOUR_MS)

    fleet.plan()

    assert fleet.skipped() == [("removed", 1)]
    assert fleet.state.schedules.progress == {}
    fleet.passes(5 * HOUR_MS)
    assert fleet.nominal() == [1]


def test_another_rhythm_owes_nothing_for_the_time_before_it() -> None:
    fleet = Fleet()
    fleet.plan(hourly(missed=Missed.RUN_ALL, overlap=Overlap.ALLOW_ALL))
    fleet.passes(90 * MINUTE_MS)

    fleet.plan(replace(hourly(overlap=Overlap.ALLOW_ALL), rhythm=Every(MINUTE_MS)))
    assert fleet.nominal() == [1]
    fleet.passes(3 * MINUTE_MS)
    assert len(fleet.runs()) == 4
    assert fleet.skipped() == []


def test_a_run_that_the_core_refuses_is_a_skip_that_says_why() -> None:
    fleet = Fleet()
    fleet.plan(hourly(time_window="nowhere"))

    fleet.passes(HOUR_MS)

    assert fleet.nominal() == []
    assert fleet.skipped() == [("refused", 1)]
    assert "nowhere" in fleet.told[-1].text
