"""How far each schedule has been handled: what must survive, so that no run is made twice.

A mark is stored in the same commit as the tasks that it accounts for. A schedule without a mark
is new: it owes nothing for the time before it was first seen.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pause:
    """An operator paused a schedule; ``until_ms`` is ``None`` if only an operator ends it."""

    reason: str
    actor: str
    until_ms: int | None = None


@dataclass(slots=True)
class Mark:
    """How far one schedule has been handled."""

    name: str
    rhythm: str
    """What it was when it was marked: another rhythm owes nothing for the past."""
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


def mark_record(mark: Mark) -> Record:
    """Write down *mark*."""
    record: Record = {"name": mark.name, "rhythm": mark.rhythm, "last_ms": mark.last_ms}
    if mark.runs:
        record["runs"] = list(mark.runs)
    if mark.buffered:
        record["buffered"] = list(mark.buffered)
    if mark.pause is not None:
        pause = mark.pause
        record["pause"] = {
            "reason": pause.reason,
            "actor": pause.actor,
            "until_ms": pause.until_ms,
        }
    if mark.created:
        record["created"] = mark.created
    if mark.skipped:
        record["skipped"] = dict(mark.skipped)
    return record


def mark_from(record: Record) -> Mark:
    """Read a mark back."""
    return Mark(
        name=record["name"],
        rhythm=record["rhythm"],
        last_ms=record["last_ms"],
        runs=list(record.get("runs", ())),
        buffered=list(record.get("buffered", ())),
        pause=Pause(**record["pause"]) if "pause" in record else None,
        created=record.get("created", 0),
        skipped=Counter(record.get("skipped", {})),
    )
