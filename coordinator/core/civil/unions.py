"""Several windows at once: open while any of them is, which is what a permission asks.

A task may name several windows, an agent may have several idle blocks; only instants at which the
union itself opens or closes matter to a timer, not the edges hidden inside it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from coordinator.core.civil.windows import (
    DAY_MIN,
    HORIZON_MS,
    Window,
    closes_at,
    is_open,
    next_change,
)

_WEEK_MIN: Final = 7 * DAY_MIN


def any_open(windows: Iterable[Window], wall_ms: int) -> bool:
    """Tell whether at least one of *windows* is open; of no windows, none is."""
    return any(is_open(window, wall_ms) for window in windows)


def next_change_of(windows: Sequence[Window], wall_ms: int) -> int | None:
    """Return the next instant after *wall_ms* at which :func:`any_open` changes, or ``None``."""
    if not any_open(windows, wall_ms):
        openings = (next_change(window, wall_ms) for window in windows)
        return min((opening for opening in openings if opening is not None), default=None)
    if always_open(tuple(windows)):
        return None
    at = wall_ms
    while at <= wall_ms + HORIZON_MS:
        ends = [end for window in windows if (end := closes_at(window, at)) is not None]
        if not ends:
            return at
        at = max(ends)
    return None


def boost_of(windows: Iterable[Window], wall_ms: int) -> float:
    """Return the greatest boost among the open *windows*, and 1 when none is open."""
    return max((w.priority_boost for w in windows if is_open(w, wall_ms)), default=1.0)


@lru_cache(maxsize=1024)
def always_open(windows: tuple[Window, ...]) -> bool:
    """Tell whether *windows* of one zone leave no minute of the week uncovered.

    Exact for windows of one zone, whatever its clock does; windows that complete each other only
    across zones are not recognised, because the next change of an offset may part them.
    """
    by_zone: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for window in windows:
        first, last = window.span
        by_zone[window.zone] += (
            (day * DAY_MIN + first, day * DAY_MIN + last) for day in window.days
        )
    return any(_covers_the_week(spans) for spans in by_zone.values())


def _covers_the_week(spans: Iterable[tuple[int, int]]) -> bool:
    # What runs over the end of Sunday covers the beginning of Monday.
    both = sorted({*spans, *((start - _WEEK_MIN, end - _WEEK_MIN) for start, end in spans)})
    reached = 0
    for start, end in both:
        if start > reached:
            return False
        reached = max(reached, end)
    return reached >= _WEEK_MIN
