"""Failure cooldown: who has failed too often waits, then one probe shows whether it works again."""

from typing import Any

import pytest

from coordinator.core.policy import FailureCooldown
from protocol.vocabulary import ReportEvent
from tests.support.fleet import Fleet

HOUR_MS = 3_600_000
HOUR = 3600.0


def rule(
    failures: int = 2, *, scope: str = "agent_type", window_ms: int = HOUR_MS
) -> FailureCooldown:
    """Return: after *failures* in an hour, wait one hour, then two, at most three."""
    return FailureCooldown("recent", failures, HOUR_MS, window_ms, 3 * HOUR_MS, scope)


def fleet_with(*rules: FailureCooldown, agents: tuple[str, ...] = ("Main",), **bot: Any) -> Fleet:
    fleet = Fleet(failure_cooldowns=rules)
    for name in agents:
        fleet.agent(name, "quest", "combat", heartbeat_ms=3_600_000, **bot)
    return fleet


def fail_once(fleet: Fleet, **spec: Any) -> None:
    fleet.fail(fleet.create(max_attempts=1, **spec))


def open_it(fleet: Fleet) -> None:
    """Let two tasks fail at the same moment."""
    fail_once(fleet)
    fail_once(fleet)


def test_after_so_many_failures_an_agent_leaves_that_type_alone_for_the_timeout() -> None:
    fleet = fleet_with(rule())
    open_it(fleet)
    task = fleet.create()

    fleet.pass_time(HOUR - 0.001)
    assert fleet.phase(task) == "ready"
    fleet.pass_time(0.001)
    assert fleet.holder(task) == "Main"


def test_one_failure_less_changes_nothing() -> None:
    fleet = fleet_with(rule(3))
    open_it(fleet)

    assert fleet.holder(fleet.create()) == "Main"


def test_failures_that_are_older_than_the_window_do_not_count() -> None:
    fleet = fleet_with(rule(window_ms=HOUR_MS // 2))
    fail_once(fleet)
    fleet.pass_time(HOUR / 2)
    fail_once(fleet)

    assert fleet.holder(fleet.create()) == "Main"


def test_the_timeout_counts_from_the_last_failure() -> None:
    fleet = fleet_with(rule())
    fail_once(fleet)
    fleet.pass_time(HOUR / 2)
    fail_once(fleet)
    task = fleet.create()

    fleet.pass_time(HOUR - 1)
    assert fleet.phase(task) == "ready"
    fleet.pass_time(1)
    assert fleet.phase(task) == "running"


def test_another_agent_takes_over() -> None:
    fleet = fleet_with(rule(), agents=("Main", "Heals"))
    for _ in range(2):
        fail_once(fleet, agent="Main")

    tasks = [fleet.create() for _ in range(2)]
    assert [fleet.holder(task) for task in tasks] == ["Heals", None]


def test_by_agent_and_type_only_that_type_is_left_alone() -> None:
    fleet = fleet_with(rule())
    open_it(fleet)

    assert fleet.holder(fleet.create(mode="combat")) == "Main"


def test_by_agent_everything_is_left_alone() -> None:
    fleet = fleet_with(rule(scope="agent"))
    fail_once(fleet)
    fail_once(fleet, mode="combat")

    assert fleet.phase(fleet.create(mode="combat")) == "ready"


def test_by_type_every_agent_leaves_that_type_alone_and_no_other() -> None:
    fleet = fleet_with(rule(scope="type"), agents=("Main", "Heals"))
    fail_once(fleet, agent="Main")
    fail_once(fleet, agent="Heals")
    quest, combat = fleet.create(), fleet.create(mode="combat")

    assert (fleet.phase(quest), fleet.phase(combat)) == ("ready", "running")
    fleet.pass_time(HOUR)
    assert fleet.phase(quest) == "running"


@pytest.mark.parametrize("scope", ["agent_type", "agent", "type"])
def test_when_the_time_is_over_exactly_one_probe_runs(scope: str) -> None:
    fleet = fleet_with(rule(scope=scope), slots=3)
    open_it(fleet)
    tasks = [fleet.create() for _ in range(3)]

    fleet.pass_time(2 * HOUR)
    assert fleet.running() == tasks[:1]


@pytest.mark.parametrize("scope", ["agent_type", "agent", "type"])
def test_a_probe_that_succeeds_clears_the_cooldown(scope: str) -> None:
    fleet = fleet_with(rule(scope=scope), slots=3)
    open_it(fleet)
    tasks = [fleet.create() for _ in range(3)]
    fleet.pass_time(HOUR)
    fleet.finish(tasks[0])
    assert fleet.running() == tasks[1:]

    fleet.fail(tasks[1], retryable=False)  # counting begins anew
    assert fleet.holder(fleet.create()) == "Main"


@pytest.mark.parametrize("scope", ["agent_type", "agent", "type"])
def test_a_probe_that_fails_waits_twice_as_long_up_to_the_most(scope: str) -> None:
    fleet = fleet_with(rule(scope=scope, window_ms=HOUR_MS // 2))
    open_it(fleet)
    tasks = [fleet.create() for _ in range(4)]
    waits = []
    for task in tasks:
        begin_ms = fleet.now.wall_ms
        while fleet.holder(task) is None:
            fleet.pass_time(HOUR / 4)
        waits.append((fleet.now.wall_ms - begin_ms) / HOUR_MS)
        fleet.fail(task, retryable=False)

    assert waits == [1, 2, 3, 3]


@pytest.mark.parametrize("scope", ["agent_type", "type"])
def test_a_probe_that_is_cancelled_has_shown_nothing_and_another_may_probe(scope: str) -> None:
    fleet = fleet_with(rule(scope=scope), slots=3)
    open_it(fleet)
    tasks = [fleet.create() for _ in range(3)]
    fleet.pass_time(HOUR)
    fleet.ask("cancel", tasks[0])

    assert fleet.running() == tasks[1:2]


@pytest.mark.parametrize("scope", ["agent_type", "agent", "type"])
def test_what_began_before_it_opened_and_fails_too_is_no_second_opening(scope: str) -> None:
    fleet = fleet_with(rule(scope=scope), slots=4)
    for task in [fleet.create(max_attempts=1) for _ in range(4)]:
        fleet.fail(task)
    task = fleet.create()
    fleet.pass_time(HOUR)

    assert fleet.phase(task) == "running"


def test_what_began_before_it_opened_and_succeeds_is_no_probe() -> None:
    fleet = fleet_with(rule(scope="type"), slots=3)
    old, *failing = [fleet.create(max_attempts=1) for _ in range(3)]
    for task in failing:
        fleet.fail(task)
    fleet.finish(old)

    assert fleet.phase(fleet.create()) == "ready"


@pytest.mark.parametrize("scope", ["agent_type", "agent", "type"])
@pytest.mark.parametrize("down_s", [1.0, HOUR])
def test_a_cooldown_and_its_single_probe_survive_a_restart(scope: str, down_s: float) -> None:
    fleet = fleet_with(rule(scope=scope), slots=2)
    open_it(fleet)
    tasks = [fleet.create() for _ in range(2)]
    fleet.restart_coordinator(down_s)
    fleet.beat("Main")
    assert len(fleet.running()) == (down_s == HOUR)

    fleet.pass_time(HOUR - 1)
    fleet.restart_coordinator()
    fleet.beat("Main")
    assert fleet.running() == tasks[:1]


def test_a_single_failure_of_a_type_narrows_nothing_when_a_plan_is_applied() -> None:
    fleet = fleet_with(rule(scope="type"), slots=3)
    fail_once(fleet)
    fleet.plan(fleet_name="renamed")

    assert len([fleet.create() for _ in range(3)]) == len(fleet.running())


def test_cancellations_and_losses_are_no_failures() -> None:
    fleet = fleet_with(rule(1))
    cancelled = fleet.create()
    fleet.ask("cancel", cancelled)
    abandoned = fleet.create(max_attempts=1)
    fleet.report(abandoned, ReportEvent.ABANDONED)

    assert fleet.status(abandoned) == "failed"
    assert fleet.holder(fleet.create()) == "Main"


def test_a_task_may_bring_a_rule_of_its_own_that_holds_for_its_name() -> None:
    fleet = fleet_with()
    own = [{"type": "recent_failure", "timeout": 60, "max_failures": 1}]
    fail_once(fleet, name="boss", anti_pattern_rules=own)
    boss = fleet.create("boss", anti_pattern_rules=own)
    other = fleet.create("other")

    assert (fleet.phase(boss), fleet.phase(other)) == ("ready", "running")
    fleet.finish(other)
    fleet.pass_time(60)
    assert fleet.holder(boss) == "Main"


def test_opening_is_told_with_its_end() -> None:
    fleet = fleet_with(rule(1))
    task = fleet.create(max_attempts=1)
    fleet.fail(task)

    assert fleet.stories().count("cooldown") == 1
    assert fleet.state.agents["Main"].cooldowns["recent", "mode:quest"].until_ms == (
        fleet.now.wall_ms + HOUR_MS
    )
