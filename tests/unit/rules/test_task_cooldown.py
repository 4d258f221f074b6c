"""Task cooldown: the least time between two runs of one type on one agent, or of one key."""

from typing import Any

import pytest

from coordinator.core.policy import TaskCooldown
from tests.support.fleet import Fleet

MINUTE = 60.0
GAP = TaskCooldown("gap", 300_000)
FROM_START = TaskCooldown("gap", 300_000, from_start=True)
BOSS = TaskCooldown("boss", 300_000, cooldown_key="boss")


def fleet_with(*rules: TaskCooldown, agents: tuple[str, ...] = ("Main",)) -> Fleet:
    fleet = Fleet(task_cooldowns=rules, retry_cap_ms=1_000)
    for name in agents:
        fleet.agent(name, "quest", "combat", heartbeat_ms=3_600_000)
    return fleet


def waits_s(fleet: Fleet, task: str) -> float:
    """Let time pass second by second; return after how many *task* began to run."""
    begin_ms = fleet.now.wall_ms
    while fleet.holder(task) is None:
        fleet.pass_time(1)
        assert fleet.now.wall_ms < begin_ms + 3_600_000, f"{task} does not start"
    return (fleet.now.wall_ms - begin_ms) / 1000


def run(fleet: Fleet, seconds: float = 0, **spec: Any) -> None:
    task = fleet.create(**spec)
    fleet.pass_time(seconds)
    fleet.finish(task)


@pytest.mark.parametrize(("rule", "waits"), [(GAP, 300), (FROM_START, 240)])
def test_the_least_time_counts_from_the_end_of_a_run_or_from_its_start(
    rule: TaskCooldown, waits: float
) -> None:
    fleet = fleet_with(rule)
    run(fleet, 60)

    assert waits_s(fleet, fleet.create()) == waits


def test_who_ran_longer_than_the_time_from_start_need_not_wait() -> None:
    fleet = fleet_with(FROM_START)
    run(fleet, 301)

    assert fleet.holder(fleet.create()) == "Main"


def test_it_holds_for_one_type_on_one_agent() -> None:
    fleet = fleet_with(GAP, agents=("Main", "Heals"))
    run(fleet, agent="Main")

    assert fleet.holder(fleet.create(mode="combat", agent="Main")) == "Main"
    assert fleet.holder(fleet.create()) == "Heals"


def test_a_key_holds_for_the_whole_fleet_and_for_no_task_without_it() -> None:
    fleet = fleet_with(BOSS, agents=("Main", "Heals"))
    key = {"cooldown_key": "boss"}
    first = fleet.create(constraints=key, agent="Main")
    second = fleet.create(mode="combat", constraints=key)
    assert fleet.holder(fleet.create("other")) == "Heals"
    assert fleet.running()[0] == first
    assert fleet.phase(second) == "ready"  # a key whose task runs is taken

    fleet.pass_time(MINUTE)
    fleet.finish(first)
    assert waits_s(fleet, second) == 300


def test_a_key_survives_a_restart() -> None:
    fleet = fleet_with(BOSS)
    run(fleet, constraints={"cooldown_key": "boss"})
    fleet.restart_coordinator(10)
    fleet.beat("Main")

    assert waits_s(fleet, fleet.create(constraints={"cooldown_key": "boss"})) == 290


def test_a_key_whose_task_never_began_is_free_at_once() -> None:
    fleet = fleet_with(BOSS)
    fleet.bots["Main"].starts = False
    key = {"cooldown_key": "boss"}
    first, second = (fleet.create(constraints=key) for _ in "ab")
    fleet.ask("cancel", first)
    fleet.bots["Main"].starts = True

    assert fleet.holder(second) == "Main"


def test_a_cooldown_of_a_task_holds_for_its_name_on_one_agent() -> None:
    fleet = fleet_with()
    spec: dict[str, Any] = {"name": "daily", "constraints": {"cooldown": 120}}
    run(fleet, **spec)
    again = fleet.create(**spec)

    assert fleet.phase(again) == "ready"
    run(fleet, name="other")
    assert waits_s(fleet, again) == 120


def test_it_holds_after_a_failure_too_and_a_retry_waits_for_the_longer_of_both() -> None:
    fleet = fleet_with(GAP)
    task = fleet.create()
    fleet.fail(task)  # the back-off is at most a second

    assert waits_s(fleet, task) == 300
