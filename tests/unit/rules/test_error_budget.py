"""Error budgets: when too much has failed in a day or a week, nothing new begins."""

from typing import Any

import pytest

from protocol.vocabulary import ReportEvent
from tests.support.fleet import Fleet

HOUR = 3600.0
DAY = 24 * HOUR


def fleet_with(**plan: Any) -> Fleet:
    fleet = Fleet(**plan)
    fleet.agent("Main", heartbeat_ms=3_600_000)
    return fleet


def fail(fleet: Fleet, times: int, code: str = "boom") -> None:
    for _ in range(times):
        fleet.fail(fleet.create(max_attempts=1), code)


def test_so_many_errors_in_a_day_stop_the_fleet_until_the_day_ends() -> None:
    fleet = fleet_with(max_daily_errors=2)
    fail(fleet, 2)
    task = fleet.create()

    fleet.pass_time(DAY - 0.001)
    assert fleet.phase(task) == "ready"
    fleet.pass_time(0.001)
    assert fleet.holder(task) == "Main"


def test_one_error_less_stops_nothing_and_is_forgotten_tomorrow() -> None:
    fleet = fleet_with(max_daily_errors=2)
    fail(fleet, 1)
    fleet.pass_time(DAY)
    fail(fleet, 1)

    assert fleet.holder(fleet.create()) == "Main"


def test_so_many_errors_in_a_week_stop_the_fleet_until_the_week_ends() -> None:
    fleet = fleet_with(max_daily_errors=2, max_weekly_errors=3)
    fail(fleet, 2)
    fleet.pass_time(DAY)
    fail(fleet, 1)
    task = fleet.create()

    fleet.pass_time(6 * DAY - 1)
    assert fleet.phase(task) == "ready"
    fleet.pass_time(1)
    assert fleet.holder(task) == "Main"


def test_what_runs_goes_on_and_maintenance_may_begin() -> None:
    fleet = fleet_with(max_daily_errors=1)
    fleet.agent("Heals")
    running = fleet.create(agent="Heals")
    fail(fleet, 1)
    upkeep, other = fleet.create(priority="maintenance"), fleet.create(priority="critical")

    assert fleet.running() == [running, upkeep]
    assert fleet.phase(other) == "ready"


def test_each_failed_attempt_counts_also_one_that_is_tried_again() -> None:
    fleet = fleet_with(max_daily_errors=2, retry_cap_ms=1_000)
    task = fleet.create(max_attempts=3)
    fleet.fail(task)
    fleet.pass_time(1)
    fleet.fail(task)
    fleet.pass_time(1)

    assert fleet.phase(task) == "ready"


def test_errors_of_ignored_classes_do_not_count() -> None:
    fleet = fleet_with(max_daily_errors=1, ignored_errors=frozenset({"server_down"}))
    fail(fleet, 5, "server_down")
    last = fleet.create()
    assert fleet.holder(last) == "Main"

    fleet.fail(last, "boom", retryable=False)
    assert fleet.phase(fleet.create()) == "ready"


def test_a_lost_task_is_no_error_of_the_fleet() -> None:
    fleet = fleet_with(max_daily_errors=1)
    fleet.report(fleet.create(max_attempts=1), ReportEvent.ABANDONED)

    assert fleet.holder(fleet.create()) == "Main"


def test_an_operator_may_reset_a_budget_that_is_used_up() -> None:
    fleet = fleet_with(max_daily_errors=2)
    fail(fleet, 2)
    task = fleet.create()
    assert fleet.ask("reset_budget", reason="server is back").ok
    assert fleet.holder(task) == "Main"

    fleet.fail(task, retryable=False)  # one of two again
    assert fleet.holder(fleet.create()) == "Main"


def test_resetting_what_is_not_used_up_is_refused_and_forgets_no_error() -> None:
    fleet = fleet_with(max_daily_errors=2)
    fail(fleet, 1)
    assert fleet.ask("reset_budget").code == "conflict"
    fail(fleet, 1)

    assert fleet.phase(fleet.create()) == "ready"


def test_it_survives_a_restart() -> None:
    fleet = fleet_with(max_daily_errors=2)
    fail(fleet, 1)
    fleet.restart_coordinator()
    fleet.beat("Main")
    fail(fleet, 1)
    fleet.restart_coordinator()
    fleet.beat("Main")

    assert fleet.phase(fleet.create()) == "ready"


@pytest.mark.parametrize(("limit", "phase"), [(1, "ready"), (2, "ready"), (3, "running")])
def test_a_new_plan_judges_the_errors_so_far_at_once(limit: int, phase: str) -> None:
    lenient, strict = fleet_with(max_daily_errors=9), fleet_with(max_daily_errors=2)
    for fleet in (lenient, strict):
        fail(fleet, 2)
        fleet.plan(max_daily_errors=limit)
        assert fleet.phase(fleet.create()) == phase
