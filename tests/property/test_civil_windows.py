"""I13: a window is open for exactly the minutes that a scan of the clock finds."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.core.civil import (
    Window,
    any_open,
    day_of,
    intervals,
    next_change_of,
    resolve,
    week_of,
)
from tests.property.civil_scan import (
    DAY_MIN,
    MINUTE_MS,
    changes,
    faults,
    minute_of,
    open_minutes,
    scan,
    windows_near,
)

ZONES = sorted(available_timezones())
NOTABLE = [
    ("Europe/Berlin", 2026),
    ("America/New_York", 2007),
    ("Australia/Lord_Howe", 2026),
    ("America/Santiago", 2026),
    ("Pacific/Apia", 2011),
    ("Africa/Casablanca", 2026),
    ("Antarctica/Troll", 2026),
    ("America/St_Johns", 2005),
    ("America/Caracas", 2007),
    ("Asia/Pyongyang", 2018),
    ("Asia/Gaza", 2016),
    ("Antarctica/Casey", 2020),
    ("America/Nuuk", 2024),
]

years = st.integers(2000, 2037)
zones = st.sampled_from(ZONES)
minutes = st.integers(0, DAY_MIN - 1)
weekdays = st.frozensets(st.integers(0, 6), min_size=1)


def near_a_change(zone: str, year: int, shift_min: int) -> int:
    """Return a minute near a change of this year; any minute will do where the clock is steady."""
    at = changes(zone, year, year) or (minute_of(datetime(year, 5, 5, tzinfo=UTC)),)
    return at[shift_min % len(at)] + shift_min


@st.composite
def windows(draw: st.DrawFn, zone: str) -> Window:
    start = draw(minutes)
    end = draw(st.integers(1, DAY_MIN).filter(lambda end: end != start))
    return Window("w", zone, start, end, draw(weekdays), all_day=draw(st.booleans()))


@pytest.mark.parametrize(("zone", "year"), NOTABLE)
def test_windows_around_notable_changes_agree_with_a_scan_of_the_clock(
    zone: str, year: int
) -> None:
    found = changes(zone, year, year)
    assert found
    for change in found:
        seen = scan(zone, change)
        assert [fault for w in windows_near(zone, change) for fault in faults(w, seen)] == []


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "Pacific/Honolulu", "UTC", "Pacific/Kiritimati"])
@pytest.mark.parametrize("day", range(1, 8))
def test_windows_agree_with_a_scan_on_every_day_of_an_ordinary_week(zone: str, day: int) -> None:
    # Whatever weeks the answers are remembered by, their seams must not show.
    seen = scan(zone, minute_of(datetime(2026, 6, day, tzinfo=UTC)))
    for days in (frozenset(range(7)), *({weekday} for weekday in range(7))):
        long = Window("long", zone, 20 * 60, 19 * 60, frozenset(days))
        whole = Window("whole", zone, 0, 0, frozenset(days), all_day=True)
        assert faults(long, seen) == []
        assert faults(whole, seen) == []


@settings(max_examples=60, deadline=None)
@given(st.data(), zones, years, st.integers(-DAY_MIN, DAY_MIN))
def test_any_window_in_any_zone_agrees_with_a_scan_of_the_clock(
    data: st.DataObject, zone: str, year: int, shift_min: int
) -> None:
    seen = scan(zone, near_a_change(zone, year, shift_min))
    for window in data.draw(st.lists(windows(zone), min_size=1, max_size=4)):
        assert faults(window, seen) == []


@settings(max_examples=30, deadline=None)
@given(st.data(), zones, years, st.integers(-DAY_MIN, DAY_MIN))
def test_the_open_minutes_of_each_day_are_those_of_the_scan(
    data: st.DataObject, zone: str, year: int, shift_min: int
) -> None:
    seen = scan(zone, near_a_change(zone, year, shift_min))
    window = data.draw(windows(zone))
    opened = open_minutes(window, seen)
    day = day_of(seen.from_ms, zone)
    while day.start_ms < seen.until_ms:
        expected = sum(
            is_open_then and day.holds((seen.first + index) * MINUTE_MS)
            for index, is_open_then in enumerate(opened)
        )
        spans = intervals(window, max(day.start_ms, seen.from_ms), min(day.end_ms, seen.until_ms))
        assert sum(end - start for start, end in spans) == expected * MINUTE_MS
        day = day_of(day.end_ms, zone)


@settings(max_examples=30, deadline=None)
@given(st.data(), zones, years, st.integers(-DAY_MIN, DAY_MIN))
def test_a_union_is_open_when_any_of_its_windows_is_and_announces_its_changes(
    data: st.DataObject, zone: str, year: int, shift_min: int
) -> None:
    seen = scan(zone, near_a_change(zone, year, shift_min))
    union = data.draw(st.lists(windows(zone), max_size=4))
    opened = [any(at) for at in zip(*(open_minutes(w, seen) for w in union), strict=True)]
    edges = [
        (seen.first + index) * MINUTE_MS
        for index, (before, after) in enumerate(pairwise(opened), start=1)
        if before != after
    ]
    assert any_open(union, seen.from_ms) == any(opened[:1])
    for at, following in pairwise([seen.from_ms, *edges]):
        assert next_change_of(union, at) == following
        assert any_open(union, following) != any_open(union, following - 1)
    after_all = next_change_of(union, edges[-1] if edges else seen.from_ms)
    assert after_all is None or after_all >= seen.until_ms


@settings(max_examples=200, deadline=None)
@given(zones, years, st.integers(-2 * DAY_MIN, 2 * DAY_MIN), st.lists(minutes, min_size=2))
def test_a_later_local_time_is_never_an_earlier_instant(
    zone: str, year: int, shift_min: int, clock_face: list[int]
) -> None:
    around = near_a_change(zone, year, shift_min)
    day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=around)).date()
    instants = [resolve(zone, day, minute) for minute in sorted(clock_face)]
    assert instants == sorted(instants)
    assert instants[-1] <= resolve(zone, day + timedelta(days=1), 0) == resolve(zone, day, 1440)


@settings(max_examples=200, deadline=None)
@given(zones, years, st.integers(-2 * DAY_MIN, 2 * DAY_MIN), minutes, st.integers(0, 6))
def test_every_instant_lies_in_one_day_of_one_week_and_they_meet(
    zone: str, year: int, shift_min: int, day_start_min: int, week_start: int
) -> None:
    wall_ms = near_a_change(zone, year, shift_min) * MINUTE_MS
    day = day_of(wall_ms, zone, day_start_min)
    week = week_of(wall_ms, zone, week_start, day_start_min)
    assert day.holds(wall_ms)
    assert week.holds(wall_ms)
    assert week.start_ms <= day.start_ms < day.end_ms <= week.end_ms
    assert day_of(day.end_ms, zone, day_start_min).start_ms == day.end_ms
    assert week_of(week.start_ms - 1, zone, week_start, day_start_min).end_ms == week.start_ms
