"""Pools as a person writes them: how many agents there may be, for which wait, and what each is."""

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from coordinator.plan.base import Part
from coordinator.plan.hours import SchedulePreferences
from coordinator.plan.thresholds import Thresholds
from coordinator.plan.values import AtLeastOne, Duration, Text, Word, Zone
from protocol.vocabulary import Priority

MOST_MEMBERS: Final = 200

Count = Annotated[int, Field(ge=0, le=MOST_MEMBERS)]
Machine = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class PoolAgent(Part):
    """What each agent of a pool is; name, machine and window are the pool's to give."""

    mode: Word | None = None
    capabilities: Annotated[tuple[Word, ...], Field(max_length=64)] = ()
    config_path: Annotated[str, StringConstraints(min_length=1, max_length=1024)] | None = None
    priority: Priority = Priority.NORMAL
    command: Annotated[tuple[str, ...], Field(min_length=1, max_length=256)] | None = None
    heartbeat_interval: Annotated[float, Field(ge=0.1, le=3600)] | None = None
    slots: AtLeastOne | None = None
    timezone: Zone | None = None
    performance_thresholds: Thresholds = Thresholds()
    schedule_preferences: SchedulePreferences = SchedulePreferences()


class Pool(Part):
    """Agents that are alike, as many as are needed so that no task waits for long.

    ``target_wait`` is the longest that a task should wait for a free agent. Fewer agents follow
    when they were not needed for ``calm``.
    """

    agent: PoolAgent
    machines: Annotated[tuple[Machine, ...], Field(min_length=1, max_length=1000)]
    min: Count = 0
    max: Annotated[int, Field(ge=1, le=MOST_MEMBERS)]
    target_wait: Duration = 30.0
    decide_every: Duration = 5.0
    calm: Duration = 300.0
    description: Text = ""


def member_names(pool: str, most: int) -> tuple[str, ...]:
    """Name the agents of *pool*, in the order in which they are started."""
    return tuple(f"{pool}-{number}" for number in range(1, most + 1))
