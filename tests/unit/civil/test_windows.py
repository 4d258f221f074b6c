"""Windows on ordinary days, and on the days on which a clock changes."""

from datetime import UTC, date, datetime

import pytest

from coordinator.core.civil import (
    Window,
    closes_at,
    intervals,
    is_open,
    next_change,
    opens_at,
    skipped_by_dst,
)

BERLIN = "Europe/Berlin"
HOUR = 3_600_000
MINUTE = 60_000
FRIDAY, SATURDAY, SUNDAY = 4, 5, 6
EVERY_DAY = frozenset(range(7))


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def window(hours: str, *days: int, zone: str = BERLIN) -> Window:
    """Read ``22:00-06:00`` the way a plan does."""
    start, end = (int(clock[:2]) * 60 + int(clock[3:]) for clock in hours.split("-"))
    return Window("w", zone, start, end, frozenset(days) or EVERY_DAY)


def opening(hours: str, day: str, zone: str = BERLIN) -> tuple[int, int]:
    """Return the opening that starts on *day*, or fail when there is not exactly one."""
    weekday = date.fromisoformat(day).weekday()
    noon = utc(f"{day}T12:00")
    span = intervals(window(hours, weekday, zone=zone), noon - 48 * HOUR, noon + 60 * HOUR)
    (only,) = span
    return only


def length(hours: str, day: str, zone: str = BERLIN) -> int:
    start, end = opening(hours, day, zone)
    return end - start


def test_a_window_is_open_at_its_start_and_closed_at_its_end() -> None:
    noon_hour = window("12:00-13:00")
    start, end = opening("12:00-13:00", "2026-06-01")
    assert start == utc("2026-06-01T10:00")
    assert [is_open(noon_hour, t) for t in (start - 1, start, end - 1, end)] == [
        False,
        True,
        True,
        False,
    ]


def test_friday_night_includes_saturday_morning_and_not_friday_morning() -> None:
    night = window("22:00-06:00", FRIDAY, zone="UTC")
    assert not is_open(night, utc("2026-06-05T05:59"))
    assert is_open(night, utc("2026-06-05T22:00"))
    assert is_open(night, utc("2026-06-06T05:59"))
    assert not is_open(night, utc("2026-06-06T06:00"))
    assert not is_open(night, utc("2026-06-06T22:00"))


def test_the_night_in_which_the_clock_is_set_forward_lasts_seven_hours() -> None:
    assert length("22:00-06:00", "2026-03-28") == 7 * HOUR
    assert length("22:00-06:00", "2026-03-27") == 8 * HOUR


def test_the_night_in_which_the_clock_is_set_back_lasts_nine_hours() -> None:
    assert length("22:00-06:00", "2026-10-24") == 9 * HOUR


def test_a_window_inside_the_gap_is_skipped_and_reported() -> None:
    skipped = window("02:15-02:45", zone=BERLIN)
    spring, autumn = utc("2026-03-27T12:00"), utc("2026-03-31T12:00")
    assert [start for start, _ in intervals(skipped, spring, autumn)] == [
        utc("2026-03-28T01:15"),
        utc("2026-03-30T00:15"),
        utc("2026-03-31T00:15"),
    ]
    assert skipped_by_dst(skipped, spring, autumn) == [date(2026, 3, 29)]


def test_a_skipped_window_is_reported_only_for_its_days_and_the_time_asked_about() -> None:
    change = utc("2026-03-29T01:00")
    assert skipped_by_dst(window("02:15-02:45", SATURDAY), change - HOUR, change + HOUR) == []
    assert skipped_by_dst(window("02:15-03:15", SUNDAY), change - HOUR, change + HOUR) == []
    sunday = window("02:15-02:45", SUNDAY)
    assert skipped_by_dst(sunday, change, change + 1) == [date(2026, 3, 29)]
    assert skipped_by_dst(sunday, change - HOUR, change) == []
    assert skipped_by_dst(sunday, utc("2026-01-01"), utc("2029-01-01")) == [
        date(2026, 3, 29),
        date(2027, 3, 28),
        date(2028, 3, 26),
    ]


def test_a_window_that_begins_in_the_gap_opens_at_the_change_and_not_later() -> None:
    assert opening("02:30-03:30", "2026-03-29") == (
        utc("2026-03-29T01:00"),
        utc("2026-03-29T01:30"),
    )


def test_a_window_in_the_repeated_hour_opens_once_the_first_time() -> None:
    assert opening("02:00-02:30", "2026-10-25") == (
        utc("2026-10-25T00:00"),
        utc("2026-10-25T00:30"),
    )
    assert length("01:30-02:30", "2026-10-25") == HOUR
    assert length("02:30-03:30", "2026-10-25") == 2 * HOUR


def test_a_shift_of_thirty_minutes_follows_the_same_rule() -> None:
    lord_howe = "Australia/Lord_Howe"
    assert length("22:00-06:00", "2026-10-03", lord_howe) == 7 * HOUR + 30 * MINUTE
    assert length("22:00-06:00", "2026-04-04", lord_howe) == 8 * HOUR + 30 * MINUTE
    assert length("02:00-02:45", "2026-10-04", lord_howe) == 15 * MINUTE


def test_a_gap_at_midnight_shortens_what_crosses_it() -> None:
    santiago = "America/Santiago"
    assert length("23:00-01:00", "2026-09-05", santiago) == HOUR
    assert length("00:00-06:00", "2026-09-06", santiago) == 5 * HOUR
    early = window("00:15-00:45", SUNDAY, zone=santiago)
    assert skipped_by_dst(early, utc("2026-09-01"), utc("2026-09-30")) == [date(2026, 9, 6)]


def test_a_day_that_a_zone_leaves_out_has_no_windows() -> None:
    apia = "Pacific/Apia"
    shop = window("09:00-17:00", zone=apia)
    week = (utc("2011-12-29T12:00"), utc("2011-12-31T12:00"))
    assert list(intervals(shop, *week)) == [
        (utc("2011-12-29T19:00"), utc("2011-12-30T03:00")),
        (utc("2011-12-30T19:00"), utc("2011-12-31T03:00")),
    ]
    assert skipped_by_dst(shop, *week) == [date(2011, 12, 30)]
    whole = Window("friday", apia, 0, 0, frozenset({FRIDAY}), all_day=True)
    assert list(intervals(whole, *week)) == []
    assert length("22:00-06:00", "2011-12-29", apia) == 2 * HOUR


def test_an_end_of_24_is_midnight_and_meets_the_next_day() -> None:
    assert length("22:00-24:00", "2026-06-05") == 2 * HOUR
    assert length("00:00-24:00", "2026-10-25") == 25 * HOUR
    weekend = window("00:00-24:00", SATURDAY, SUNDAY)
    assert list(intervals(weekend, utc("2026-10-22"), utc("2026-10-29"))) == [
        (utc("2026-10-23T22:00"), utc("2026-10-25T23:00"))
    ]


def test_whole_days_are_as_long_as_the_day_is() -> None:
    sundays = Window("sundays", BERLIN, 0, 0, frozenset({SUNDAY}), all_day=True)
    march = intervals(sundays, utc("2026-02-28T12:00"), utc("2026-04-06T12:00"))
    assert [(end - start) // HOUR for start, end in march] == [24, 24, 24, 24, 23, 24]


def test_openings_are_cut_off_at_both_ends_of_the_time_asked_about() -> None:
    night = window("22:00-06:00", zone="UTC")
    assert list(intervals(night, utc("2026-06-05T23:00"), utc("2026-06-06T22:30"))) == [
        (utc("2026-06-05T23:00"), utc("2026-06-06T06:00")),
        (utc("2026-06-06T22:00"), utc("2026-06-06T22:30")),
    ]
    assert list(intervals(night, utc("2026-06-05T23:00"), utc("2026-06-05T23:00"))) == []
    assert list(intervals(night, utc("2026-06-05T06:00"), utc("2026-06-05T22:00"))) == []


def test_the_next_change_is_strictly_later_and_found_across_weeks() -> None:
    monthly_at_least = window("10:00-11:00", FRIDAY, zone="UTC")
    opens, closes = utc("2026-06-05T10:00"), utc("2026-06-05T11:00")
    assert next_change(monthly_at_least, opens - 1) == opens
    assert next_change(monthly_at_least, opens) == closes
    assert next_change(monthly_at_least, closes) == utc("2026-06-12T10:00")


def test_a_skipped_opening_is_no_change() -> None:
    sunday = window("02:15-02:45", SUNDAY)
    assert next_change(sunday, utc("2026-03-22T12:00")) == utc("2026-04-05T00:15")


def test_asking_when_it_closes_or_opens_depends_on_which_it_is() -> None:
    hour = window("10:00-11:00", zone="UTC")
    inside, outside = utc("2026-06-05T10:30"), utc("2026-06-05T11:00")
    assert closes_at(hour, inside) == utc("2026-06-05T11:00")
    assert opens_at(hour, inside) is None
    assert closes_at(hour, outside) is None
    assert opens_at(hour, outside) == utc("2026-06-06T10:00")


@pytest.mark.parametrize(
    "endless",
    [
        Window("always", BERLIN, 0, 0, all_day=True),
        window("00:00-24:00"),
        window("06:00-06:00"),
    ],
    ids=["all day", "midnight to midnight", "six to six"],
)
def test_what_never_closes_never_changes(endless: Window) -> None:
    now = utc("2026-03-29T01:00")
    assert is_open(endless, now)
    assert next_change(endless, now) is None
    assert closes_at(endless, now) is None
    assert list(intervals(endless, now, now + 900 * 24 * HOUR)) == [(now, now + 900 * 24 * HOUR)]


def test_a_window_without_days_never_opens() -> None:
    never = Window("never", BERLIN, 60, 120, frozenset())
    now = utc("2026-03-29T01:00")
    assert not is_open(never, now)
    assert next_change(never, now) is None
    assert list(intervals(never, now, now + 24 * HOUR)) == []


def test_six_of_seven_whole_days_change_only_around_the_seventh() -> None:
    closed_on_sundays = Window("w", "UTC", 0, 0, EVERY_DAY - {SUNDAY}, all_day=True)
    for day in range(1, 7):
        assert next_change(closed_on_sundays, utc(f"2026-06-0{day}T12:00")) == utc("2026-06-07")
    assert next_change(closed_on_sundays, utc("2026-06-07")) == utc("2026-06-08")
    assert next_change(closed_on_sundays, utc("2026-06-08")) == utc("2026-06-14")


def test_windows_that_differ_in_name_and_boost_open_alike() -> None:
    plain = window("10:00-11:00")
    named = Window("other", BERLIN, 600, 660, priority_boost=2.0, reason="lunch")
    week = (utc("2026-06-01"), utc("2026-06-08"))
    assert list(intervals(plain, *week)) == list(intervals(named, *week))
