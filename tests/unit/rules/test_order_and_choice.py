"""Who goes first, how far one may be overtaken, and which agent is chosen."""

from typing import Any

import pytest

from coordinator.core.civil import Window
from coordinator.core.policy import Ageing, AgentPolicy, Threshold
from protocol.vocabulary import AgentHealth
from tests.support.fleet import Fleet

MINUTE = 60.0
HOUR = 60 * MINUTE


def busy_fleet(**plan: Any) -> Fleet:
    """Return one agent who is busy, so that everything else waits in line."""
    fleet = Fleet(**plan)
    fleet.agent("Main", heartbeat_ms=3_600_000)
    fleet.create(id="busy")
    return fleet


def next_to_run(fleet: Fleet) -> str:
    fleet.finish(fleet.running()[0])
    (task,) = fleet.running()
    return task


@pytest.mark.parametrize(("minutes", "first"), [(59, "high"), (61, "low")])
def test_a_low_task_is_overtaken_by_high_ones_that_come_within_the_hour_only(
    minutes: int, first: str
) -> None:
    fleet = busy_fleet()
    fleet.create(id="low", priority="low")
    fleet.pass_time(minutes * MINUTE)
    fleet.create(id="high", priority="high")

    assert next_to_run(fleet) == first


def test_a_boost_lengthens_the_hour_by_what_it_adds_and_no_more() -> None:
    event = Window("event", "UTC", 0, 1440, all_day=True, priority_boost=1.5)
    fleet = busy_fleet(windows={"event": event})
    fleet.create(id="low", priority="low")
    for minutes, name in ((89, "just"), (2, "late")):
        fleet.pass_time(minutes * MINUTE)
        fleet.create(id=name, priority="high", constraints={"time_window": "event"})

    assert [next_to_run(fleet) for _ in range(3)] == ["just", "low", "late"]


def test_critical_tasks_leave_a_share_of_the_agents_to_others_that_wait() -> None:
    fleet = Fleet(ageing=Ageing(critical_max_share=0.5))
    for n in range(4):
        fleet.agent(f"a{n}", starts=False)
    fleet.ask("pause_fleet")
    urgent = [fleet.create(priority="critical") for _ in range(4)]
    others = [fleet.create(priority="low") for _ in range(4)]
    fleet.ask("resume_fleet")

    assert sorted(fleet.running()) == sorted(urgent[:2] + others[:2])


def test_critical_tasks_take_every_agent_when_nothing_else_waits() -> None:
    fleet = Fleet(ageing=Ageing(critical_max_share=0.5))
    for n in range(4):
        fleet.agent(f"a{n}")
    urgent = [fleet.create(priority="critical") for _ in range(4)]

    assert fleet.running() == urgent


def test_the_share_of_critical_tasks_is_one_agent_at_least() -> None:
    fleet = Fleet(ageing=Ageing(critical_max_share=0.1))
    fleet.agent("Main")
    fleet.ask("pause_fleet")
    fleet.create(priority="low")
    urgent = fleet.create(priority="critical")
    fleet.ask("resume_fleet")

    assert fleet.running() == [urgent]


def test_a_healthier_agent_is_chosen_before_one_with_a_warning() -> None:
    cpu = {"cpu_usage": Threshold(warning=70, critical=90, hard=True)}
    fleet = Fleet(agents={name: AgentPolicy(name, thresholds=cpu) for name in ("Main", "Heals")})
    fleet.agent("Main", metrics={"cpu_usage": 80.0})
    fleet.agent("Heals")

    assert fleet.holder(fleet.create()) == "Heals"


@pytest.mark.parametrize(
    ("said", "cpu", "phase"),
    [
        ({"min_health": "warning"}, 80.0, "running"),
        ({"min_health": "healthy"}, 80.0, "ready"),
        ({"min_health": "critical"}, 95.0, "running"),
        ({"min_health": "warning"}, 95.0, "ready"),
        ({"min_health": "warning"}, None, "ready"),
        ({"min_health": "warning", "allow_unknown_health": True}, None, "running"),
        ({}, None, "running"),
    ],
)
def test_a_task_takes_agents_of_its_least_health_or_better(
    said: dict[str, Any], cpu: float | None, phase: str
) -> None:
    rule = {"cpu_usage": Threshold(warning=70, critical=90, hard=True)}
    fleet = Fleet(agents={"Main": AgentPolicy("Main", thresholds=rule)})
    fleet.agent("Main", metrics={} if cpu is None else {"cpu_usage": cpu})

    assert fleet.phase(fleet.create(constraints=said)) == phase


def test_the_plan_may_allow_agents_whose_health_is_unknown() -> None:
    fleet = Fleet(min_health=AgentHealth.WARNING, allow_unknown_health=True)
    fleet.agent("Main", metrics={})

    assert fleet.holder(fleet.create()) == "Main"


def test_the_same_fleet_makes_the_same_choices() -> None:
    def choices() -> list[str | None]:
        fleet = Fleet()
        for n in range(12):
            fleet.agent(f"a{n}")
        return [fleet.holder(fleet.create()) for _ in range(12)]

    assert choices() == choices()


def test_a_task_that_was_not_started_in_time_is_cancelled_as_expired() -> None:
    fleet = busy_fleet()
    task = fleet.create(expires_ms=fleet.now.wall_ms + 60_000)
    fleet.pass_time(59.999)
    assert fleet.phase(task) == "ready"

    fleet.pass_time(0.001)
    assert (fleet.status(task), fleet.state.tasks[task].error_code) == ("cancelled", "expired")


def test_a_task_that_runs_when_its_time_is_over_goes_on() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    task = fleet.create(expires_ms=fleet.now.wall_ms + 60_000)
    fleet.pass_time(120)

    assert fleet.phase(task) == "running"


def test_a_task_for_later_that_waits_for_another_waits_for_both() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    first = fleet.create()
    task = fleet.create(depends_on=[first], scheduled_for_ms=fleet.now.wall_ms + 60_000)
    fleet.finish(first)
    assert fleet.phase(task) == "scheduled"

    fleet.pass_time(60)
    assert fleet.holder(task) == "Main"


def test_the_same_permit_is_given_back_exactly_once() -> None:
    fleet = Fleet(limits={"global": 1, "mode:quest": 1, "key:k": 1})
    fleet.agent("Main", slots=3)
    first, second, third = (fleet.create(concurrency_key="k") for _ in "abc")
    report = fleet.bots["Main"].outbox
    fleet.finish(first)
    fleet.hear(*report)  # said again

    assert fleet.running() == [second]
    assert fleet.phase(third) == "ready"
