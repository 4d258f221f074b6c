"""The only place where the coordinator looks at a clock."""

import time
from typing import Protocol

from coordinator.core.instant import Instant

# CLOCK_MONOTONIC stands still while a Linux machine is suspended; a lease must not.
_SUSPEND_AWARE = getattr(time, "CLOCK_BOOTTIME", None)


class Clock(Protocol):
    """Tells the time on both clocks."""

    def now(self) -> Instant:
        """Return the present moment."""
        ...


class SystemClock:
    """The machine's clocks; the monotonic one goes on while the machine is suspended."""

    def now(self) -> Instant:
        """Return the present moment."""
        return Instant(time.time_ns() // 1_000_000, monotonic_ns() // 1_000_000)


def monotonic_ns() -> int:
    """Return nanoseconds of the suspend-aware monotonic clock."""
    if _SUSPEND_AWARE is not None:
        return time.clock_gettime_ns(_SUSPEND_AWARE)
    return time.monotonic_ns()
