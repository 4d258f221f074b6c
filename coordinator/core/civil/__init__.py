"""Civil time: time zones, days, weeks and windows, resolved to instants before they are compared.

Instants are ``wall_ms``: milliseconds UTC. Nothing here reads a clock, and nothing keeps state
but bounded caches of what a zone's rules say.
"""

from coordinator.core.civil.hours import HOURS, hours_windows
from coordinator.core.civil.periods import Period, day_of, days_between, rolling, week_of
from coordinator.core.civil.unions import always_open, any_open, boost_of, next_change_of
from coordinator.core.civil.windows import (
    ALL_DAYS,
    DAY_MIN,
    HORIZON_MS,
    Window,
    closes_at,
    intervals,
    is_open,
    next_change,
    opens_at,
    skipped_by_dst,
)
from coordinator.core.civil.zones import UnknownZone, local_time, resolve, zone_info

__all__ = [
    "ALL_DAYS",
    "DAY_MIN",
    "HORIZON_MS",
    "HOURS",
    "Period",
    "UnknownZone",
    "Window",
    "always_open",
    "any_open",
    "boost_of",
    "closes_at",
    "day_of",
    "days_between",
    "hours_windows",
    "intervals",
    "is_open",
    "local_time",
    "next_change",
    "next_change_of",
    "opens_at",
    "resolve",
    "rolling",
    "skipped_by_dst",
    "week_of",
    "zone_info",
]
