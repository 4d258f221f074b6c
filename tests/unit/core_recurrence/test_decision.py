from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from coordinator.core.recurrence.decision import (
    MOST_AT_ONCE,
    ON_TIME_MS,
    Decision,
    Skip,
    SkipReason,
    due,
    skip_all,
)
from coordinator.core.recurrence.recurring import Missed, RecurringTask
from coordinator.core.recurrence.rhythm import Cron, Every
from protocol.names import task_id

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


def hourly(**terms: Any) -> RecurringTask:
    return RecurringTask("s", "quest", Every(HOUR_MS), **terms)


@pytest.mark.parametrize("missed", list(Missed))
def test_what_is_due_now_is_run_whatever_is_done_with_missed_ones(missed: Missed) -> None:
    assert due(hourly(missed=missed), 4 * HOUR_MS, 5 * HOUR_MS + ON_TIME_MS) == Decision(
        runs=(5 * HOUR_MS,), skips=(), handled_ms=5 * HOUR_MS, next_at_ms=6 * HOUR_MS
    )


def test_nothing_is_due_twice_nor_early_even_if_the_clock_went_back() -> None:
    for now_ms in (5 * HOUR_MS, 6 * HOUR_MS - 1, 2 * HOUR_MS):
        assert due(hourly(), 5 * HOUR_MS, now_ms) == Decision((), (), 5 * HOUR_MS, 6 * HOUR_MS)


def test_missed_runs_are_skipped_if_nobody_wants_them_late() -> None:
    decision = due(hourly(missed=Missed.SKIP), 0, 5 * HOUR_MS + ON_TIME_MS + 1)

    assert decision.runs == ()
    assert decision.skips == (Skip(SkipReason.MISSED, HOUR_MS, 5 * HOUR_MS, 5),)


def test_the_newest_of_missed_runs_stands_for_all_within_the_grace() -> None:
    decision = due(hourly(grace_ms=30 * MINUTE_MS), 0, 5 * HOUR_MS + 30 * MINUTE_MS)

    assert decision.runs == (5 * HOUR_MS,)
    assert decision.skips == (Skip(SkipReason.MERGED, HOUR_MS, 4 * HOUR_MS, 4),)


def test_beyond_the_grace_none_of_the_missed_is_run() -> None:
    decision = due(hourly(grace_ms=30 * MINUTE_MS), 0, 5 * HOUR_MS + 30 * MINUTE_MS + 1)

    assert decision.runs == ()
    assert decision.skips == (Skip(SkipReason.TOO_LATE, HOUR_MS, 5 * HOUR_MS, 5),)


def test_all_missed_runs_are_caught_up_on_up_to_the_limit() -> None:
    schedule = hourly(missed=Missed.RUN_ALL, max_catchup=3)

    assert due(schedule, 0, 3 * HOUR_MS).runs == (HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS)
    decision = due(schedule, 0, 9 * HOUR_MS)
    assert decision.runs == (7 * HOUR_MS, 8 * HOUR_MS, 9 * HOUR_MS)
    assert decision.skips == (Skip(SkipReason.CATCHUP_FULL, HOUR_MS, 6 * HOUR_MS, 6),)


@pytest.mark.parametrize("missed", list(Missed))
@pytest.mark.parametrize("rhythm", [Cron("* * * * *", "Europe/Berlin"), Every(MINUTE_MS)])
def test_ten_years_of_minutes_are_accounted_for_to_the_last(
    missed: Missed, rhythm: Cron | Every
) -> None:
    schedule = replace(hourly(missed=missed, max_catchup=10**6), rhythm=rhythm)
    now_ms = 10 * 366 * 24 * HOUR_MS + 2 * MINUTE_MS // 3

    decision = due(schedule, 0, now_ms)

    (skip,) = decision.skips
    assert len(decision.runs) <= MOST_AT_ONCE
    assert skip.first_ms == MINUTE_MS
    edges = [skip.last_ms, *decision.runs, decision.next_at_ms]
    assert all(b is not None and a is not None and b - a == MINUTE_MS for a, b in pairwise(edges))
    if skip.is_exact:
        assert skip.count == (skip.last_ms - skip.first_ms) // MINUTE_MS + 1


def test_a_pause_skips_what_it_covers() -> None:
    assert skip_all(hourly(), 0, 3 * HOUR_MS, SkipReason.PAUSED) == (
        Skip(SkipReason.PAUSED, HOUR_MS, 3 * HOUR_MS, 3),
    )
    assert skip_all(hourly(), 0, HOUR_MS - 1, SkipReason.PAUSED) == ()


def test_the_id_of_a_run_says_which_it_is() -> None:
    assert hourly().run_id(1_774_746_000_000) == "s-20260329T010000Z"
    assert hourly().run_id(1_774_746_000_250) == "s-20260329T010000250Z"


@pytest.mark.parametrize("name", ["Nächtlich / Nord", "#", "a" * 128, "-", "_x_", "日本", "a b"])
def test_any_name_makes_an_id_that_a_task_may_bear(name: str) -> None:
    run_id = replace(hourly(), name=name).run_id(1_774_746_000_250)

    assert task_id(run_id) == run_id


def test_names_that_look_alike_in_ids_stay_apart() -> None:
    names = ["a b", "a-b", "a/b", "ä-b", "a" * 100, "a" * 101, "a" * 48]

    assert len({replace(hourly(), name=name).run_id(0) for name in names}) == len(names)


def test_a_run_is_what_the_schedule_says() -> None:
    schedule = hourly(
        agent="Main", args={"a": 1}, time_window="peak", estimated_ms=90_500, daily_cap=3
    )

    spec = schedule.spec(HOUR_MS)

    assert (spec.name, spec.mode, spec.agent, spec.args) == ("s", "quest", "Main", {"a": 1})
    assert spec.constraints == {"time_window": "peak"}
    assert (spec.estimated_duration_s, spec.run_limit_s, spec.daily_cap) == (90.5, None, 3)
    assert spec.scheduled_for_ms == HOUR_MS
    assert spec.metadata == {"schedule": "s", "nominal_ms": HOUR_MS}
