"""Windows: ranges of local time on certain days, such as Friday 22:00 to 06:00.

Both ends of an opening are resolved to instants before anything is compared: a comparison of
clock faces would open a window twice when the clock is set back. Openings that adjoin or overlap
are one opening, and one that the clock skips altogether does not exist.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from coordinator.core.civil.zones import local_time, resolve

ALL_DAYS: Final = frozenset(range(7))
DAY_MIN: Final = 1440
HORIZON_MS: Final = 400 * 86_400_000
"""How far ahead a change is looked for: past every yearly pattern and every skipped opening."""

_BLOCK_MS: Final = 7 * 86_400_000
_BLOCK_DAYS: Final = 7
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_DAYS_BEFORE: Final = 2  # a zone may be a day behind UTC, and an opening reaches into the next day
_DAYS_AFTER: Final = 1  # an opening may begin as the block ends


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open range of local time, on the days (0 = Monday) on which it *starts*.

    ``start_min`` and ``end_min`` are minutes after midnight; ``end_min`` may be 1440 and, when it
    is not above ``start_min``, lies on the next day. ``all_day`` covers whole civil days.
    """

    name: str
    zone: str
    start_min: int
    end_min: int
    days: frozenset[int] = ALL_DAYS
    all_day: bool = False
    priority_boost: float = 1.0
    reason: str = ""

    @property
    def span(self) -> tuple[int, int]:
        """Its start and end in minutes of the day it starts on, the end above the start."""
        if self.all_day:
            return 0, DAY_MIN
        overnight = DAY_MIN if self.end_min <= self.start_min else 0
        return self.start_min, self.end_min + overnight

    @property
    def is_endless(self) -> bool:
        """Whether each opening adjoins the next, so that the window never closes."""
        first, last = self.span
        return last - first == DAY_MIN and self.days == ALL_DAYS


def is_open(window: Window, wall_ms: int) -> bool:
    """Tell whether *window* is open at *wall_ms*; it is at its start and is not at its end."""
    return bisect_right(_edges_near(window, wall_ms // _BLOCK_MS), wall_ms) % 2 == 1


def next_change(window: Window, wall_ms: int) -> int | None:
    """Return the next instant after *wall_ms* at which *window* opens or closes.

    ``None`` means never within :data:`HORIZON_MS`: the window is always, or never, open.
    """
    if window.is_endless or not window.days:
        return None
    at = wall_ms
    while at <= wall_ms + HORIZON_MS:
        block = at // _BLOCK_MS
        block_end = (block + 1) * _BLOCK_MS
        edges = _edges_near(window, block)
        following = bisect_right(edges, at)
        if following < len(edges) and edges[following] <= block_end:
            return edges[following]
        at = block_end
    return None


def closes_at(window: Window, wall_ms: int) -> int | None:
    """Return when the opening that holds *wall_ms* ends; ``None`` if there is none or no end."""
    return next_change(window, wall_ms) if is_open(window, wall_ms) else None


def opens_at(window: Window, wall_ms: int) -> int | None:
    """Return when *window*, closed at *wall_ms*, opens; ``None`` if it is open, or never will."""
    return None if is_open(window, wall_ms) else next_change(window, wall_ms)


def intervals(window: Window, from_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
    """Yield the openings between *from_ms* and *until_ms* in order, cut off at both."""
    at, is_now_open = from_ms, is_open(window, from_ms)
    while at < until_ms:
        change = next_change(window, at)
        end = until_ms if change is None else min(change, until_ms)
        if is_now_open:
            yield at, end
        at, is_now_open = end, not is_now_open


def skipped_by_dst(window: Window, from_ms: int, until_ms: int) -> list[date]:
    """Return the days on which *window* should start in this time, but the clock skips it."""
    first, last = window.span
    day = local_time(window.zone, from_ms).date() - timedelta(days=1)
    end = local_time(window.zone, until_ms).date() + timedelta(days=1)
    skipped = []
    while day <= end:
        start_ms = resolve(window.zone, day, first)
        if (
            day.weekday() in window.days
            and from_ms <= start_ms < until_ms
            and start_ms == resolve(window.zone, day, last)
        ):
            skipped.append(day)
        day += timedelta(days=1)
    return skipped


def _edges_near(window: Window, block: int) -> tuple[int, ...]:
    # Keyed by what an opening depends on: windows that differ in name or boost share the entry.
    return _edges(window.zone, *window.span, window.days, block)


@lru_cache(maxsize=16_384)
def _edges(zone: str, first: int, last: int, days: frozenset[int], block: int) -> tuple[int, ...]:
    """Return open, close, open, close, …; right for every instant of *block* and for its end.

    A block is a week of UTC, so that looking one up needs no local time. Edges outside of it may
    be missing, or be where the days that were looked at begin and end.
    """
    first_day = _EPOCH_DAY + block * _BLOCK_DAYS
    edges: list[int] = []
    for ordinal in range(first_day - _DAYS_BEFORE, first_day + _BLOCK_DAYS + _DAYS_AFTER):
        day = date.fromordinal(ordinal)
        if day.weekday() not in days:
            continue
        open_ms, close_ms = resolve(zone, day, first), resolve(zone, day, last)
        if open_ms == close_ms:
            continue
        if edges and open_ms <= edges[-1]:
            edges[-1] = close_ms
        else:
            edges += open_ms, close_ms
    return tuple(edges)
