"""When the clocks of a zone are changed: between two changes, local and elapsed time run alike."""

from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final

from coordinator.core.civil import local_time

_SECOND_MS: Final = 1_000
_LOOK_EVERY_MS: Final = 6 * 3_600_000
"""Finer than any two changes of one zone lie apart."""


def offset_at(zone: str, wall_ms: int) -> timedelta:
    """Return how far the clock of *zone* is ahead of UTC at *wall_ms*."""
    return local_time(zone, wall_ms).utcoffset() or timedelta(0)


def next_change(zone: str, after_ms: int, until_ms: int) -> int | None:
    """Return the first change of the clock of *zone* in (*after_ms*, *until_ms*], if any."""
    last_year = _year(until_ms)
    for year in range(_year(after_ms), last_year + 1):
        changes = _changes_in(zone, year)
        at = bisect_right(changes, after_ms)
        if at < len(changes):
            return changes[at] if changes[at] <= until_ms else None
    return None


@lru_cache(maxsize=8192)
def _changes_in(zone: str, year: int) -> tuple[int, ...]:
    start, end = (int(datetime(y, 1, 1, tzinfo=UTC).timestamp()) * 1_000 for y in (year, year + 1))
    found = []
    for low, high in pairwise([*range(start, end, _LOOK_EVERY_MS), end]):
        before = offset_at(zone, low)
        if before != offset_at(zone, high):
            moments = range(low, high, _SECOND_MS)
            at = bisect_left(moments, True, key=lambda ms: offset_at(zone, ms) != before)  # noqa: FBT003 -- called at once; bisect's own key
            found.append(low + at * _SECOND_MS)
    return tuple(found)


def _year(wall_ms: int) -> int:
    return local_time("UTC", wall_ms).year
