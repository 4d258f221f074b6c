"""The parts of a plan that speak of time: windows, preferred hours, breaks and recurring tasks."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Self

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field, model_validator

from coordinator.core.recurrence.recurring import Missed, Overlap
from coordinator.plan.base import Part
from coordinator.plan.values import (
    Agent,
    AtLeastOne,
    Clock,
    Duration,
    EndClock,
    Hour,
    Limit,
    Name,
    Text,
    Weekday,
    Word,
    Zone,
    refusal,
)
from protocol.vocabulary import Priority

EVERY_DAY: Final = (0, 1, 2, 3, 4, 5, 6)

Days = Annotated[tuple[Weekday, ...], Field(max_length=7)]


class ScheduleWindow(Part):
    """A range of local time in which tasks that name it may start, and start sooner."""

    start_time: Clock | None = None
    end_time: EndClock | None = None
    all_day: bool = False
    days_of_week: Days = EVERY_DAY
    timezone: Zone | None = None
    priority_boost: Annotated[float, Field(ge=1, le=100)] = 1.0
    description: Text = ""

    @model_validator(mode="after")
    def _has_a_range(self) -> Self:
        given = self.start_time is not None, self.end_time is not None
        if self.all_day and any(given):
            raise refusal("says all_day and a time of day", "leave out start_time and end_time")
        if not self.all_day and not all(given):
            raise refusal("needs start_time and end_time", "or all_day: true")
        return self


class CooldownPeriod(Part):
    """A break of one agent."""

    start: Clock
    end: EndClock
    days_of_week: Days = EVERY_DAY
    reason: Text = ""


class SchedulePreferences(Part):
    """When one agent likes to work, when it must not, for how long; in its own zone's hours."""

    preferred_hours: Annotated[tuple[Hour, ...], Field(max_length=24)] = ()
    avoid_hours: Annotated[tuple[Hour, ...], Field(max_length=24)] = ()
    avoid_is_soft: bool = False
    max_daily_runtime: Annotated[float, Field(gt=0, le=24)] | None = None
    """Hours."""
    cooldown_periods: Annotated[tuple[CooldownPeriod, ...], Field(max_length=100)] = ()


def _cron(expression: str) -> str:
    try:
        CronSim(expression, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise refusal(
            f"is no cron expression: {error}", "five fields, such as '30 9 * * MON-FRI'"
        ) from None
    return expression


class Schedule(Part):
    """A task that comes again, by a cron expression or every so often."""

    name: Name
    mode: Word
    cron: Annotated[str, AfterValidator(_cron)] | None = None
    every: Duration | None = None
    timezone: Zone | None = None
    enabled: bool = True
    agent: Agent | None = None
    priority: Priority = Priority.NORMAL
    capabilities: Annotated[tuple[Word, ...], Field(max_length=64)] = ()
    args: dict[str, Any] = Field(default_factory=dict)
    time_window: Name | None = None
    estimated_duration: Duration | None = None
    run_limit: Duration | None = None
    max_attempts: AtLeastOne = 3
    daily_cap: Limit | None = None
    weekly_cap: Limit | None = None
    missed: Missed = Missed.RUN_ONCE
    grace: Duration = 3600.0
    max_catchup: AtLeastOne = 10
    overlap: Overlap = Overlap.SKIP
    description: Text = ""

    @model_validator(mode="after")
    def _has_one_rhythm(self) -> Self:
        if (self.cron is None) == (self.every is None):
            raise refusal("needs either cron or every, and not both")
        return self
