"""Caps: at most so many starts of a name, a mode, an agent or the fleet in a day or a week."""

from datetime import timedelta
from typing import Any

import pytest

from coordinator.core.instant import Instant
from coordinator.core.policy import Cap
from protocol.vocabulary import ReportEvent
from tests.support.fleet import Fleet

HOUR = 3600.0
DAY = 24 * HOUR


def fleet_of(*agents: str, **plan: Any) -> Fleet:
    """Return agents whose heartbeats are rare, so that days pass quickly."""
    fleet = Fleet(**plan)
    for name in agents:
        fleet.agent(name, heartbeat_ms=3_600_000)
    return fleet


def starts(fleet: Fleet, tasks: list[str]) -> int:
    """Finish one after the other what may start; count how many of *tasks* did."""
    while running := fleet.running():
        fleet.finish(running[0])
    return sum(fleet.state.tasks[task].starts > 0 for task in tasks)


def set_clock_back(fleet: Fleet, by: timedelta) -> None:
    ms = int(by.total_seconds() * 1000)
    fleet.now = Instant(fleet.now.wall_ms - ms, fleet.now.mono_ms)


def test_a_task_with_a_daily_cap_of_three_starts_three_times_a_day() -> None:
    fleet = fleet_of("Main")
    tasks = [fleet.create("Daily Quest Run", daily_cap=3) for _ in range(5)]

    assert starts(fleet, tasks) == 3
    fleet.pass_time(DAY)
    assert starts(fleet, tasks) == 5


def test_a_weekly_cap_lasts_until_the_week_of_the_plan_begins_anew() -> None:
    fleet = fleet_of("Main", week_start=2)
    tasks = [fleet.create(weekly_cap=1) for _ in range(2)]

    assert starts(fleet, tasks) == 1
    fleet.pass_time(2 * DAY - 1)  # Monday to Wednesday, on which this plan's week begins
    assert starts(fleet, tasks) == 1
    fleet.pass_time(1)
    assert starts(fleet, tasks) == 2


def test_the_constraint_daily_cap_and_the_field_mean_the_same_and_the_lower_counts() -> None:
    fleet = fleet_of("Main")
    tasks = [fleet.create(daily_cap=2, constraints={"daily_cap": 1}) for _ in range(2)]

    assert starts(fleet, tasks) == 1


@pytest.mark.parametrize("scope", ["fleet", "mode:quest", "name:task", "agent:Main"])
def test_a_cap_of_the_plan_holds_for_the_fleet_a_mode_a_name_or_an_agent(scope: str) -> None:
    fleet = fleet_of("Main", caps=(Cap(scope, "day", 2),))
    tasks = [fleet.create() for _ in range(3)]

    assert starts(fleet, tasks) == 2
    fleet.pass_time(DAY)
    assert starts(fleet, tasks) == 3


@pytest.mark.parametrize("scope", ["mode:combat", "name:hunt", "agent:Main"])
def test_a_cap_holds_back_nothing_but_its_own(scope: str) -> None:
    fleet = fleet_of("Main", caps=(Cap(scope, "day", 0),))
    fleet.agent("Heals", "quest", "combat", heartbeat_ms=3_600_000)
    others = [fleet.create("other") for _ in range(3)]

    assert starts(fleet, others) == 3


def test_an_agent_at_its_cap_leaves_its_work_to_others() -> None:
    fleet = fleet_of("Main", caps=(Cap("agent:Main", "day", 1),))
    first = fleet.create()
    fleet.finish(first)
    waiting = fleet.create()
    assert fleet.phase(waiting) == "ready"

    fleet.agent("Heals")
    assert fleet.holder(waiting) == "Heals"


@pytest.mark.parametrize("starts", [True, False])
def test_the_cap_of_an_agent_counts_what_it_holds_in_all_its_slots_once(*, starts: bool) -> None:
    fleet = Fleet(caps=(Cap("agent:Main", "day", 3),))
    fleet.agent("Main", slots=4, starts=starts)
    tasks = [fleet.create() for _ in range(4)]

    assert fleet.running() == tasks[:3]


def test_the_cap_of_an_agent_survives_a_restart() -> None:
    fleet = fleet_of("Main", caps=(Cap("agent:Main", "day", 1),))
    fleet.finish(fleet.create())
    fleet.restart_coordinator()
    fleet.beat("Main")

    assert fleet.phase(fleet.create()) == "ready"


def test_a_place_is_reserved_when_the_task_is_offered() -> None:
    fleet = Fleet()
    for name in ("Main", "Heals"):
        fleet.agent(name, starts=False)
    tasks = [fleet.create(daily_cap=1) for _ in range(2)]

    assert [fleet.phase(task) for task in tasks] == ["offered", "ready"]


def test_a_reservation_is_dropped_when_the_agent_refuses() -> None:
    fleet = Fleet()
    fleet.agent("Main", starts=False)
    first, second = (fleet.create(daily_cap=1) for _ in range(2))
    fleet.report(first, ReportEvent.REJECTED, code="wrong_zone")

    assert fleet.holder(second) == "Main"


def test_a_task_that_is_cancelled_after_its_start_is_not_refunded() -> None:
    fleet = fleet_of("Main")
    first, second = (fleet.create(daily_cap=1) for _ in range(2))
    fleet.ask("cancel", first)

    assert fleet.status(first) == "cancelled"
    assert fleet.phase(second) == "ready"


def test_a_retry_is_not_charged_again() -> None:
    fleet = fleet_of("Main", retry_cap_ms=1_000)
    first, second = (fleet.create(daily_cap=2) for _ in range(2))
    fleet.fail(first)
    fleet.finish(second)
    fleet.pass_time(1)
    assert fleet.phase(first) == "running"
    fleet.finish(first)

    assert fleet.phase(fleet.create(daily_cap=2)) == "ready"


def test_a_cap_of_completed_runs_does_not_count_what_fails() -> None:
    fleet = fleet_of("Main", caps=(Cap("fleet", "day", 1, count="completed"),))
    fleet.fail(fleet.create(max_attempts=1))
    fleet.finish(fleet.create())

    assert fleet.phase(fleet.create()) == "ready"


def test_a_cap_of_completed_runs_keeps_the_place_of_what_still_runs() -> None:
    fleet = fleet_of("Main", "Heals", caps=(Cap("fleet", "day", 1, count="completed"),))
    first, second = (fleet.create() for _ in range(2))
    assert fleet.running() == [first]

    fleet.fail(first, retryable=False)
    assert fleet.running() == [second]


def test_a_run_over_midnight_is_charged_to_the_day_of_its_start() -> None:
    fleet = fleet_of("Main", "Heals")
    fleet.pass_time(DAY - 60)
    over_midnight = fleet.create(daily_cap=1)
    fleet.pass_time(120)
    assert fleet.phase(over_midnight) == "running"

    assert fleet.holder(fleet.create(daily_cap=1)) is not None
    assert fleet.phase(fleet.create(daily_cap=1)) == "ready"


def test_a_run_that_completes_after_midnight_was_of_the_day_before() -> None:
    fleet = fleet_of("Main", caps=(Cap("fleet", "day", 1, count="completed"),))
    fleet.pass_time(DAY - 60)
    first = fleet.create()
    fleet.pass_time(120)
    fleet.finish(first)

    assert fleet.holder(fleet.create()) == "Main"


def test_an_offer_before_midnight_that_starts_after_it_is_charged_to_the_new_day() -> None:
    fleet = Fleet()
    fleet.agent("Main", starts=False, heartbeat_ms=3_600_000)
    fleet.agent("Heals", heartbeat_ms=3_600_000)
    fleet.pass_time(DAY - 1)
    offered = fleet.create(agent="Main", daily_cap=1)
    fleet.pass_time(2)
    fleet.report(offered, ReportEvent.STARTED)

    assert fleet.phase(fleet.create(agent="Heals", daily_cap=1)) == "ready"


def test_a_day_begins_when_the_plan_says() -> None:
    fleet = fleet_of("Main", day_start_min=4 * 60, zone="Europe/Berlin")
    tasks = [fleet.create(daily_cap=1) for _ in range(2)]  # at 01:00 in Berlin, a day of Sunday

    assert starts(fleet, tasks) == 1
    fleet.pass_time(3 * HOUR - 1)
    assert starts(fleet, tasks) == 1
    fleet.pass_time(1)
    assert starts(fleet, tasks) == 2


def test_a_clock_set_back_over_midnight_gives_nothing_a_second_time() -> None:
    fleet = fleet_of("Main")
    fleet.pass_time(DAY + 60)
    fleet.finish(fleet.create(daily_cap=1))
    set_clock_back(fleet, timedelta(hours=2))  # it is yesterday again, and yesterday is over

    assert fleet.phase(fleet.create(daily_cap=1)) == "ready"


def test_a_cap_lowered_below_its_use_kills_nothing_and_starts_nothing() -> None:
    fleet = fleet_of("Main", "Heals", caps=(Cap("fleet", "day", 3),))
    tasks = [fleet.create() for _ in range(2)]
    fleet.plan(caps=(Cap("fleet", "day", 1),))

    assert fleet.running() == tasks
    fleet.finish(tasks[0])
    assert fleet.phase(fleet.create()) == "ready"


def test_a_raised_cap_lets_waiting_tasks_start_at_once() -> None:
    fleet = fleet_of("Main", caps=(Cap("fleet", "day", 0),))
    task = fleet.create()
    fleet.plan(caps=(Cap("fleet", "day", 1),))

    assert fleet.holder(task) == "Main"
