"""From a schedule of the plan to the recurring task that the core decides by."""

from types import MappingProxyType

from coordinator.core.recurrence.recurring import RecurringTask
from coordinator.core.recurrence.rhythm import Cron, Every, Rhythm
from coordinator.plan.hours import Schedule


def recurring_task(schedule: Schedule, zone: str) -> RecurringTask:
    """Return what *schedule* stands for; *zone* is the plan's."""
    return RecurringTask(
        name=schedule.name,
        mode=schedule.mode,
        rhythm=_rhythm(schedule, zone),
        agent=schedule.agent,
        priority=schedule.priority,
        capabilities=schedule.capabilities,
        args=MappingProxyType(schedule.args),
        time_window=schedule.time_window,
        estimated_ms=_ms(schedule.estimated_duration),
        run_limit_ms=_ms(schedule.run_limit),
        max_attempts=schedule.max_attempts,
        daily_cap=schedule.daily_cap,
        weekly_cap=schedule.weekly_cap,
        missed=schedule.missed,
        grace_ms=round(schedule.grace * 1000),
        max_catchup=schedule.max_catchup,
        overlap=schedule.overlap,
    )


def _rhythm(schedule: Schedule, zone: str) -> Rhythm:
    if schedule.cron is not None:
        return Cron(schedule.cron, schedule.timezone or zone)
    if schedule.every is not None:
        return Every(max(1, round(schedule.every * 1000)))
    raise ValueError(f"schedule {schedule.name!r} has neither cron nor every")


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
