"""Hours of the day as windows: what ``preferred_hours`` and ``avoid_hours`` of an agent mean.

Neighbouring hours become one window, over midnight too, so that hours follow the same rule on the
days on which the clock changes as everything else.
"""

from functools import lru_cache
from typing import Final

from coordinator.core.civil.windows import Window

HOURS: Final = frozenset(range(24))


@lru_cache(maxsize=4096)
def hours_windows(
    hours: frozenset[int], zone: str, name: str = "hours", reason: str = ""
) -> tuple[Window, ...]:
    """Return the windows that are open in exactly these local *hours* (0-23), every day."""
    if not hours <= HOURS:
        raise ValueError(f"hours: {sorted(hours - HOURS)} are not hours of a day; use 0 to 23")
    if hours == HOURS:
        return (Window(name, zone, 0, 0, all_day=True, reason=reason),)
    return tuple(
        Window(name, zone, hour * 60, _end_of_run(hours, hour) * 60, reason=reason)
        for hour in sorted(hours)
        if (hour - 1) % 24 not in hours
    )


def _end_of_run(hours: frozenset[int], first: int) -> int:
    """Return the first hour after *first* that is not one of *hours*, and 24 for midnight."""
    end = first
    while end % 24 in hours:
        end += 1
    return end if end <= 24 else end % 24  # noqa: PLR2004 -- 24:00 is an end, 0:00 a start
