import json
from typing import Any

from coordinator.core.recurrence.recurring import Missed, Overlap, RecurringTask
from coordinator.core.recurrence.rhythm import Cron, Every
from coordinator.plan.compile import compile_plan
from coordinator.plan.load import parse
from protocol.vocabulary import Priority


def schedules_of(*schedules: dict[str, Any], **plan: Any) -> tuple[RecurringTask, ...]:
    written = {"fleet_name": "f", "schedules": schedules, **plan}
    return compile_plan(parse(json.dumps(written).encode())).schedules


def test_a_schedule_of_the_plan_is_a_recurring_task_with_every_default() -> None:
    (schedule,) = schedules_of({"name": "s", "mode": "quest", "every": "90s"})

    assert schedule == RecurringTask("s", "quest", Every(90_000))


def test_a_schedule_of_the_plan_is_taken_word_for_word() -> None:
    (schedule,) = schedules_of(
        {
            "name": "Night run",
            "mode": "quest",
            "cron": "30 2 * * *",
            "agent": "Main",
            "priority": "low",
            "capabilities": ["combat"],
            "args": {"a": [1]},
            "time_window": "peak",
            "estimated_duration": "20m",
            "run_limit": 7,
            "max_attempts": 1,
            "daily_cap": 2,
            "weekly_cap": 3,
            "missed": "run_all",
            "grace": 0.5,
            "max_catchup": 4,
            "overlap": "cancel_other",
        },
        agents=[{"name": "Main", "mode": "quest"}],
        schedule_windows={"peak": {"all_day": True}},
    )

    assert schedule == RecurringTask(
        name="Night run",
        mode="quest",
        rhythm=Cron("30 2 * * *", "UTC"),
        agent="Main",
        priority=Priority.LOW,
        capabilities=("combat",),
        args={"a": [1]},
        time_window="peak",
        estimated_ms=1_200_000,
        run_limit_ms=7_000,
        max_attempts=1,
        daily_cap=2,
        weekly_cap=3,
        missed=Missed.RUN_ALL,
        grace_ms=500,
        max_catchup=4,
        overlap=Overlap.CANCEL_OTHER,
    )


def test_a_schedule_keeps_its_own_zone_or_the_plans() -> None:
    schedules = schedules_of(
        {"name": "a", "mode": "m", "cron": "0 9 * * *"},
        {"name": "b", "mode": "m", "cron": "0 9 * * *", "timezone": "Asia/Tokyo"},
        timezone="Europe/Berlin",
    )

    zones = [s.rhythm.zone for s in schedules if isinstance(s.rhythm, Cron)]
    assert zones == ["Europe/Berlin", "Asia/Tokyo"]


def test_a_schedule_that_is_not_enabled_names_no_times() -> None:
    assert schedules_of({"name": "a", "mode": "m", "every": 60, "enabled": False}) == ()
