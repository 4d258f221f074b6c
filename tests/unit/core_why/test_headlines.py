"""Every reason for which a task can wait, one scene each: its headline, its gate, its numbers."""

from collections.abc import Callable
from typing import Any

import pytest

from coordinator.core.civil import Window
from coordinator.core.policy import (
    AgentPolicy,
    Cap,
    FailureCooldown,
    Rest,
    TaskCooldown,
    Threshold,
)
from coordinator.core.why.codes import ALL, OF_AGENT
from protocol.vocabulary import AgentHealth, CoordinatorState, PresenceState
from tests.support.fleet import START, Fleet

DAY_MS = 86_400_000
NIGHT = Window("night", "UTC", 0, 360, reason="sleep")
LATE = Window("late", "UTC", 1200, 1320)
CPU = {"cpu_usage": Threshold(warning=70, critical=90, hard=True)}


def fleet_of(*agents: str, limits: dict[str, int] | None = None, **plan: Any) -> Fleet:
    fleet = Fleet(limits, **plan)
    for name in agents:
        fleet.agent(name)
    return fleet


def why(fleet: Fleet, task: str) -> dict[str, Any]:
    reply = fleet.ask("why", task=task)
    assert reply.ok, reply.message
    assert reply.data is not None
    return reply.data


def gate(document: dict[str, Any], code: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        gate for gate in document["gates"] if gate["code"] == code and not gate["ok"]
    )
    return found


def paused() -> tuple[Fleet, str]:
    fleet = fleet_of("A")
    fleet.ask("cordon", agent="A")
    task = fleet.create()
    fleet.ask("pause", task=task)
    fleet.ask("return", agent="A")
    return fleet, task


def without_its_window() -> tuple[Fleet, str]:
    fleet = fleet_of("A", windows={"late": LATE})
    task = fleet.create(constraints={"time_window": "late"})
    fleet.plan(windows={})
    return fleet, task


def for_nobody() -> tuple[Fleet, str]:
    fleet = fleet_of("A")
    return fleet, fleet.create(agent="Nobody")


def dependent() -> tuple[Fleet, str]:
    fleet = fleet_of("A", "B")
    first = fleet.create()
    return fleet, fleet.create(depends_on=[first])


def too_early() -> tuple[Fleet, str]:
    fleet = fleet_of("A")
    return fleet, fleet.create(scheduled_for_ms=START.wall_ms + 60_000)


def paused_fleet() -> tuple[Fleet, str]:
    fleet = fleet_of("A")
    fleet.ask("pause_fleet", reason="lunch", client="Ada")
    return fleet, fleet.create()


def spent_budget() -> tuple[Fleet, str]:
    fleet = fleet_of("A", max_daily_errors=1)
    fleet.fail(fleet.create(max_attempts=1))
    return fleet, fleet.create()


def outside_its_window() -> tuple[Fleet, str]:
    fleet = fleet_of("A", windows={"late": LATE})
    return fleet, fleet.create(constraints={"time_window": "late"})


def at_its_cap() -> tuple[Fleet, str]:
    fleet = fleet_of("A", caps=(Cap("fleet", "day", 1),))
    fleet.finish(fleet.create())
    return fleet, fleet.create()


def at_a_limit(key: str) -> Callable[[], tuple[Fleet, str]]:
    def scene() -> tuple[Fleet, str]:
        fleet = fleet_of("A", "B", limits={key: 1})
        fleet.create(concurrency_key="k")
        return fleet, fleet.create(concurrency_key="k")

    return scene


def for_the_incapable() -> tuple[Fleet, str]:
    fleet = fleet_of("A")
    return fleet, fleet.create(mode="craft")


def offline() -> tuple[Fleet, str]:
    fleet = fleet_of("A")
    fleet.hear(fleet.bots["A"].presence(PresenceState.OFFLINE))
    return fleet, fleet.create()


def cordoned() -> tuple[Fleet, str]:
    fleet = fleet_of("A")
    fleet.ask("cordon", agent="A", reason="new disk", client="Ada")
    return fleet, fleet.create()


def unwell() -> tuple[Fleet, str]:
    fleet = Fleet(agents={"A": AgentPolicy("A", thresholds=CPU)}, min_health=AgentHealth.HEALTHY)
    fleet.agent("A", metrics={"cpu_usage": 99.0})
    return fleet, fleet.create()


def at_an_avoided_hour() -> tuple[Fleet, str]:
    fleet = Fleet(agents={"A": AgentPolicy("A", avoid_hours=frozenset({0, 1}))})
    fleet.agent("A")
    return fleet, fleet.create()


def at_rest() -> tuple[Fleet, str]:
    fleet = fleet_of("A", rests=(Rest("rest", 1_000, 600_000),))
    task = fleet.create()
    fleet.pass_time(5)
    fleet.finish(task)
    return fleet, fleet.create()


def after_its_hours() -> tuple[Fleet, str]:
    fleet = Fleet(agents={"A": AgentPolicy("A", max_daily_runtime_ms=1_000)})
    fleet.agent("A")
    task = fleet.create()
    fleet.pass_time(5)
    fleet.finish(task)
    return fleet, fleet.create()


def after_failures() -> tuple[Fleet, str]:
    rule = FailureCooldown("fails", 1, 60_000, 600_000, 600_000)
    fleet = fleet_of("A", failure_cooldowns=(rule,))
    fleet.fail(fleet.create(max_attempts=1))
    return fleet, fleet.create()


def too_soon_again() -> tuple[Fleet, str]:
    fleet = fleet_of("A", task_cooldowns=(TaskCooldown("gap", 300_000),))
    fleet.finish(fleet.create())
    return fleet, fleet.create()


def busy() -> tuple[Fleet, str]:
    fleet = fleet_of("A")
    fleet.create()
    return fleet, fleet.create()


SCENES = {
    "PAUSED": paused,
    "MISCONFIGURED": without_its_window,
    "DEPENDENCY": dependent,
    "NOT_BEFORE": too_early,
    "FLEET_PAUSED": paused_fleet,
    "ERROR_BUDGET": spent_budget,
    "OUTSIDE_WINDOW": outside_its_window,
    "CAP_REACHED": at_its_cap,
    "GLOBAL_LIMIT": at_a_limit("global"),
    "MODE_LIMIT": at_a_limit("mode:quest"),
    "KEY_LIMIT": at_a_limit("key:k"),
    "NO_CAPABLE_AGENT": for_the_incapable,
    "AGENT_OFFLINE": offline,
    "CORDONED": cordoned,
    "HEALTH_TOO_LOW": unwell,
    "AVOID_HOURS": at_an_avoided_hour,
    "IDLE_BLOCK": at_rest,
    "RUNTIME_CAP": after_its_hours,
    "FAILURE_COOLDOWN": after_failures,
    "TASK_COOLDOWN": too_soon_again,
    "AGENT_BUSY": busy,
}


@pytest.mark.parametrize("code", SCENES)
def test_a_task_waits_for_the_reason_that_its_scene_is_about(code: str) -> None:
    fleet, task = SCENES[code]()

    document = why(fleet, task)
    assert document["headline"]["code"] == code
    assert document["headline"]["text"]
    failing = [gate["code"] for gate in document["gates"] if not gate["ok"]]
    assert failing == [code]
    assert {gate["code"] for gate in document["gates"]} >= set(ALL[:-2])
    assert document["history"][-1][1] == code


@pytest.mark.parametrize("code", [code for code in SCENES if code in OF_AGENT])
def test_the_funnel_ends_where_the_last_agent_is_lost(code: str) -> None:
    fleet, task = SCENES[code]()

    agents = why(fleet, task)["agents"]
    assert agents["total"] == 1
    assert agents["free"] == 0
    numbers = [agents[stage] for stage in ("capable", "online", "in_service", "healthy")]
    assert numbers == sorted(numbers, reverse=True)
    if code != "NO_CAPABLE_AGENT":
        (miss,) = agents["nearest_miss"]
        assert (miss["agent"], miss["fails"]) == ("A", [code])
        assert miss["text"]


def test_a_pin_to_an_agent_that_nobody_knows_is_a_mistake() -> None:
    fleet, task = for_nobody()
    assert gate(why(fleet, task), "MISCONFIGURED")["text"] == (
        "it asks for the agent Nobody, which is not in the plan and was never heard"
    )


def test_a_full_limit_names_who_holds_it_and_when_it_frees() -> None:
    fleet = fleet_of("A", "B", limits={"mode:quest": 1})
    first = fleet.create(estimated_duration_s=60)
    task = fleet.create()
    fleet.pass_time(20)

    document = why(fleet, task)
    full = gate(document, "MODE_LIMIT")
    assert (full["limit"], full["use"]) == (1, 1)
    (holder,) = full["holders"]
    assert (holder["task"], holder["agent"], holder["p50_left_s"]) == (first, "A", 40.0)
    assert document["earliest"]["at_ms"] == START.wall_ms + 60_000
    assert document["earliest"]["kind"] == "estimate"
    assert document["earliest"]["basis"] == "the task's own estimate"


def test_who_takes_longer_than_usual_may_end_at_any_moment_and_is_said_to() -> None:
    fleet = fleet_of("A", "B", limits={"mode:quest": 1})
    fleet.create(estimated_duration_s=60)
    task = fleet.create()
    fleet.pass_time(90)

    document = why(fleet, task)
    (holder,) = gate(document, "MODE_LIMIT")["holders"]
    assert holder["p50_left_s"] == 0
    assert document["earliest"]["at_ms"] == START.wall_ms + 90_000
    assert document["earliest"]["basis"] == "the task's own estimate, which it has outlasted"


def test_who_waits_behind_others_waits_for_more_places() -> None:
    fleet = fleet_of("A", "B", limits={"mode:quest": 2})
    for seconds in (60, 90):
        fleet.create(estimated_duration_s=seconds)
    fleet.create()
    task = fleet.create()

    document = why(fleet, task)
    assert document["headline"]["text"] == (
        "the quest limit 2 is full; 1 task is ahead of this one"
    )
    assert document["position"]["in_shape"] == 2
    assert document["position"]["ahead_in_limit"] == 1
    assert document["earliest"]["at_ms"] == START.wall_ms + 90_000


def test_what_nobody_knows_is_not_guessed() -> None:
    fleet, task = busy()
    assert why(fleet, task)["earliest"]["at_ms"] is None


def test_a_clock_is_certain() -> None:
    fleet, task = outside_its_window()
    earliest = why(fleet, task)["earliest"]
    assert earliest["kind"] == "certain"
    assert earliest["at_ms"] == earliest["not_before_certain_ms"] == START.wall_ms + 72_000_000


def test_a_cap_says_when_it_begins_anew() -> None:
    fleet, task = at_its_cap()
    cap = gate(why(fleet, task), "CAP_REACHED")
    assert (cap["used"], cap["cap"], cap["resets_ms"]) == (1, 1, START.wall_ms + DAY_MS)


def test_a_paused_fleet_says_who_paused_it_and_why() -> None:
    fleet, task = paused_fleet()
    closed = gate(why(fleet, task), "FLEET_PAUSED")
    assert (closed["text"], closed["by"]) == ("lunch", "Ada")
    assert closed["until_ms"] == START.wall_ms + 3_600_000


def test_a_running_task_says_where_it_runs() -> None:
    fleet = fleet_of("A")
    task = fleet.create()
    assert why(fleet, task)["headline"] == {"code": "RUNNING", "text": "it is running on A"}


def test_an_ended_task_says_how_it_ended() -> None:
    fleet = fleet_of("A")
    task = fleet.create(max_attempts=1)
    fleet.fail(task, "boom", message="no ammunition")
    assert why(fleet, task)["headline"] == {
        "code": "FAILED",
        "text": "it is failed (boom: no ammunition)",
    }


def test_a_task_that_expired_says_so() -> None:
    fleet = fleet_of()
    task = fleet.create(expires_ms=START.wall_ms + 1_000)
    fleet.pass_time(2)
    assert why(fleet, task)["headline"]["code"] == "EXPIRED"


def test_while_the_coordinator_recovers_nothing_else_is_to_blame() -> None:
    fleet = fleet_of("A")
    fleet.create()
    task = fleet.create()
    fleet.crash("A")
    fleet.restart_coordinator()
    assert fleet.state.phase is CoordinatorState.RECOVERING
    document = why(fleet, task)
    assert document["headline"]["code"] == "PENDING_EVALUATION"
    assert document["would_run_if"] == []
    assert document["earliest"]["at_ms"] is None
    assert document["earliest"]["basis"].endswith("the coordinator is recovering")


def test_a_task_of_which_nobody_knows_is_an_error() -> None:
    assert not Fleet().ask("why", task="t9").ok


def test_a_cooldown_ends_after_a_restart_of_the_coordinator_too() -> None:
    fleet, task = too_soon_again()
    fleet.restart_coordinator()
    fleet.pass_time(290)
    assert why(fleet, task)["headline"]["code"] == "TASK_COOLDOWN"
    fleet.pass_time(15)
    assert fleet.holder(task) == "A"
