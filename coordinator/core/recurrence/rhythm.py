"""The rhythm of a schedule: which instants it names, by a cron expression or every so often.

``cronsim`` reads cron expressions and walks the clock face; what a change of the clocks means is
decided here, by what an expression names and not by how it is spelled. One that names hours runs
once for each local time that it names: a time that the clock skips is the instant of the change,
and of a time that the clock shows twice only the first counts. One that names every hour runs
whenever the clock shows its minute, twice if it does so twice.
"""

from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from cronsim import CronSim

from coordinator.core.civil import local_time, resolve
from coordinator.core.recurrence.clock_changes import next_change, offset_at

if TYPE_CHECKING:
    from collections.abc import Iterator

FEW: Final = 60
"""How many nominal times are listed one by one; beyond it, they are searched for."""
_HOURS: Final = 24
_SECOND_MS: Final = 1_000
_MINUTE_MS: Final = 60_000
_MILLISECOND: Final = timedelta(milliseconds=1)
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 -- the zero of a clock face, not an instant


@dataclass(frozen=True, slots=True)
class Every:
    """Every ``every_ms`` of elapsed time, counted from ``anchor_ms`` (1970 unless it is given)."""

    every_ms: int
    anchor_ms: int = 0

    def next_after(self, wall_ms: int) -> int | None:
        """Return the first nominal time after *wall_ms*."""
        return self.anchor_ms + ((wall_ms - self.anchor_ms) // self.every_ms + 1) * self.every_ms

    def newest(self, after_ms: int, until_ms: int, most: int) -> tuple[int, ...]:
        """Return the last nominal times in (*after_ms*, *until_ms*], *most* of them at most."""
        last = self.anchor_ms + (until_ms - self.anchor_ms) // self.every_ms * self.every_ms
        count = min(most, self.count(after_ms, until_ms)[0])
        return tuple(last - n * self.every_ms for n in reversed(range(count)))

    def count(self, after_ms: int, until_ms: int) -> tuple[int, bool]:
        """Say how many nominal times lie in (*after_ms*, *until_ms*], and that this is exact."""
        passed = (until_ms - self.anchor_ms) // self.every_ms
        return max(0, passed - (after_ms - self.anchor_ms) // self.every_ms), True

    def __str__(self) -> str:
        return f"every {self.every_ms} ms from {self.anchor_ms}"


@dataclass(frozen=True, slots=True)
class Cron:
    """What ``expression`` names on the clock of ``zone``."""

    expression: str
    zone: str = "UTC"

    def next_after(self, wall_ms: int) -> int | None:
        """Return the first nominal time after *wall_ms*; ``None`` if there is none for 50 years."""
        return _next(self.expression, self.zone, wall_ms)

    def newest(self, after_ms: int, until_ms: int, most: int) -> tuple[int, ...]:
        """Return the last nominal times in (*after_ms*, *until_ms*], *most* of them at most."""
        few = self._first(after_ms, until_ms, FEW + 1)
        if len(few) <= FEW:
            return few[-most:]
        # Find the last instant after which there are so many of them, by steps back that double
        # and then by halves: the work is the logarithm of the time, not the time.
        low, high, width, found = after_ms, until_ms, _MINUTE_MS, few[:most]
        while (middle := until_ms - width) > low:
            listed = self._first(middle, until_ms, most)
            if len(listed) == most:
                low, found = middle, listed
            else:
                high, width = middle, width * 2
        while high - low > _SECOND_MS:
            middle = (low + high) // 2
            listed = self._first(middle, until_ms, most)
            if len(listed) == most:
                low, found = middle, listed
            else:
                high = middle
        return found

    def count(self, after_ms: int, until_ms: int) -> tuple[int, bool]:
        """Say how many nominal times lie in (*after_ms*, *until_ms*]; if not exact, at least."""
        counted = len(self._first(after_ms, until_ms, FEW + 1))
        return min(counted, FEW), counted <= FEW

    def _first(self, after_ms: int, until_ms: int, most: int) -> tuple[int, ...]:
        found: list[int] = []
        nominal = self.next_after(after_ms)
        while nominal is not None and nominal <= until_ms and len(found) < most:
            found.append(nominal)
            nominal = self.next_after(nominal)
        return tuple(found)

    def __str__(self) -> str:
        return f"cron {self.expression} in {self.zone}"


Rhythm: TypeAlias = Cron | Every


@lru_cache(maxsize=4096)  # a decision asks for the same times several times
def _next(expression: str, zone: str, wall_ms: int) -> int | None:
    if len(_parsed(expression).hours) == _HOURS:
        return _next_shown(expression, zone, wall_ms)
    return _next_named(expression, zone, wall_ms)


def _next_named(expression: str, zone: str, wall_ms: int) -> int | None:
    # While an hour repeats, the clock is behind what it has shown already: step over that.
    for face in _faces_after(expression, local_time(zone, wall_ms)):
        instant = _instant(zone, face)
        if instant > wall_ms:
            return instant
    return None


def _next_shown(expression: str, zone: str, wall_ms: int) -> int | None:
    start, face = wall_ms, local_time(zone, wall_ms).replace(tzinfo=None)
    while True:
        shown = next(_faces_after(expression, face), None)
        if shown is None:
            return None
        candidate = (shown - offset_at(zone, start) - _EPOCH) // _MILLISECOND
        change = next_change(zone, start, candidate)
        if change is None:
            return candidate
        # From the change on the clock runs at another offset; the change itself counts too.
        start = change
        face = local_time(zone, change).replace(tzinfo=None) - _MILLISECOND


@lru_cache(maxsize=4096)
def _parsed(expression: str) -> CronSim:
    return CronSim(expression, _EPOCH)


def _faces_after(expression: str, face: datetime) -> "Iterator[datetime]":
    """Yield what *expression* names on the face of a clock, later than *face*, in order."""
    walk = copy(_parsed(expression))  # to parse an expression costs more than to walk it
    walk.dt = face.replace(tzinfo=None, microsecond=0)
    return walk


def _instant(zone: str, face: datetime) -> int:
    """Return when the clock of *zone* first shows *face* or a later time."""
    instant = resolve(zone, face.date(), face.hour * 60 + face.minute)
    shown = local_time(zone, instant)
    is_skipped = (shown.hour, shown.minute) != (face.hour, face.minute)
    return instant if is_skipped else instant + face.second * _SECOND_MS
