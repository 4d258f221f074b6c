"""Hours of the day become as few windows as can be."""

from datetime import UTC, datetime

import pytest

from coordinator.core.civil import HOURS, any_open, hours_windows


def spans(hours: set[int]) -> list[tuple[int, int]]:
    return [
        (w.start_min // 60, w.end_min // 60) for w in hours_windows(frozenset(hours), "Europe/Rome")
    ]


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ({9}, [(9, 10)]),
        ({9, 10, 11, 14}, [(9, 12), (14, 15)]),
        ({22, 23}, [(22, 24)]),
        ({0, 1}, [(0, 2)]),
        ({22, 23, 0, 1}, [(22, 2)]),
        ({0, 12, 23}, [(12, 13), (23, 1)]),
        (set(range(24)) - {5}, [(6, 5)]),
        (set(), []),
    ],
)
def test_neighbouring_hours_are_one_window_over_midnight_too(
    hours: set[int], expected: list[tuple[int, int]]
) -> None:
    assert spans(hours) == expected


def test_all_hours_are_the_whole_day() -> None:
    (window,) = hours_windows(HOURS, "Europe/Rome", "avoid", "closed")
    assert window.is_endless
    assert (window.name, window.zone, window.reason) == ("avoid", "Europe/Rome", "closed")


@pytest.mark.parametrize("hours", [{0, 3, 4, 17, 23}, {23}, {0}, set(range(1, 24)), set()])
def test_the_windows_are_open_in_exactly_these_hours(hours: set[int]) -> None:
    windows = hours_windows(frozenset(hours), "Asia/Tokyo")
    monday = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp()) * 1000
    for hour in range(24):
        in_utc = monday + ((hour - 9) % 24) * 3_600_000
        assert any_open(windows, in_utc) == (hour in hours)
        assert any_open(windows, in_utc + 3_599_999) == (hour in hours)


@pytest.mark.parametrize("hours", [{24}, {-1}, {3, 25}])
def test_what_is_no_hour_of_a_day_is_refused(hours: set[int]) -> None:
    with pytest.raises(ValueError, match="not hours of a day; use 0 to 23"):
        hours_windows(frozenset(hours), "UTC")
