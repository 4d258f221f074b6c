"""Time zones: a local date and a minute of the day become one instant, by one rule.

The instant of a local time is *the first at which the zone's clock shows that time or a later
one*. A time that the clock skips is therefore the instant of the change, a time that it shows
twice is the first occurrence, and a later local time is never an earlier instant. Elapsed time is
always counted between instants, because subtracting local times forgets the change between them.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from protocol.errors import FleetBusError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MIDNIGHT: Final = time()
_MILLISECOND: Final = timedelta(milliseconds=1)


class UnknownZone(FleetBusError):
    """A name that is not in the time zone database of this machine."""

    def __init__(self, zone: str) -> None:
        super().__init__(
            f"zone: {zone[:80]!r} is not in the time zone database; "
            "use an IANA name such as 'Europe/Berlin' or 'UTC'"
        )
        self.zone = zone


@lru_cache(maxsize=1024)
def zone_info(zone: str) -> ZoneInfo:
    """Return the rules of *zone*, or raise :class:`UnknownZone`."""
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        # An OSError is a name that is no file there: "America" is a folder.
        raise UnknownZone(zone) from error


def resolve(zone: str, day: date, minute: int) -> int:
    """Return the instant (ms UTC) at which the clock of *zone* reaches *minute* of *day*.

    *minute* counts along the clock face, not along elapsed time; 1440 and above lie on the days
    after, negative ones on the days before.
    """
    clock = zone_info(zone)
    # Within one zone, datetime's arithmetic and comparison are those of the clock face.
    local = datetime.combine(day, _MIDNIGHT, clock) + timedelta(minutes=minute)
    instant = local.astimezone(UTC)  # fold=0: the first occurrence of a repeated time
    if instant.astimezone(clock) != local:
        instant = _change_that_skips(local)
    return (instant - _EPOCH) // _MILLISECOND


def _change_that_skips(local: datetime) -> datetime:
    # Read with the offset that holds after the gap, a skipped time lies before the change; read
    # with the one that holds before the gap, it lies at or after it.
    clock = local.tzinfo
    before = local.replace(fold=1).astimezone(UTC)
    after = local.astimezone(UTC)
    while (gap := int((after - before).total_seconds())) > 1:
        middle = before + timedelta(seconds=gap // 2)
        if middle.astimezone(clock) >= local:
            after = middle
        else:
            before = middle
    return after


def local_time(zone: str, wall_ms: int) -> datetime:
    """Return what the clock of *zone* shows at *wall_ms*, as an aware datetime."""
    return (_EPOCH + wall_ms * _MILLISECOND).astimezone(zone_info(zone))
