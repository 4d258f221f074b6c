"""The clocks of an agent, and the only place that reads one.

Leases need a clock that also counts while the machine is suspended: after ten minutes of sleep a
lease of one minute is over. Where the system has no such clock, a wall clock that moved on
further than the monotonic one gives the sleep away; a wall clock set forward looks the same, and
ending a lease early for that is harmless.
"""

import sys
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

JUMP_MS: Final = 1_000
_PER_MS: Final = 1_000_000


class Clock(Protocol):
    """What the agent asks for the time."""

    def now_ms(self) -> int:
        """Tell the milliseconds since an arbitrary moment, sleep of the machine included."""
        ...

    def wall_ms(self) -> int:
        """Tell the milliseconds since 1970, for display and for the order of boots."""
        ...


class SystemClock:
    """The clocks of this machine."""

    def __init__(self) -> None:
        self._now_ms = _suspend_aware_source()

    def now_ms(self) -> int:
        """Tell the milliseconds since an arbitrary moment, sleep of the machine included."""
        return self._now_ms()

    def wall_ms(self) -> int:
        """Tell the milliseconds since 1970."""
        return time.time_ns() // _PER_MS


class JumpAwareMillis:
    """A monotonic clock that takes a jump of the wall clock for time slept through."""

    def __init__(self, monotonic_ms: Callable[[], int], wall_ms: Callable[[], int]) -> None:
        self._monotonic_ms = monotonic_ms
        self._wall_ms = wall_ms
        self._ahead_ms = wall_ms() - monotonic_ms()
        self._slept_ms = 0
        self._lock = threading.Lock()

    def __call__(self) -> int:
        """Tell the milliseconds since an arbitrary moment; never less than before."""
        with self._lock:
            monotonic = self._monotonic_ms()
            ahead = self._wall_ms() - monotonic
            if ahead - self._ahead_ms > JUMP_MS:
                self._slept_ms += ahead - self._ahead_ms
            # A wall clock that runs a little differently, or was set back, is followed in silence.
            self._ahead_ms = ahead
            return monotonic + self._slept_ms


def _suspend_aware_source() -> Callable[[], int]:
    if sys.platform == "linux":
        return lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME) // _PER_MS
    if sys.platform == "darwin":  # there, unlike on Linux, it goes on while asleep
        return lambda: time.clock_gettime_ns(time.CLOCK_MONOTONIC) // _PER_MS
    return JumpAwareMillis(
        lambda: time.monotonic_ns() // _PER_MS, lambda: time.time_ns() // _PER_MS
    )
