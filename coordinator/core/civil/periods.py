"""Periods: the days, weeks and rolling spans over which caps, budgets and running time count.

A day begins at ``day_start`` in local time and a week at ``day_start`` of its first weekday; both
are resolved like any other local time, so a day has 23 or 25 hours when the clock changes. Only
arithmetic lives here: which period is current is state, and belongs to whoever counts.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from coordinator.core.civil.windows import ALL_DAYS
from coordinator.core.civil.zones import resolve

_BLOCK_MS: Final = 7 * 86_400_000
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_REACH_DAYS: Final = 10  # a week, and the day or two by which a zone differs from UTC


class Period(NamedTuple):
    """A half-open span of instants, in milliseconds UTC."""

    start_ms: int
    end_ms: int

    def holds(self, instant_ms: int) -> bool:
        """Tell whether *instant_ms* lies in this period."""
        return self.start_ms <= instant_ms < self.end_ms

    def overlap_ms(self, from_ms: int, until_ms: int) -> int:
        """Return how much of the time between *from_ms* and *until_ms* lies in this period."""
        return max(0, min(self.end_ms, until_ms) - max(self.start_ms, from_ms))

    def then(self, candidate: "Period", wall_ms: int) -> "Period":
        """Return the period that is current at *wall_ms*, when this one was current before.

        *candidate* is what the plan in force makes of *wall_ms*. It takes over only once this
        period has ended, and from there: so a clock that is set back re-opens nothing, and a
        changed zone or ``day_start`` begins to count with the next period.
        """
        if wall_ms < self.end_ms:
            return self
        return candidate._replace(start_ms=max(candidate.start_ms, self.end_ms))


def day_of(wall_ms: int, zone: str, day_start_min: int = 0) -> Period:
    """Return the civil day that holds *wall_ms*."""
    return _period_at(wall_ms, _starts(zone, day_start_min, None, wall_ms // _BLOCK_MS))


def week_of(wall_ms: int, zone: str, week_start: int = 0, day_start_min: int = 0) -> Period:
    """Return the week, beginning on weekday *week_start* (0 = Monday), that holds *wall_ms*."""
    return _period_at(wall_ms, _starts(zone, day_start_min, week_start, wall_ms // _BLOCK_MS))


def rolling(wall_ms: int, length_ms: int) -> Period:
    """Return the last *length_ms*, now included: what is exactly that old no longer counts."""
    return Period(wall_ms - length_ms + 1, wall_ms + 1)


def days_between(
    from_ms: int, until_ms: int, zone: str, day_start_min: int = 0
) -> Iterator[Period]:
    """Yield the civil days that share time with the span, whole, in order."""
    at = from_ms
    while at < until_ms:
        day = day_of(at, zone, day_start_min)
        yield day
        at = day.end_ms


def _period_at(wall_ms: int, starts: tuple[int, ...]) -> Period:
    following = bisect_right(starts, wall_ms)
    return Period(starts[following - 1], starts[following])


@lru_cache(maxsize=4096)
def _starts(zone: str, day_start_min: int, weekday: int | None, block: int) -> tuple[int, ...]:
    """Return the starts of the days, or weeks, in and around a week of UTC.

    A day that the clock skips from start to end shares its instant with the next and is not one.
    """
    first = _EPOCH_DAY + block * 7
    weekdays = ALL_DAYS if weekday is None else {weekday}
    days = map(date.fromordinal, range(first - _REACH_DAYS, first + 7 + _REACH_DAYS))
    starts = {resolve(zone, day, day_start_min) for day in days if day.weekday() in weekdays}
    return tuple(sorted(starts))
