"""Nominal times against a scan of every minute that the clock of a zone shows.

The oracle resolves no local time. For an expression that names hours it watches a clock that
refuses to go back, and sees which minutes that clock reaches, some of them at once; for one that
names every hour it reads the clock as it is.
"""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.core.civil import local_time
from coordinator.core.recurrence.rhythm import FEW, Cron, Every
from tests.property.civil_scan import DAY_MIN, MINUTE_MS, Scan, changes, scan

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # changes by half an hour
    "America/Havana",  # at midnight, both ways
    "America/Santiago",
    "America/Sao_Paulo",
    "Africa/Casablanca",  # back for Ramadan
    "Antarctica/Troll",  # by two hours
    "Pacific/Apia",  # has lost a day
    "Asia/Kolkata",  # half an hour off, and never changes
)
HOURS = 24


@dataclass(frozen=True)
class Named:
    """A cron expression by what it names; empty is everything."""

    minutes: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()

    def __str__(self) -> str:
        return (
            f"{_list(self.minutes)} {_list(self.hours)} {_list(self.days)} * {_list(self.weekdays)}"
        )

    def names(self, ordinal: int, minute_of_day: int) -> bool:
        if self.minutes and minute_of_day % 60 not in self.minutes:
            return False
        if self.hours and minute_of_day // 60 not in self.hours:
            return False
        day, weekday = _calendar(ordinal)
        matches = [
            found
            for found, wanted in (
                (day in self.days, self.days),
                (weekday in self.weekdays, self.weekdays),
            )
            if wanted
        ]
        return any(matches) if matches else True  # cron: two lists of days are joined by "or"

    @property
    def is_hourly(self) -> bool:
        return not self.hours or len(self.hours) == HOURS


def _list(numbers: frozenset[int]) -> str:
    return ",".join(map(str, sorted(numbers))) or "*"


@lru_cache(maxsize=64)
def _calendar(ordinal: int) -> tuple[int, int]:
    day = date.fromordinal(ordinal)
    return day.day, day.isoweekday() % 7


@lru_cache(maxsize=64)
def seen_around(zone: str, minute: int) -> tuple[Scan, tuple[int, ...]]:
    """Return what the clock that never goes back shows, and what the clock shows."""
    seen = scan(zone, minute)
    plain = []
    for at in range(len(seen.shown)):
        local = local_time(zone, (seen.first + at) * MINUTE_MS)
        plain.append(local.toordinal() * DAY_MIN + local.hour * 60 + local.minute)
    return seen, tuple(plain)


def expected(named: Named, seen: Scan, plain: tuple[int, ...]) -> list[int]:
    found = []
    for at, (before, shown) in enumerate(pairwise(seen.shown), start=1):
        reached = [plain[at]] if named.is_hourly else range(before + 1, shown + 1)
        if any(named.names(*divmod(face, DAY_MIN)) for face in reached):
            found.append((seen.first + at) * MINUTE_MS)
    return found


def answered(cron: Cron, seen: Scan) -> list[int]:
    found, at = [], cron.next_after(seen.from_ms)
    while at is not None and at < seen.until_ms:
        found.append(at)
        at = cron.next_after(at)
    return found


def some(low: int, high: int, most: int) -> st.SearchStrategy[frozenset[int]]:
    return st.frozensets(st.integers(low, high), max_size=most)


NAMED = st.builds(
    Named,
    minutes=st.one_of(some(0, 59, 4), st.just(frozenset({0, 30}))),
    hours=st.one_of(some(0, 3, 3), some(0, 23, 6), st.just(frozenset(range(HOURS)))),
    days=st.one_of(st.just(frozenset[int]()), some(1, 31, 12)),
    weekdays=st.one_of(st.just(frozenset[int]()), some(0, 6, 3)),
)


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, int]:
    zone = draw(st.sampled_from(ZONES))
    return zone, draw(st.sampled_from(changes(zone, 2010, 2014) or (23_000_000,)))


@settings(max_examples=150, deadline=None)
@given(NAMED, moments())
def test_nominal_times_are_those_that_a_scan_of_every_minute_finds(
    named: Named, moment: tuple[str, int]
) -> None:
    zone, minute = moment
    seen, plain = seen_around(zone, minute)

    assert answered(Cron(str(named), zone), seen) == expected(named, seen, plain)


@settings(max_examples=60, deadline=None)
@given(NAMED, moments(), st.integers(1, 30), st.integers(0, 3 * DAY_MIN), st.integers(0, DAY_MIN))
def test_the_newest_are_the_last_of_all(
    named: Named, moment: tuple[str, int], most: int, begin: int, length: int
) -> None:
    zone, minute = moment
    seen, plain = seen_around(zone, minute)
    after_ms = seen.from_ms + begin * MINUTE_MS
    until_ms = after_ms + length * MINUTE_MS
    between = [ms for ms in expected(named, seen, plain) if after_ms < ms <= until_ms]
    cron = Cron(str(named), zone)

    assert list(cron.newest(after_ms, until_ms, most)) == between[-most:]
    assert cron.count(after_ms, until_ms) == (min(FEW, len(between)), len(between) <= FEW)


@given(
    st.integers(1, 10**9),
    st.integers(-(10**6), 10**12),
    st.integers(0, 10**12),
    st.integers(0, 10**10),
    st.integers(1, 20),
)
def test_an_interval_is_counted_as_if_it_was_walked(
    every_ms: int, anchor_ms: int, after_ms: int, length_ms: int, most: int
) -> None:
    every = Every(every_ms, anchor_ms)
    until_ms = after_ms + min(length_ms, 50 * every_ms)
    walked = []
    at = every.next_after(after_ms)
    while at is not None and at <= until_ms:
        walked.append(at)
        assert (at - anchor_ms) % every_ms == 0
        at = every.next_after(at)

    assert every.count(after_ms, until_ms) == (len(walked), True)
    assert list(every.newest(after_ms, until_ms, most)) == walked[-most:]


@pytest.mark.parametrize("zone", ZONES)
def test_how_an_expression_is_spelled_does_not_change_what_it_names(zone: str) -> None:
    for one, other in (("30 * * * *", "30 0-23 * * *"), ("*/30 2 * * *", "0,30 2 * * *")):
        for minute in changes(zone, 2010, 2011):
            seen, _ = seen_around(zone, minute)
            assert answered(Cron(one, zone), seen) == answered(Cron(other, zone), seen)
