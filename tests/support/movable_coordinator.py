"""``python -m tests.support.movable_coordinator WALL_MS...``: a real coordinator whose wall clock
begins at the first of these times and is set to the next one with each SIGUSR1.

So a test need not wait until the machine's own clock shows what a rule of civil time is about. The
monotonic clock, by which leases are judged, is the machine's.
"""

import signal
import sys

from coordinator.core.instant import Instant
from coordinator.settings import load
from coordinator.shell import service
from coordinator.shell.clock import SystemClock

TIMES = [int(word) for word in sys.argv[1:]]


class MovableClock(SystemClock):
    """The machine's clocks, with the wall clock set to another time."""

    def __init__(self) -> None:
        self._ahead_ms = 0
        self._set()
        signal.signal(signal.SIGUSR1, lambda *_: self._set())

    def now(self) -> Instant:
        now = super().now()
        return Instant(now.wall_ms + self._ahead_ms, now.mono_ms)

    def _set(self) -> None:
        self._ahead_ms = TIMES.pop(0) - super().now().wall_ms


service.SystemClock = MovableClock  # type: ignore[attr-defined] # the one place that makes a clock
sys.exit(service.run(load({})))
