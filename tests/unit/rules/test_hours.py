"""Hours, breaks, rest and daily running time of agents and the fleet."""

from typing import Any

import pytest

from coordinator.core.civil import Window
from coordinator.core.policy import AgentPolicy, Rest
from tests.support.fleet import Fleet

HOUR_MS = 3_600_000
HOUR = 3600.0
DAY = 24 * HOUR


def fleet_of(*agents: AgentPolicy, slots: int = 1, **plan: Any) -> Fleet:
    fleet = Fleet(agents={agent.name: agent for agent in agents}, **plan)
    for agent in agents:
        fleet.agent(agent.name, slots=slots, heartbeat_ms=3_600_000)
    return fleet


def starts_at(fleet: Fleet, task: str) -> float:
    """Let time pass; return the hour of the week (UTC) at which *task* began to run."""
    quarter = 0
    while fleet.holder(task) is None:
        fleet.pass_time(HOUR / 4)
        quarter += 1
        assert quarter < 8 * 96, f"{task} does not start"
    return quarter / 4


def test_an_agent_starts_nothing_in_hours_that_it_avoids() -> None:
    fleet = fleet_of(AgentPolicy("Main", avoid_hours=frozenset(range(9))))

    assert starts_at(fleet, fleet.create()) == 9


def test_hours_are_those_of_the_agents_own_clock() -> None:
    zone = "America/New_York"  # where it is 19:00 on Sunday when these tests begin
    fleet = fleet_of(AgentPolicy("Main", avoid_hours=frozenset({19, 20}), zone=zone))

    assert starts_at(fleet, fleet.create()) == 2


def test_hours_that_are_avoided_softly_do_not_forbid() -> None:
    fleet = fleet_of(AgentPolicy("Main", avoid_hours=frozenset(range(24)), avoid_is_soft=True))

    assert fleet.holder(fleet.create()) == "Main"


def test_what_runs_when_an_avoided_hour_begins_may_finish() -> None:
    fleet = fleet_of(AgentPolicy("Main", avoid_hours=frozenset({1})))
    task = fleet.create()
    fleet.pass_time(1.5 * HOUR)

    assert fleet.phase(task) == "running"


def test_preferred_hours_forbid_nothing() -> None:
    fleet = fleet_of(AgentPolicy("Main", preferred_hours=frozenset({12})))

    assert fleet.holder(fleet.create()) == "Main"


@pytest.mark.parametrize(("hour", "holder"), [(0, "Night"), (12, "Daily")])
def test_an_agent_in_its_preferred_hours_is_chosen_first(hour: int, holder: str) -> None:
    fleet = fleet_of(
        AgentPolicy("Daily", preferred_hours=frozenset(range(8, 20))),
        AgentPolicy("Night", preferred_hours=frozenset({22, 23, 0, 1, 2})),
    )
    fleet.pass_time(hour * HOUR)

    assert fleet.holder(fleet.create()) == holder


def test_a_cooldown_period_is_a_break_of_one_agent() -> None:
    lunch = Window("break", "UTC", 0, 60, reason="lunch_break")
    fleet = fleet_of(AgentPolicy("Main", cooldown_periods=(lunch,)), AgentPolicy("Heals"))
    tasks = [fleet.create() for _ in "ab"]
    assert [fleet.holder(task) for task in tasks] == ["Heals", None]

    (block,) = fleet.state.agents["Main"].blocks
    assert (block.code, block.text) == ("IDLE_BLOCK", "lunch_break")
    assert starts_at(fleet, tasks[1]) == 1


def test_in_an_idle_block_the_whole_fleet_starts_nothing() -> None:
    night = Window("idle_block_night", "UTC", 23 * 60, 6 * 60)
    fleet = fleet_of(AgentPolicy("Main"), AgentPolicy("Heals"), idle_blocks=(night,))

    assert starts_at(fleet, fleet.create()) == 6


def test_what_runs_when_an_idle_block_begins_may_finish() -> None:
    night = Window("idle_block_night", "UTC", 60, 6 * 60)
    fleet = fleet_of(AgentPolicy("Main"), idle_blocks=(night,))
    running, waiting = fleet.create(), fleet.create()
    fleet.pass_time(2 * HOUR)
    assert fleet.phase(running) == "running"

    fleet.finish(running)
    assert fleet.phase(waiting) == "ready"


def test_an_idle_block_holds_on_its_days_only() -> None:
    sundays = Window("sunday", "UTC", 0, 6 * 60, frozenset({6}))
    fleet = fleet_of(AgentPolicy("Main"), idle_blocks=(sundays,))
    fleet.finish(fleet.create())
    fleet.pass_time(6 * DAY)

    assert starts_at(fleet, fleet.create()) == 6


# --- running time


LIMITED = AgentPolicy("Main", max_daily_runtime_ms=2 * HOUR_MS)


def work(fleet: Fleet, hours: float) -> str:
    task = fleet.create()
    assert fleet.holder(task) is not None
    fleet.pass_time(hours * HOUR)
    fleet.finish(task)
    return task


def test_an_agent_that_has_run_for_its_hours_starts_nothing_until_tomorrow() -> None:
    fleet = fleet_of(LIMITED)
    work(fleet, 1)
    work(fleet, 1)

    assert starts_at(fleet, fleet.create()) == 22


def test_a_task_that_runs_past_the_limit_may_finish() -> None:
    fleet = fleet_of(LIMITED)
    task = work(fleet, 5)

    assert fleet.status(task) == "completed"
    assert fleet.phase(fleet.create()) == "ready"


def test_the_time_of_an_offer_is_no_running_time() -> None:
    fleet = fleet_of(LIMITED)
    fleet.bots["Main"].starts = False
    offered = fleet.create()
    fleet.pass_time(3 * HOUR)
    fleet.ask("cancel", offered)
    fleet.bots["Main"].starts = True

    assert fleet.holder(fleet.create()) == "Main"


def test_a_run_over_midnight_is_split_between_the_days() -> None:
    fleet = fleet_of(LIMITED)
    fleet.pass_time(23 * HOUR)
    work(fleet, 2)  # an hour of it is of today
    work(fleet, 0.999)
    last = fleet.create()
    assert fleet.holder(last) == "Main"

    fleet.pass_time(0.001 * HOUR)
    fleet.finish(last)
    assert fleet.phase(fleet.create()) == "ready"


def test_two_slots_use_up_the_hours_twice_as_fast() -> None:
    fleet = fleet_of(LIMITED, slots=2)
    first, second = fleet.create(), fleet.create()
    fleet.pass_time(HOUR)
    for task in (first, second):
        fleet.finish(task)

    assert fleet.phase(fleet.create()) == "ready"


def test_a_free_slot_is_not_used_once_what_runs_has_used_up_the_hours() -> None:
    fleet = fleet_of(LIMITED, slots=2)
    fleet.create()
    fleet.pass_time(2 * HOUR)

    assert fleet.phase(fleet.create()) == "ready"


def test_running_time_survives_a_restart() -> None:
    fleet = fleet_of(LIMITED)
    work(fleet, 2)
    fleet.restart_coordinator()
    fleet.beat("Main")

    assert fleet.phase(fleet.create()) == "ready"


# --- rest


REST = Rest("rest", after_ms=3 * HOUR_MS, rest_ms=HOUR_MS // 3, merge_gap_ms=60_000)


def test_after_long_work_an_agent_rests() -> None:
    fleet = fleet_of(AgentPolicy("Main"), rests=(REST,))
    work(fleet, 3)
    task = fleet.create()
    fleet.pass_time(20 * 60 - 1)

    assert fleet.phase(task) == "ready"
    fleet.pass_time(1)
    assert fleet.holder(task) == "Main"


@pytest.mark.parametrize(("gap_s", "phase"), [(60, "ready"), (61, "running")])
def test_a_short_gap_counts_as_work_and_a_longer_one_as_rest(gap_s: float, phase: str) -> None:
    fleet = fleet_of(AgentPolicy("Main"), rests=(REST,))
    work(fleet, 2)
    fleet.pass_time(gap_s)
    work(fleet, 2)

    assert fleet.phase(fleet.create()) == phase


def test_after_its_rest_an_agent_may_work_as_long_again() -> None:
    fleet = fleet_of(AgentPolicy("Main"), rests=(REST,))
    work(fleet, 3)
    fleet.pass_time(HOUR)
    work(fleet, 2.5)

    assert fleet.holder(fleet.create()) == "Main"


def test_an_agent_rests_though_the_coordinator_begins_anew() -> None:
    fleet = fleet_of(AgentPolicy("Main"), rests=(REST,))
    work(fleet, 3)
    fleet.restart_coordinator(60)
    fleet.beat("Main")
    task = fleet.create()

    assert fleet.phase(task) == "ready"
    fleet.pass_time(19 * 60)
    assert fleet.holder(task) == "Main"
