"""What is due of one schedule: which nominal times are run, and which are skipped, and why.

``due(schedule, last, now)`` accounts for every nominal time in (last, now], each once. Its work
is bounded however long nobody was there: what is skipped in a row is one skip with a range.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from coordinator.core.recurrence.recurring import Missed, RecurringTask

ON_TIME_MS: Final = 60_000
"""A run that is started no later than this was not missed: a restart may take so long."""
MOST_AT_ONCE: Final = 100
"""How many runs one decision creates, whatever ``max_catchup`` says."""


class SkipReason(StrEnum):
    """Why a nominal time has no run."""

    MISSED = "missed"
    """Nobody was there, and the schedule wants no late runs."""
    MERGED = "merged"
    """Several were missed, and one run stands for them all."""
    TOO_LATE = "too_late"
    """Even the newest was missed by more than the grace."""
    CATCHUP_FULL = "catchup_full"
    """More were missed than the schedule catches up on."""
    OVERLAP = "overlap"
    """The run before had not ended."""
    BUFFER_FULL = "buffer_full"
    REPLACED = "replaced"
    """It waited for the run before to end, and a newer one took its place."""
    PAUSED = "paused"
    REMOVED = "removed"
    """It waited for the run before to end, and the plan has no such schedule any more."""
    REFUSED = "refused"
    """No task could be made of it."""


@dataclass(frozen=True, slots=True)
class Skip:
    """Nominal times without a run: *count* of them (at least, if not exact), first to last."""

    reason: SkipReason
    first_ms: int
    last_ms: int
    count: int = 1
    is_exact: bool = True


@dataclass(frozen=True, slots=True)
class Decision:
    """What is due: runs and skips, oldest first, and when to ask again."""

    runs: tuple[int, ...]
    skips: tuple[Skip, ...]
    handled_ms: int
    """The newest nominal time that is accounted for; what it was before if none was due."""
    next_at_ms: int | None
    """The next nominal time; ``None`` if there is none for 50 years."""


def due(schedule: RecurringTask, last_ms: int, now_ms: int) -> Decision:
    """Decide about every nominal time of *schedule* after *last_ms* and up to *now_ms*."""
    newest = schedule.rhythm.newest(last_ms, now_ms, _wanted(schedule))
    if not newest:
        return Decision((), (), last_ms, schedule.rhythm.next_after(max(last_ms, now_ms)))
    late_ms = now_ms - newest[-1]
    match schedule.missed:
        case Missed.SKIP:
            runs, reason = newest if late_ms <= ON_TIME_MS else (), SkipReason.MISSED
        case Missed.RUN_ONCE if late_ms <= max(ON_TIME_MS, schedule.grace_ms):
            runs, reason = newest, SkipReason.MERGED
        case Missed.RUN_ONCE:
            runs, reason = (), SkipReason.TOO_LATE
        case Missed.RUN_ALL:
            runs, reason = newest, SkipReason.CATCHUP_FULL
    skips = _skipped(schedule, last_ms, runs[0] - 1 if runs else newest[-1], reason)
    return Decision(runs, skips, newest[-1], schedule.rhythm.next_after(now_ms))


def skip_all(
    schedule: RecurringTask, last_ms: int, until_ms: int, reason: SkipReason
) -> tuple[Skip, ...]:
    """Skip every nominal time of *schedule* after *last_ms* and up to *until_ms*."""
    newest = schedule.rhythm.newest(last_ms, until_ms, 1)
    return _skipped(schedule, last_ms, newest[-1], reason) if newest else ()


def _wanted(schedule: RecurringTask) -> int:
    return min(schedule.max_catchup, MOST_AT_ONCE) if schedule.missed is Missed.RUN_ALL else 1


def _skipped(
    schedule: RecurringTask, after_ms: int, until_ms: int, reason: SkipReason
) -> tuple[Skip, ...]:
    """Skip what lies in (*after_ms*, *until_ms*], as one range."""
    count, is_exact = schedule.rhythm.count(after_ms, until_ms)
    if count == 0:
        return ()
    first = schedule.rhythm.next_after(after_ms)
    last = schedule.rhythm.newest(after_ms, until_ms, 1)[-1]
    return (Skip(reason, first if first is not None else last, last, count, is_exact),)
