from datetime import datetime
from itertools import islice
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest

from coordinator.core.civil import local_time
from coordinator.core.recurrence.rhythm import FEW, Cron, Every

YEAR_MS = 366 * 86_400_000


def at(zone: str, clock: str) -> int:
    local = datetime.fromisoformat(clock).replace(tzinfo=ZoneInfo(zone))
    return int(local.timestamp()) * 1000


def first(cron: Cron, after: str, count: int) -> list[str]:
    found, ms = [], at(cron.zone, after)
    for _ in range(count):
        following = cron.next_after(ms)
        assert following is not None
        ms = following
        found.append(f"{local_time(cron.zone, ms):%d %H:%M:%S%z}")
    return found


@pytest.mark.parametrize("expression", ["30 2 * * *", "0,30 2 * * *", "*/30 2 * * *"])
def test_an_hour_that_the_clock_skips_is_one_run_at_the_change(expression: str) -> None:
    cron = Cron(expression, "Europe/Berlin")

    assert first(cron, "2026-03-28T12:00", 1) == ["29 03:00:00+0200"]
    assert first(cron, "2026-03-29T03:00", 1)[0].startswith("30 02:")


@pytest.mark.parametrize("expression", ["30 2 * * *", "30 */2 * * *"])
def test_an_hour_that_the_clock_repeats_counts_once_for_who_names_hours(expression: str) -> None:
    cron = Cron(expression, "Europe/Berlin")

    found = first(cron, "2026-10-25T01:00", 2)

    assert found[0] == "25 02:30:00+0200"
    assert found[1] != "25 02:30:00+0100"


@pytest.mark.parametrize("expression", ["30 * * * *", "30 0-23 * * *"])
def test_who_names_every_hour_runs_whenever_the_clock_shows_it(expression: str) -> None:
    cron = Cron(expression, "Europe/Berlin")

    assert first(cron, "2026-10-25T01:00", 3) == [
        "25 01:30:00+0200",
        "25 02:30:00+0200",
        "25 02:30:00+0100",
    ]
    assert first(cron, "2026-03-29T01:00", 2) == ["29 01:30:00+0100", "29 03:30:00+0200"]


def test_a_change_by_half_an_hour_hides_no_time_behind_it() -> None:
    cron = Cron("45 * * * *", "Australia/Lord_Howe")

    assert first(cron, "2026-10-04T01:00", 2) == ["04 01:45:00+1030", "04 02:45:00+1100"]


def test_an_expression_may_name_seconds() -> None:
    cron = Cron("*/20 30 2 * * *", "Europe/Berlin")

    assert first(cron, "2026-03-27T12:00", 4) == [
        "28 02:30:00+0100",
        "28 02:30:20+0100",
        "28 02:30:40+0100",
        "29 03:00:00+0200",
    ]


def test_a_day_that_comes_every_28_years_is_found() -> None:
    cron = Cron("0 12 * 2 MON#5", "Europe/Berlin")

    after = cron.next_after(at("UTC", "2016-03-01T00:00"))

    assert after == at("Europe/Berlin", "2044-02-29T12:00")


def test_an_interval_does_not_care_for_clocks() -> None:
    every = Every(6 * 3_600_000)

    assert every.next_after(at("UTC", "2026-03-29T00:00")) == at("UTC", "2026-03-29T06:00")
    assert str(every) != str(Every(6 * 3_600_000, anchor_ms=1))


@pytest.mark.parametrize("most", [1, 100])
def test_years_of_minutes_are_answered_at_once(most: int) -> None:
    cron = Cron("* * * * *", "Europe/Berlin")
    now = at("UTC", "2026-06-01T00:00")
    began = perf_counter()

    newest = cron.newest(now - 20 * YEAR_MS, now, most)
    count = cron.count(now - 20 * YEAR_MS, now)

    assert perf_counter() - began < 2
    assert newest == tuple(now - n * 60_000 for n in reversed(range(most)))
    assert count == (FEW, False)


def test_a_face_in_the_gap_is_no_second_run_after_it() -> None:
    cron = Cron("0,30 1-3 * * *", "Europe/Berlin")

    assert list(islice(first(cron, "2026-03-29T01:00", 4), 4)) == [
        "29 01:30:00+0100",
        "29 03:00:00+0200",
        "29 03:30:00+0200",
        "30 01:00:00+0200",
    ]


def test_in_the_hour_that_repeats_nothing_that_was_named_before_comes_again() -> None:
    cron = Cron("*/10 2 * * *", "Europe/Berlin")
    second_pass = at("UTC", "2026-10-25T01:05")

    following = cron.next_after(second_pass)

    assert following == at("Europe/Berlin", "2026-10-26T02:00")
