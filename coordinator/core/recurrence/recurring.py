"""A schedule of the plan as the core reads it, and the task that each of its runs is."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from coordinator.core.civil import local_time
from coordinator.core.recurrence.rhythm import Rhythm
from protocol.messages import TaskSpec
from protocol.vocabulary import Priority

HOUR_MS: Final = 3_600_000

_NOT_IN_IDS: Final = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_SLUG: Final = 48
"""Leaves room for a hash and a stamp in the 80 characters of a task's id."""


class Missed(StrEnum):
    """What happens to the runs that were due while nobody was there to start them."""

    SKIP = "skip"
    RUN_ONCE = "run_once"
    """The newest of them, unless it is later than ``grace_ms``."""
    RUN_ALL = "run_all"
    """The newest ``max_catchup`` of them, oldest first."""


class Overlap(StrEnum):
    """What happens to a run that is due while one before it has not ended."""

    SKIP = "skip"
    BUFFER_ONE = "buffer_one"
    BUFFER_ALL = "buffer_all"
    ALLOW_ALL = "allow_all"
    CANCEL_OTHER = "cancel_other"
    """The one before is cancelled, and this one starts when that has ended."""


@dataclass(frozen=True, slots=True)
class RecurringTask:
    """A task that comes again, and what becomes of runs that are missed or overlap."""

    name: str
    mode: str
    rhythm: Rhythm
    agent: str | None = None
    priority: Priority = Priority.NORMAL
    capabilities: tuple[str, ...] = ()
    args: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    time_window: str | None = None
    estimated_ms: int | None = None
    run_limit_ms: int | None = None
    max_attempts: int = 3
    daily_cap: int | None = None
    weekly_cap: int | None = None
    missed: Missed = Missed.RUN_ONCE
    grace_ms: int = HOUR_MS
    max_catchup: int = 10
    overlap: Overlap = Overlap.SKIP

    def run_id(self, nominal_ms: int) -> str:
        """Name the run of *nominal_ms*: the same name for the same run, whoever asks, and when."""
        stamp = f"{local_time('UTC', nominal_ms):%Y%m%dT%H%M%S}"
        if nominal_ms % 1_000:
            stamp += f"{nominal_ms % 1_000:03}"
        return f"{_slug(self.name)}-{stamp}Z"

    def spec(self, nominal_ms: int) -> TaskSpec:
        """Return the request for the run of *nominal_ms*."""
        return TaskSpec(
            name=self.name,
            mode=self.mode,
            agent=self.agent,
            priority=self.priority,
            args=dict(self.args),
            capabilities=self.capabilities,
            constraints={} if self.time_window is None else {"time_window": self.time_window},
            daily_cap=self.daily_cap,
            weekly_cap=self.weekly_cap,
            scheduled_for_ms=nominal_ms,
            estimated_duration_s=_seconds(self.estimated_ms),
            run_limit_s=_seconds(self.run_limit_ms),
            max_attempts=self.max_attempts,
            metadata={"schedule": self.name, "nominal_ms": nominal_ms},
        )


def _slug(name: str) -> str:
    """Return *name* in the grammar of ids; a hash tells it from others that look like it there."""
    slug = _NOT_IN_IDS.sub("-", name).strip("-_")[:_LONGEST_SLUG]
    if slug == name:
        return slug
    digest = hashlib.blake2b(name.encode(), digest_size=4).hexdigest()
    return f"{slug}-{digest}" if slug else f"schedule-{digest}"


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1_000
