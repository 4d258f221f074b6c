"""Several windows: open while any is, with the greatest boost of those open."""

from datetime import UTC, datetime

from coordinator.core.civil import (
    HOURS,
    Window,
    always_open,
    any_open,
    boost_of,
    next_change_of,
)

HOUR = 3_600_000


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def hours(start: int, end: int, zone: str = "UTC", boost: float = 1.0) -> Window:
    return Window("w", zone, start * 60, end * 60, priority_boost=boost)


def test_a_union_is_open_while_any_of_its_windows_is() -> None:
    both = [hours(8, 10), hours(9, 12)]
    at = {hour: any_open(both, utc(f"2026-06-01T{hour:02}:00")) for hour in HOURS}
    assert [hour for hour in HOURS if at[hour]] == [8, 9, 10, 11]


def test_a_union_closes_when_the_last_of_its_windows_does() -> None:
    meeting = [hours(8, 10), hours(10, 12), hours(9, 11)]
    assert next_change_of(meeting, utc("2026-06-01T08:00")) == utc("2026-06-01T12:00")
    assert next_change_of(meeting, utc("2026-06-01T12:00")) == utc("2026-06-02T08:00")


def test_a_union_opens_when_the_first_of_its_windows_does() -> None:
    apart = [hours(20, 21), hours(8, 9)]
    assert next_change_of(apart, utc("2026-06-01T07:00")) == utc("2026-06-01T08:00")
    assert next_change_of(apart, utc("2026-06-01T08:30")) == utc("2026-06-01T09:00")
    assert next_change_of(apart, utc("2026-06-01T09:00")) == utc("2026-06-01T20:00")


def test_windows_of_two_zones_are_compared_as_instants() -> None:
    relay = [hours(9, 17, "Europe/Berlin"), hours(11, 17, "Europe/London")]
    assert next_change_of(relay, utc("2026-06-01T08:00")) == utc("2026-06-01T16:00")


def test_no_windows_are_never_open() -> None:
    assert not any_open([], 0)
    assert next_change_of([], 0) is None
    assert boost_of([], 0) == 1.0
    assert not always_open(())


def test_windows_that_complete_each_other_never_change() -> None:
    day, night = hours(6, 22, "Europe/Berlin"), hours(22, 6, "Europe/Berlin")
    assert always_open((day, night))
    assert next_change_of([day, night], utc("2026-03-29T00:30")) is None
    assert not always_open((day, hours(22, 5, "Europe/Berlin")))


def test_windows_that_complete_each_other_over_the_weekend_never_change() -> None:
    week = Window("week", "UTC", 0, 0, frozenset(range(6)), all_day=True)
    sunday = Window("sunday", "UTC", 22 * 60, 60, frozenset({5}))
    rest = Window("rest", "UTC", 30, 24 * 60, frozenset({6}))
    assert always_open((week, sunday, rest))
    assert not always_open((week, sunday))
    assert not always_open((week, rest))


def test_the_night_before_monday_covers_monday_morning() -> None:
    from_one = Window("from one", "UTC", 60, 24 * 60)
    nights = Window("nights", "UTC", 23 * 60, 60)
    assert always_open((from_one, nights))
    six_nights = Window("nights", "UTC", 23 * 60, 60, frozenset(range(6)))
    assert not always_open((from_one, six_nights))


def test_windows_that_complete_each_other_across_zones_are_followed_to_where_they_part() -> None:
    berlin_night, utc_day = hours(20, 8, "Europe/Berlin"), hours(7, 19)
    assert not always_open((berlin_night, utc_day))
    in_winter = utc("2026-03-27T12:00")
    assert next_change_of([berlin_night, utc_day], in_winter) == utc("2026-03-29T06:00")
    assert not any_open([berlin_night, utc_day], utc("2026-03-29T06:30"))


def test_a_union_across_zones_that_never_parts_is_given_up_after_the_horizon() -> None:
    reykjavik_night, utc_day = hours(20, 8, "Atlantic/Reykjavik"), hours(8, 20)
    assert next_change_of([reykjavik_night, utc_day], utc("2026-03-27T12:00")) is None


def test_one_window_that_never_closes_keeps_the_union_open() -> None:
    always = Window("always", "Europe/Berlin", 0, 0, all_day=True)
    assert next_change_of([hours(8, 10), always], utc("2026-06-01T09:00")) is None


def test_the_greatest_boost_of_the_open_windows_counts_and_not_their_sum() -> None:
    boosts = [hours(8, 12, boost=1.5), hours(9, 11, boost=2.0), hours(13, 14, boost=9.0)]
    assert boost_of(boosts, utc("2026-06-01T08:30")) == 1.5
    assert boost_of(boosts, utc("2026-06-01T10:00")) == 2.0
    assert boost_of(boosts, utc("2026-06-01T07:00")) == 1.0
