"""Windows: the hours and days in which a task may start, and the head start that they give."""

from datetime import UTC, datetime
from typing import Any

import pytest

from coordinator.core.civil import Window
from coordinator.core.instant import Instant
from tests.support.fleet import START, Fleet

HOUR = 3600.0
DAY = 24 * HOUR
PEAK = Window("peak_hours", "UTC", 9 * 60, 22 * 60, priority_boost=1.5)


def fleet_with(*windows: Window, **plan: Any) -> Fleet:
    fleet = Fleet(windows={window.name: window for window in windows}, **plan)
    fleet.agent("Main", heartbeat_ms=3_600_000)
    return fleet


def go_to(fleet: Fleet, when: datetime) -> None:
    """Let the wall clock show *when* before anything happens."""
    fleet.now = Instant(int(when.timestamp() * 1000), fleet.now.mono_ms)


def hours_until_start(fleet: Fleet, task: str) -> float:
    """Let time pass quarter by quarter; return after how many hours *task* began to run."""
    for quarter in range(8 * 24 * 4):
        if fleet.holder(task) is not None:
            return quarter / 4
        fleet.pass_time(HOUR / 4)
    raise AssertionError(f"{task} did not start within eight days")


def test_a_task_waits_for_its_window_to_open() -> None:
    fleet = fleet_with(PEAK)
    task = fleet.create(constraints={"time_window": "peak_hours"})

    fleet.pass_time(9 * HOUR - 0.001)
    assert fleet.phase(task) == "ready"
    fleet.pass_time(0.001)
    assert fleet.holder(task) == "Main"


def test_a_task_that_names_no_window_starts_at_any_hour() -> None:
    fleet = fleet_with(PEAK)

    assert fleet.holder(fleet.create()) == "Main"


def test_a_task_that_runs_when_its_window_closes_may_finish() -> None:
    fleet = fleet_with(PEAK)
    fleet.pass_time(22 * HOUR - 60)
    running, waiting = (fleet.create(constraints={"time_window": "peak_hours"}) for _ in "ab")
    fleet.pass_time(600)
    assert fleet.phase(running) == "running"

    fleet.finish(running)
    assert fleet.phase(waiting) == "ready"


@pytest.mark.parametrize(("days", "hours"), [({0}, 9), ({2}, 2 * 24 + 9), ({6}, 6 * 24 + 9)])
def test_a_window_opens_on_its_days_of_the_week_only(days: set[int], hours: float) -> None:
    fleet = fleet_with(Window("w", "UTC", 9 * 60, 10 * 60, frozenset(days)))
    task = fleet.create(constraints={"time_window": "w"})  # on Monday at midnight

    assert hours_until_start(fleet, task) == hours


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_starts() -> None:
    fleet = fleet_with(Window("friday_night", "UTC", 22 * 60, 6 * 60, frozenset({4})))
    fleet.pass_time(5 * DAY + 5 * HOUR)
    assert fleet.holder(fleet.create(constraints={"time_window": "friday_night"})) == "Main"

    early = fleet_with(Window("friday_night", "UTC", 22 * 60, 6 * 60, frozenset({4})))
    early.pass_time(4 * DAY + 5 * HOUR)
    assert early.phase(early.create(constraints={"time_window": "friday_night"})) == "ready"


def test_any_of_several_windows_lets_a_task_start() -> None:
    morning = Window("morning", "UTC", 6 * 60, 7 * 60)
    fleet = fleet_with(morning, PEAK)
    task = fleet.create(constraints={"time_window": ["peak_hours", "morning"]})

    assert hours_until_start(fleet, task) == 6


def test_a_window_in_another_zone_follows_the_clock_there() -> None:
    fleet = fleet_with(Window("w", "America/New_York", 9 * 60, 10 * 60))
    task = fleet.create(constraints={"time_window": "w"})

    assert hours_until_start(fleet, task) == 14


@pytest.mark.parametrize(
    ("night_of", "hours"), [("2026-03-28T21", 7), ("2026-10-24T20", 9), ("2026-05-01T20", 8)]
)
def test_a_night_lasts_as_long_as_the_change_of_the_clock_makes_it(
    night_of: str, hours: int
) -> None:
    fleet = fleet_with(Window("night", "Europe/Berlin", 22 * 60, 6 * 60))
    go_to(fleet, datetime.fromisoformat(f"{night_of}:00+00:00"))
    first = fleet.create(constraints={"time_window": "night"})
    assert fleet.holder(first) == "Main"  # at its very start

    fleet.pass_time(hours * HOUR - 1)
    fleet.finish(first)
    last = fleet.create(constraints={"time_window": "night"})
    assert fleet.holder(last) == "Main"
    fleet.pass_time(1)
    fleet.finish(last)
    assert fleet.phase(fleet.create(constraints={"time_window": "night"})) == "ready"


def test_a_window_inside_the_hour_that_the_clock_skips_does_not_open_that_day() -> None:
    fleet = fleet_with(Window("gap", "Europe/Berlin", 135, 165))
    go_to(fleet, datetime(2026, 3, 29, tzinfo=UTC))
    task = fleet.create(constraints={"time_window": "gap"})

    assert hours_until_start(fleet, task) == 24.25  # 02:15 in summer, a day of 23 hours later


def test_a_window_in_the_hour_that_the_clock_repeats_opens_once() -> None:
    fleet = fleet_with(Window("fold", "Europe/Berlin", 120, 150))
    go_to(fleet, datetime(2026, 10, 25, tzinfo=UTC))
    first = fleet.create(constraints={"time_window": "fold"})
    assert hours_until_start(fleet, first) == 0
    fleet.pass_time(HOUR)  # 02:00 for the second time
    fleet.finish(first)

    assert fleet.phase(fleet.create(constraints={"time_window": "fold"})) == "ready"


def test_an_open_window_multiplies_the_head_start_of_its_tasks() -> None:
    always = Window("event", "UTC", 0, 1440, all_day=True, priority_boost=2.0)
    fleet = fleet_with(always)
    fleet.create("busy")
    fleet.create(id="older")
    fleet.pass_time(29 * 60)  # a normal task is 30 minutes ahead, and now 60
    fleet.create(id="boosted", constraints={"time_window": "event"})
    fleet.pass_time(2 * 60)
    fleet.create(id="too_late", constraints={"time_window": "event"})

    fleet.finish(fleet.running()[0])
    assert fleet.running() == ["boosted"]
    fleet.finish("boosted")
    assert fleet.running() == ["older"]


def test_of_two_open_windows_the_greatest_boost_counts_and_not_their_sum() -> None:
    windows = [
        Window(name, "UTC", 0, 1440, all_day=True, priority_boost=boost)
        for name, boost in (("a", 1.5), ("b", 2.0))
    ]
    fleet = fleet_with(*windows)
    fleet.create("busy")
    fleet.create(id="older")
    fleet.pass_time(31 * 60)  # the sum would put it 75 minutes ahead instead of 60
    fleet.create(id="boosted", constraints={"time_window": ["a", "b"]})

    fleet.finish(fleet.running()[0])
    assert fleet.running() == ["older"]


def test_a_boost_ends_when_its_window_closes() -> None:
    happy = Window("happy_hour", "UTC", 0, 60, priority_boost=4.0)
    fleet = fleet_with(happy, Window("day", "UTC", 0, 1440, all_day=True))
    fleet.create("busy")
    fleet.create(id="older")
    fleet.pass_time(40 * 60)
    fleet.create(id="boosted", constraints={"time_window": ["day", "happy_hour"]})
    fleet.pass_time(20 * 60)

    fleet.finish(fleet.running()[0])
    assert fleet.running() == ["older"]


def test_a_task_that_must_fit_does_not_start_when_it_would_outlast_its_window() -> None:
    fleet = fleet_with(PEAK)
    fleet.pass_time(21 * HOUR)
    terms = {"time_window": "peak_hours", "must_fit": True}
    long = fleet.create(constraints=terms, estimated_duration_s=2 * HOUR)
    short = fleet.create(constraints=terms, estimated_duration_s=HOUR / 2)
    assert fleet.running() == [short]

    fleet.finish(short)
    fleet.pass_time(12 * HOUR - 1)
    assert fleet.phase(long) == "ready"
    fleet.pass_time(1)
    assert fleet.holder(long) == "Main"


def test_how_long_it_takes_is_what_runs_have_shown_once_there_are_some() -> None:
    fleet = fleet_with(PEAK)
    fleet.pass_time(12 * HOUR)
    for _ in range(6):
        task = fleet.create()
        fleet.pass_time(HOUR)
        fleet.finish(task)
    fleet.pass_time(3.5 * HOUR)
    terms = {"time_window": "peak_hours", "must_fit": True}
    hopeful = fleet.create(constraints=terms, estimated_duration_s=60)
    assert fleet.phase(hopeful) == "ready"


def test_a_window_that_the_plan_does_not_know_is_refused_with_a_suggestion() -> None:
    fleet = fleet_with(PEAK)
    spec = {"name": "t", "mode": "quest", "constraints": {"time_window": "peak_hour"}}
    reply = fleet.ask("create", spec=spec)

    assert reply.code == "bad_request"
    assert "'peak_hour' should be 'peak_hours'" in str(reply.message)


def test_the_week_of_these_tests_begins_on_a_monday() -> None:
    assert datetime.fromtimestamp(START.wall_ms / 1000, UTC).weekday() == 0
