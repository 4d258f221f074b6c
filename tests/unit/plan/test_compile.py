import json
from collections.abc import Mapping
from typing import Any

from coordinator.core.civil import Window
from coordinator.core.policy import (
    Cap,
    FailureCooldown,
    Policy,
    Rest,
    TaskCooldown,
    Threshold,
)
from coordinator.plan.compile import compile_plan
from coordinator.plan.load import parse
from protocol.vocabulary import AgentHealth, Priority


def policy_of(plan: Mapping[str, Any]) -> Policy:
    return compile_plan(parse(json.dumps({"fleet_name": "f", **plan}).encode()))


def test_an_empty_plan_is_the_default_policy() -> None:
    assert policy_of({}) == Policy(fleet_name="f")


def test_limits_get_the_keys_of_their_permits() -> None:
    policy = policy_of(
        {
            "agents": [{"name": "a", "mode": "combat", "slots": 2}],
            "global_constraints": {
                "max_concurrent_agents": 4,
                "max_concurrent_combat": 2,
                "max_concurrent_keys": {"global": 1},
            },
        }
    )

    assert policy.limits == {"global": 4, "mode:combat": 2, "key:global": 1, "agent:a": 2}


def test_an_agent_is_what_the_plan_says_of_it() -> None:
    policy = policy_of(
        {
            "timezone": "Europe/Berlin",
            "agents": [
                {
                    "name": "a",
                    "machine_id": "m",
                    "window_id": "w",
                    "mode": "quest",
                    "capabilities": ["combat"],
                    "priority": "high",
                    "heartbeat_interval": 2.5,
                    "auto_start": True,
                    "command": ["python", "bot.py"],
                    "schedule_preferences": {
                        "preferred_hours": [9],
                        "avoid_hours": [1],
                        "max_daily_runtime": 1.5,
                        "cooldown_periods": [{"start": "12:00", "end": "13:00", "reason": "lunch"}],
                    },
                }
            ],
        }
    )

    agent = policy.agent("a")
    assert (agent.machine_id, agent.window_id, agent.zone) == ("m", "w", "Europe/Berlin")
    assert agent.capabilities == {"quest", "combat"}
    assert (agent.priority, agent.heartbeat_ms) == (Priority.HIGH, 2_500)
    assert agent.preferred_hours == {9}
    assert agent.avoid_hours == {1}
    assert agent.max_daily_runtime_ms == 5_400_000
    assert agent.cooldown_periods == (Window("lunch", "Europe/Berlin", 720, 780, reason="lunch"),)
    assert (agent.auto_start, agent.command) == (True, ("python", "bot.py"))


def test_an_agent_that_the_plan_does_not_name_gets_the_plans_defaults() -> None:
    policy = policy_of(
        {
            "timezone": "Asia/Tokyo",
            "leases": {"heartbeat": 3},
            "monitoring": {"thresholds": {"memory_max": 90}},
        }
    )

    stranger = policy.agent("stranger")
    assert (stranger.name, stranger.zone, stranger.heartbeat_ms) == ("stranger", "Asia/Tokyo", 3000)
    assert stranger.thresholds.keys() == {"memory_usage"}


def test_thresholds_get_their_names_on_the_bus_and_warn_a_tenth_before() -> None:
    policy = policy_of(
        {
            "monitoring": {"thresholds": {"cpu_max": 50, "memory_max": 90}},
            "agents": [
                {
                    "name": "a",
                    "performance_thresholds": {
                        "cpu_warning": 70,
                        "fps_min": 18,
                        "response_time_max": 1000,
                        "response_time_warning": 400,
                        "disk_free_min": 10,
                        "required": ["fps"],
                        "hard": ["response_time"],
                    },
                }
            ],
        }
    )

    thresholds = policy.agent("a").thresholds
    assert thresholds["memory_usage"] == Threshold(81.0, 90.0, high=100.0)
    assert thresholds["cpu_usage"].warning == 70
    assert thresholds["cpu_usage"].critical > 100, "a warning alone is never critical"
    assert thresholds["fps"] == Threshold(20.0, 18.0, high_is_bad=False, required=True)
    assert thresholds["response_time"] == Threshold(400.0, 1000.0, hard=True)
    assert not thresholds["disk_free"].high_is_bad


def test_a_block_of_some_agents_is_a_break_of_those_and_of_nobody_else() -> None:
    block = {"type": "idle_block", "idle_start": "23:00", "idle_end": "06:00"}
    policy = policy_of(
        {
            "agents": [{"name": "a"}, {"name": "b"}],
            "anti_pattern_rules": {"night": {**block, "applies_to": ["a"]}, "all": block},
        }
    )

    assert policy.agent("a").cooldown_periods == (Window("night", "UTC", 1380, 360),)
    assert policy.agent("b").cooldown_periods == ()
    assert policy.idle_blocks == (Window("all", "UTC", 1380, 360),)


def test_rules_get_their_defaults() -> None:
    policy = policy_of(
        {
            "anti_pattern_rules": {
                "failures": {"type": "recent_failure", "timeout": 60, "max_failures": 3},
                "gap": {"type": "task_cooldown", "min_interval": "5m", "from": "start"},
                "rest": {"type": "rest", "after": "3h", "for": "20m"},
            }
        }
    )

    assert policy.failure_cooldowns == (FailureCooldown("failures", 3, 60_000, 60_000, 480_000),)
    assert policy.task_cooldowns == (TaskCooldown("gap", 300_000, from_start=True),)
    assert policy.rests == (Rest("rest", 10_800_000, 1_200_000),)


def test_windows_caps_and_the_rest_of_the_constraints_are_taken_over() -> None:
    policy = policy_of(
        {
            "day_start": "04:30",
            "week_start": 2,
            "schedule_windows": {
                "weekend": {"all_day": True, "days_of_week": [5, 6], "priority_boost": 2},
                "late": {"start_time": "22:00", "end_time": "24:00", "timezone": "Asia/Tokyo"},
            },
            "global_constraints": {
                "daily_caps": {"name:boss": 3},
                "weekly_caps": {"fleet": {"limit": 9, "count": "completed"}},
                "min_agent_health": "healthy",
                "max_daily_errors": 10,
                "ignored_errors": ["infrastructure", "weather"],
            },
            "scheduling": {"head_start": {"high": "2h"}, "retry_base": 2},
            "leases": {"lease_s": 30, "margin_s": 1},
        }
    )

    weekend, late = policy.windows["weekend"], policy.windows["late"]
    assert weekend.days == {5, 6}
    assert (weekend.span, weekend.priority_boost) == ((0, 1440), 2.0)
    assert (late.span, late.zone) == ((1320, 1440), "Asia/Tokyo")
    assert policy.caps == (Cap("name:boss", "day", 3), Cap("fleet", "week", 9, "completed"))
    assert (policy.day_start_min, policy.week_start) == (270, 2)
    assert (policy.min_health, policy.max_daily_errors) == (AgentHealth.HEALTHY, 10)
    assert policy.ignored_errors == {"infrastructure", "weather"}
    assert policy.ageing.head_start_ms[Priority.HIGH] == 7_200_000
    assert policy.ageing.head_start_ms[Priority.NORMAL] == 1_800_000
    assert (policy.retry_base_ms, policy.lease.lease_ms, policy.lease.margin_ms) == (
        2_000,
        30_000,
        1_000,
    )


def test_a_plan_that_asks_for_unknown_health_asks_for_none() -> None:
    assert policy_of({"global_constraints": {"min_agent_health": "unknown"}}).min_health is None
