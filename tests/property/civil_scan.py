"""Compare windows with a minute-by-minute scan: the oracle of invariant I13, and the whole of it.

The oracle never resolves a local time. It reads the zone's clock at every minute of UTC, as a
clock that refuses to go back (while an hour repeats, it stays where it was), and calls a window
open at the minutes at which that clock lies in the window. ``python -m tests.property.civil_scan
--all`` does this around every change of offset from 2000 to 2037 in every zone there is.
"""

import argparse
import sys
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from coordinator.core.civil import Window, intervals, is_open, next_change

FIRST_YEAR, LAST_YEAR = 2000, 2037
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE_MS = 60_000
DAY_MIN = 1440
EVERY_DAY = frozenset(range(7))
BEFORE_AND_AFTER = timedelta(days=2)
WARM_UP_MIN = 2 * DAY_MIN  # longer than any clock was ever set back


def minute_of(instant: datetime) -> int:
    return int(instant.timestamp()) // 60


def offset_at(clock: ZoneInfo, minute: int) -> timedelta:
    offset = (EPOCH + timedelta(minutes=minute)).astimezone(clock).utcoffset()
    assert offset is not None
    return offset


@lru_cache(maxsize=1024)
def changes(zone: str, first_year: int = FIRST_YEAR, last_year: int = LAST_YEAR) -> tuple[int, ...]:
    """Return the minutes (UTC) at which the offset of *zone* changes in these years."""
    clock = ZoneInfo(zone)
    start = minute_of(datetime(first_year, 1, 1, tzinfo=UTC))
    end = minute_of(datetime(last_year + 1, 1, 1, tzinfo=UTC))
    found = []
    for low, high in pairwise(range(start, end + 1, DAY_MIN // 4)):
        before = offset_at(clock, low)
        if before == offset_at(clock, high):
            continue
        at = bisect_left(
            range(low, high), True, key=lambda minute: offset_at(clock, minute) != before
        )
        found.append(low + at)
    return tuple(found)


@dataclass(frozen=True)
class Scan:
    """What the clock of a zone shows, never going back, at each minute of a stretch of UTC."""

    zone: str
    first: int
    shown: tuple[int, ...]

    @property
    def from_ms(self) -> int:
        return self.first * MINUTE_MS

    @property
    def until_ms(self) -> int:
        return (self.first + len(self.shown)) * MINUTE_MS


def scan(zone: str, around: int) -> Scan:
    """Read the clock of *zone* for two days before and after the minute *around*."""
    clock = ZoneInfo(zone)
    half = int(BEFORE_AND_AFTER.total_seconds()) // 60
    first, highest, shown = around - half, 0, []
    for minute in range(first - WARM_UP_MIN, around + half):
        local = (EPOCH + timedelta(minutes=minute)).astimezone(clock)
        if local.second:
            raise ValueError(
                f"{zone}: its offset at {local} is no whole minute; the scan needs one"
            )
        highest = max(highest, local.toordinal() * DAY_MIN + local.hour * 60 + local.minute)
        if minute >= first:
            shown.append(highest)
    return Scan(zone, first, tuple(shown))


def lies_in(window: Window, shown: int) -> bool:
    """Tell whether a clock that shows *shown* (minutes since year 1) is within *window*."""
    ordinal, minute = divmod(shown, DAY_MIN)
    today = date.fromordinal(ordinal).weekday() in window.days
    if window.all_day:
        return today
    yesterday = date.fromordinal(ordinal - 1).weekday() in window.days
    if window.start_min < window.end_min:
        return today and window.start_min <= minute < window.end_min
    return (today and minute >= window.start_min) or (yesterday and minute < window.end_min)


def open_minutes(window: Window, seen: Scan) -> list[bool]:
    return [lies_in(window, shown) for shown in seen.shown]


def faults(window: Window, seen: Scan) -> list[str]:
    """Return how the openings of *window* differ from what the scan has seen."""
    expected = [*open_minutes(window, seen), False]
    edges = [
        (seen.first + index) * MINUTE_MS
        for index, (before, after) in enumerate(pairwise([False, *expected]))
        if before != after
    ]
    runs = list(zip(edges[::2], edges[1::2], strict=True))
    answered = list(intervals(window, seen.from_ms, seen.until_ms))
    if answered != runs:
        return [f"{window} was open {spelled(answered)}, and should be {spelled(runs)}"]
    wrong = []
    inner = [edge for edge in edges if seen.from_ms < edge < seen.until_ms]
    for edge in inner:
        opens = edge in edges[::2]
        if is_open(window, edge) != opens or is_open(window, edge - 1) == opens:
            wrong.append(f"{window} does not change at {spelled([(edge, edge)])}")
    for edge, following in pairwise([seen.from_ms, *inner]):
        if not next_change(window, edge) == next_change(window, following - 1) == following:
            wrong.append(f"{window} does not announce {spelled([(following, following)])}")
    return wrong


def spelled(runs: list[tuple[int, int]]) -> str:
    def instant(ms: int) -> str:
        return (EPOCH + timedelta(milliseconds=ms)).strftime("%Y-%m-%dT%H:%M")

    return ", ".join(f"{instant(start)} to {instant(end)}" for start, end in runs) or "never"


def windows_near(zone: str, change: int) -> Iterator[Window]:
    """Yield windows that begin, end, lie in and lie across what the clock skips or repeats."""
    clock = ZoneInfo(zone)
    after = (EPOCH + timedelta(minutes=change)).astimezone(clock)
    before = after.replace(tzinfo=None) - (offset_at(clock, change) - offset_at(clock, change - 1))
    low, high = sorted((before, after.replace(tzinfo=None)))
    face = [moment.hour * 60 + moment.minute for moment in (low, low + (high - low) / 2, high)]
    weekdays = frozenset({before.weekday(), after.weekday()})
    yield Window("night", zone, 22 * 60, 6 * 60)
    yield Window("across", zone, 90, 150)
    yield Window("inside", zone, 135, 165)
    yield Window("late", zone, 23 * 60 + 30, DAY_MIN)
    yield Window("whole days", zone, 0, 0, weekdays, all_day=True)
    yield Window("other days", zone, 0, DAY_MIN, EVERY_DAY - weekdays)
    for start in face:
        yield Window("half an hour from", zone, start, (start + 30) % DAY_MIN)
        yield Window("half an hour to", zone, (start - 30) % DAY_MIN, start or DAY_MIN)
        yield Window("that day", zone, start, (start + 17 * 60) % DAY_MIN, weekdays)
    for start, end in pairwise(face):
        if start != end:
            yield Window("between", zone, start, end or DAY_MIN)


def zones_by_history() -> dict[tuple[object, ...], list[str]]:
    """Group all zones by what their clocks do, so that an alias is not scanned again."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for zone in sorted(available_timezones()):
        clock = ZoneInfo(zone)
        instants = changes(zone)
        start = minute_of(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC))
        history = tuple((at, offset_at(clock, at)) for at in (start, *instants))
        groups.setdefault(history, []).append(zone)
        progress(f"reading zones: {sum(map(len, groups.values()))}")
    return groups


def progress(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text:<78}")
        sys.stderr.flush()


def main() -> int:
    """Scan around all changes, or around those of one zone; exit with 1 when anything differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.property.civil_scan")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--all", action="store_true", help="every zone, 2000 to 2037 (minutes)")
    which.add_argument("--zone", help="one zone, such as Europe/Berlin")
    chosen = parser.parse_args()
    groups = list(zones_by_history().values()) if chosen.all else [[chosen.zone]]
    total = sum(len(changes(zones[0])) for zones in groups)
    done = compared = wrong = 0
    for zones in groups:
        zone = zones[0]
        for change in changes(zone):
            seen = scan(zone, change)
            for window in windows_near(zone, change):
                compared += 1
                for fault in faults(window, seen):
                    wrong += 1
                    sys.stdout.write(f"{fault}\n")
            done += 1
            progress(f"{done}/{total} changes, {compared} windows, {wrong} wrong: {zone}")
    names = sum(map(len, groups))
    progress("")
    sys.stdout.write(
        f"{names} zones ({len(groups)} distinct), {done} changes of offset, {compared} windows: "
        f"{wrong} differ from the scan\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
