"""The one place of the control room that reads a clock."""

import time
from datetime import UTC, datetime


def wall_ms() -> int:
    """Return the wall clock, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def mono_s() -> float:
    """Return a clock that is never set, in seconds."""
    return time.monotonic()


def utc_now() -> datetime:
    """Return the wall clock as an aware instant."""
    return datetime.now(UTC)
