"""Days and weeks, as caps and budgets count them."""

from datetime import UTC, datetime

from coordinator.core.civil import Period, day_of, days_between, rolling, week_of

BERLIN = "Europe/Berlin"
HOUR = 3_600_000
FOUR = 4 * 60


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def test_a_day_is_the_civil_day_of_its_zone() -> None:
    assert day_of(utc("2026-06-01T22:00"), BERLIN) == (
        utc("2026-06-01T22:00"),
        utc("2026-06-02T22:00"),
    )
    assert day_of(utc("2026-06-01T22:00") - 1, BERLIN).end_ms == utc("2026-06-01T22:00")


def test_before_the_day_starts_it_is_still_the_day_before() -> None:
    at_three = utc("2026-06-02T01:00")
    assert day_of(at_three, BERLIN, FOUR) == (utc("2026-06-01T02:00"), utc("2026-06-02T02:00"))


def test_a_day_has_23_or_25_hours_when_the_clock_changes() -> None:
    spring, autumn = (
        day_of(utc("2026-03-29T12:00"), BERLIN),
        day_of(utc("2026-10-25T12:00"), BERLIN),
    )
    assert spring.end_ms - spring.start_ms == 23 * HOUR
    assert autumn.end_ms - autumn.start_ms == 25 * HOUR


def test_a_day_that_starts_in_the_gap_starts_at_the_change() -> None:
    half_past_two = 150
    day = day_of(utc("2026-03-29T12:00"), BERLIN, half_past_two)
    assert day.start_ms == utc("2026-03-29T01:00")
    assert day_of(utc("2026-03-29T00:59"), BERLIN, half_past_two).end_ms == day.start_ms


def test_a_day_that_starts_in_the_repeated_hour_starts_once() -> None:
    half_past_two = 150
    day = day_of(utc("2026-10-25T12:00"), BERLIN, half_past_two)
    assert day.start_ms == utc("2026-10-25T00:30")
    assert day_of(utc("2026-10-25T01:15"), BERLIN, half_past_two) == day


def test_a_midnight_that_is_skipped_begins_the_day_at_the_change() -> None:
    day = day_of(utc("2026-09-06T12:00"), "America/Santiago")
    assert day == (utc("2026-09-06T04:00"), utc("2026-09-07T03:00"))


def test_a_day_that_a_zone_leaves_out_is_no_day() -> None:
    before, after = utc("2011-12-30T09:59"), utc("2011-12-30T10:00")
    assert day_of(before, "Pacific/Apia") == (utc("2011-12-29T10:00"), after)
    assert day_of(after, "Pacific/Apia") == (after, utc("2011-12-31T10:00"))


def test_a_week_starts_on_monday_unless_told_otherwise() -> None:
    wednesday = utc("2026-06-03T12:00")
    assert week_of(wednesday, "UTC") == (utc("2026-06-01"), utc("2026-06-08"))
    assert week_of(wednesday, "UTC", 6) == (utc("2026-05-31"), utc("2026-06-07"))
    assert week_of(wednesday, "UTC", 3) == (utc("2026-05-28"), utc("2026-06-04"))


def test_a_week_starts_when_its_first_day_does() -> None:
    monday_at_three = utc("2026-06-01T03:00")
    assert week_of(monday_at_three, "UTC", 0, FOUR).end_ms == utc("2026-06-01T04:00")
    assert week_of(utc("2026-06-01T04:00"), "UTC", 0, FOUR).start_ms == utc("2026-06-01T04:00")


def test_a_week_with_a_change_is_an_hour_shorter_or_longer() -> None:
    spring = week_of(utc("2026-03-25"), BERLIN)
    assert spring.end_ms - spring.start_ms == 167 * HOUR
    autumn = week_of(utc("2026-10-21"), BERLIN)
    assert autumn.end_ms - autumn.start_ms == 169 * HOUR


def test_the_days_and_weeks_of_years_meet_without_gap_or_overlap() -> None:
    at, last = utc("2009-12-31"), utc("2013-01-05")
    for span in (day_of, week_of):
        reached = span(at, "Pacific/Apia").end_ms
        while reached < last:
            period = span(reached, "Pacific/Apia")
            assert period.start_ms == reached
            assert span(period.end_ms - 1, "Pacific/Apia") == period
            reached = period.end_ms


def test_a_week_is_found_from_its_first_to_its_last_hour_in_the_outermost_zones() -> None:
    one_in_the_afternoon = 13 * 60
    for zone, offset in (("Etc/GMT+12", -12), ("Pacific/Kiritimati", 14)):
        for weekday in range(7):
            first = utc(f"2026-06-{1 + weekday:02}T13:00") - offset * HOUR
            week = (first, first + 168 * HOUR)
            for hour in range(168):
                at = first + hour * HOUR
                assert week_of(at, zone, weekday, one_in_the_afternoon) == week
            assert week_of(week[1] - 1, zone, weekday, one_in_the_afternoon) == week


def test_a_rolling_period_forgets_what_is_exactly_as_old_as_it_is_long() -> None:
    last_hour = rolling(10 * HOUR, HOUR)
    assert [last_hour.holds(t) for t in (9 * HOUR, 9 * HOUR + 1, 10 * HOUR, 10 * HOUR + 1)] == [
        False,
        True,
        True,
        False,
    ]


def test_running_time_is_split_at_midnight_to_the_millisecond() -> None:
    start, end = utc("2026-06-01T21:00") + 1, utc("2026-06-03T00:00")
    days = list(days_between(start, end, BERLIN))
    assert [day.overlap_ms(start, end) for day in days] == [HOUR - 1, 24 * HOUR, 2 * HOUR]
    assert sum(day.overlap_ms(start, end) for day in days) == end - start
    assert days[0].overlap_ms(days[1].start_ms, days[1].end_ms) == 0
    assert list(days_between(start, start, BERLIN)) == []


def test_a_clock_set_back_does_not_reopen_yesterday() -> None:
    today = day_of(utc("2026-06-02T00:10"), "UTC")
    set_back = utc("2026-06-01T23:50")
    assert today.then(day_of(set_back, "UTC"), set_back) == today


def test_a_new_day_follows_when_the_day_has_ended() -> None:
    today, midnight = day_of(utc("2026-06-01T12:00"), "UTC"), utc("2026-06-02")
    assert today.then(day_of(midnight - 1, "UTC"), midnight - 1) == today
    assert today.then(day_of(midnight, "UTC"), midnight) == day_of(midnight, "UTC")


def test_a_changed_start_of_day_begins_to_count_with_the_next_day() -> None:
    today = day_of(utc("2026-06-01T12:00"), "UTC")
    noon = utc("2026-06-01T13:00")
    assert today.then(day_of(noon, "UTC", FOUR), noon) == today
    midnight = today.end_ms
    assert today.then(day_of(midnight, "UTC", FOUR), midnight) == Period(
        midnight, utc("2026-06-02T04:00")
    )
