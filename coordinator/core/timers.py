"""What is due when: one heap per clock, and nothing polled.

A timer that turns out to be early (its deadline was moved forward meanwhile) is simply set again
by whoever handles it; so a heartbeat costs the heap nothing.
"""

import heapq
from collections.abc import Iterator
from enum import Enum, auto

from coordinator.core.instant import Instant


class Due(Enum):
    """What a timer is about."""

    SUSPECT = auto()
    EXPIRY = auto()
    RECOVERED = auto()
    START = auto()
    """A task's time has come: its start, or the end of its back-off."""
    TASK_EXPIRY = auto()
    HIDE = auto()
    GATE = auto()
    """A shared gate may open or close: a window, a period's end, a closure that is over."""
    SCHEDULE = auto()
    """A schedule names this time, or one of its runs has ended."""
    AGENT = auto()
    """Something about one agent changes: its hours, a cooldown, an operator's verb."""
    HOST = auto()
    """A host may have been silent for too long."""
    POOL = auto()
    """It is time to decide how many agents a pool should have."""


class Timers:
    """Timers on the monotonic clock (time-outs, leases) and on the wall clock (civil rules)."""

    __slots__ = ("_count", "_mono", "_wall")

    def __init__(self) -> None:
        self._mono: list[tuple[int, int, Due, str]] = []
        self._wall: list[tuple[int, int, Due, str]] = []
        self._count = 0

    def at_mono(self, when_ms: int, due: Due, subject: str = "") -> None:
        """Set a time-out."""
        self._count += 1
        heapq.heappush(self._mono, (when_ms, self._count, due, subject))

    def at_wall(self, when_ms: int, due: Due, subject: str = "") -> None:
        """Set a timer for a moment of civil time."""
        self._count += 1
        heapq.heappush(self._wall, (when_ms, self._count, due, subject))

    def pop_due(self, now: Instant) -> Iterator[tuple[Due, str]]:
        """Take out, in order, what is due at *now*."""
        for heap, time_ms in ((self._mono, now.mono_ms), (self._wall, now.wall_ms)):
            while heap and heap[0][0] <= time_ms:
                _, _, due, subject = heapq.heappop(heap)
                yield due, subject

    def next_in_ms(self, now: Instant) -> int | None:
        """Say how long until something is due; ``None`` if nothing ever is."""
        waits = [
            max(0, heap[0][0] - time_ms)
            for heap, time_ms in ((self._mono, now.mono_ms), (self._wall, now.wall_ms))
            if heap
        ]
        return min(waits, default=None)

    def __len__(self) -> int:
        return len(self._mono) + len(self._wall)
