"""A local time is the first instant at which the clock shows it, or a later one."""

from datetime import UTC, date, datetime

import pytest

from coordinator.core.civil import UnknownZone, local_time, resolve, zone_info
from protocol.errors import FleetBusError


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


@pytest.mark.parametrize(
    ("zone", "day", "minute", "instant"),
    [
        pytest.param("UTC", "2026-03-29", 150, "2026-03-29T02:30", id="no change"),
        pytest.param("Asia/Kathmandu", "2026-03-29", 0, "2026-03-28T18:15", id="odd offset"),
        pytest.param("Europe/Berlin", "2026-03-29", 119, "2026-03-29T00:59", id="before a gap"),
        pytest.param("Europe/Berlin", "2026-03-29", 120, "2026-03-29T01:00", id="gap begins"),
        pytest.param("Europe/Berlin", "2026-03-29", 179, "2026-03-29T01:00", id="gap ends"),
        pytest.param("Europe/Berlin", "2026-03-29", 180, "2026-03-29T01:00", id="after a gap"),
        pytest.param("Europe/Berlin", "2026-10-25", 120, "2026-10-25T00:00", id="first 02:00"),
        pytest.param("Europe/Berlin", "2026-10-25", 179, "2026-10-25T00:59", id="first 02:59"),
        pytest.param("Europe/Berlin", "2026-10-25", 180, "2026-10-25T02:00", id="only 03:00"),
        pytest.param("Europe/Berlin", "2026-03-28", 1440, "2026-03-28T23:00", id="24:00"),
        pytest.param("Europe/Berlin", "2026-03-28", 1800, "2026-03-29T04:00", id="next day 06:00"),
        pytest.param("Europe/Berlin", "2026-03-30", -1260, "2026-03-29T01:00", id="the day before"),
        pytest.param("Australia/Lord_Howe", "2026-10-04", 135, "2026-10-03T15:30", id="30 min gap"),
        pytest.param("Australia/Lord_Howe", "2026-04-05", 105, "2026-04-04T14:45", id="30 min"),
        pytest.param("America/Santiago", "2026-09-06", 30, "2026-09-06T04:00", id="midnight gap"),
        pytest.param("Pacific/Apia", "2011-12-30", 720, "2011-12-30T10:00", id="missing day"),
        pytest.param("Pacific/Apia", "2011-12-31", 0, "2011-12-30T10:00", id="after missing day"),
    ],
)
def test_a_local_time_becomes_its_instant(zone: str, day: str, minute: int, instant: str) -> None:
    assert resolve(zone, date.fromisoformat(day), minute) == utc(instant)


def test_a_day_with_a_change_is_counted_in_elapsed_time() -> None:
    spring = date(2026, 3, 29)
    elapsed = resolve("Europe/Berlin", spring, 1440) - resolve("Europe/Berlin", spring, 0)
    assert elapsed == 23 * 3_600_000


def test_the_clock_of_a_zone_can_be_read_at_any_instant() -> None:
    assert local_time("Europe/Berlin", utc("2026-10-25T01:30") + 7).isoformat() == (
        "2026-10-25T02:30:00.007000+01:00"
    )
    assert local_time("America/New_York", -1).isoformat() == "1969-12-31T18:59:59.999000-05:00"


@pytest.mark.parametrize(
    "zone",
    ["", "America", "../etc/passwd", "Europe/Berlim", "Europe/Berlin\0", "x" * 5000],
)
def test_what_is_no_zone_is_refused_by_name(zone: str) -> None:
    with pytest.raises(UnknownZone, match="IANA name such as 'Europe/Berlin'") as caught:
        zone_info(zone)
    assert isinstance(caught.value, FleetBusError)
    assert caught.value.zone == zone
    assert len(str(caught.value)) < 250
