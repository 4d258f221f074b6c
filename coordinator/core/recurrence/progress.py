"""How far each schedule has been handled: what must survive, so that no run is made twice.

It is stored in the same commit as the tasks that it accounts for. A schedule without it is new: it
owes nothing for the time before it was first seen.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from coordinator.core.recurrence.recurring import RecurringTask

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pause:
    """An operator paused a schedule; ``until_ms`` is ``None`` if only an operator ends it."""

    reason: str
    actor: str
    until_ms: int | None = None


@dataclass(slots=True)
class Progress:
    """How far one schedule has been handled."""

    name: str
    rhythm: str
    """The schedule's when it was last handled: another rhythm owes nothing for the past."""
    last_ms: int
    """Every nominal time up to here has its run or its skip, or waits in ``buffered``."""
    runs: list[str] = field(default_factory=list)
    """Tasks that may not have ended."""
    buffered: list[int] = field(default_factory=list)
    """Nominal times that wait for a run to end, oldest first."""
    pause: Pause | None = None
    created: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    """Reason to the nominal times that were skipped for it (at least)."""
    armed_ms: int | None = None
    """For when a timer is set; of this process, and not stored."""


@dataclass(slots=True)
class Schedules:
    """The schedules of the plan in force, and how far each has been handled."""

    by_name: dict[str, RecurringTask] = field(default_factory=dict)
    progress: dict[str, Progress] = field(default_factory=dict)
    schedule_of: dict[str, str] = field(default_factory=dict)
    """Run to its schedule, of runs that have not ended."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Reason to the nominal times that were skipped for it, since this process began."""


def progress_record(progress: Progress) -> Record:
    """Write down *progress*."""
    record: Record = {"name": progress.name, "rhythm": progress.rhythm, "last_ms": progress.last_ms}
    if progress.runs:
        record["runs"] = list(progress.runs)
    if progress.buffered:
        record["buffered"] = list(progress.buffered)
    if progress.pause is not None:
        pause = progress.pause
        record["pause"] = {
            "reason": pause.reason,
            "actor": pause.actor,
            "until_ms": pause.until_ms,
        }
    if progress.created:
        record["created"] = progress.created
    if progress.skipped:
        record["skipped"] = dict(progress.skipped)
    return record


def progress_from(record: Record) -> Progress:
    """Read a progress back."""
    return Progress(
        name=record["name"],
        rhythm=record["rhythm"],
        last_ms=record["last_ms"],
        runs=list(record.get("runs", ())),
        buffered=list(record.get("buffered", ())),
        pause=Pause(**record["pause"]) if "pause" in record else None,
        created=record.get("created", 0),
        skipped=Counter(record.get("skipped", {})),
    )
