"""What is due when: one heap per clock, and nothing polled.

A timer that turns out to be early (its deadline was moved forward meanwhile) is simply set again
by whoever handles it; so a heartbeat costs the heap nothing. Silence is what every heartbeat puts
off: those time-outs move by themselves when they come to the head, and wake nobody. Of each agent
there is one; where another is set, the one before it is dropped when it comes to the head.
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

    __slots__ = ("_count", "_mono", "_put_off", "_silences", "_wall")

    def __init__(self) -> None:
        self._mono: list[tuple[int, int, Due, str]] = []
        self._wall: list[tuple[int, int, Due, str]] = []
        self._put_off: dict[str, int] = {}
        """Until when agents may be silent, of those that were heard since their timer was set."""
        self._silences: dict[str, int] = {}
        """Which time-out of each agent's silence was set last."""
        self._count = 0

    def at_mono(self, when_ms: int, due: Due, subject: str = "") -> None:
        """Set a time-out; of an agent's silence, in the place of the one that was set before."""
        self._count += 1
        if due is Due.SUSPECT:
            self._silences[subject] = self._count
            self._put_off.pop(subject, None)
        heapq.heappush(self._mono, (when_ms, self._count, due, subject))

    def at_wall(self, when_ms: int, due: Due, subject: str = "") -> None:
        """Set a timer for a moment of civil time."""
        self._count += 1
        heapq.heappush(self._wall, (when_ms, self._count, due, subject))

    def put_off_silence(self, agent: str, when_ms: int) -> None:
        """Let the time-out of *agent*'s silence, which is set, come as late as *when_ms*."""
        self._put_off[agent] = when_ms

    def _move_head(self) -> None:
        """Put time-outs that come to the head where they were put off to; drop those replaced.

        A moved one keeps its number. So of those that are due at once the order does not depend on
        when somebody asked what is due next.
        """
        heap, put_off = self._mono, self._put_off
        while heap and heap[0][2] is Due.SUSPECT:
            set_ms, number, due, agent = heap[0]
            if self._silences[agent] != number:
                heapq.heappop(heap)
                continue
            when_ms = put_off.pop(agent, set_ms)
            if when_ms <= set_ms:
                break
            heapq.heapreplace(heap, (when_ms, number, due, agent))

    def pop_due(self, now: Instant) -> Iterator[tuple[Due, str]]:
        """Take out, in order, what is due at *now*."""
        self._move_head()
        heap = self._mono
        while heap and heap[0][0] <= now.mono_ms:
            _, _, due, subject = heapq.heappop(heap)
            yield due, subject
            self._move_head()
        heap = self._wall
        while heap and heap[0][0] <= now.wall_ms:
            _, _, due, subject = heapq.heappop(heap)
            yield due, subject

    def next_in_ms(self, now: Instant) -> int | None:
        """Say how long until something is due; ``None`` if nothing ever is."""
        self._move_head()
        mono, wall = self._mono, self._wall
        if not mono:
            return max(0, wall[0][0] - now.wall_ms) if wall else None
        wait_ms = mono[0][0] - now.mono_ms
        if wall and wall[0][0] - now.wall_ms < wait_ms:
            wait_ms = wall[0][0] - now.wall_ms
        return max(0, wait_ms)

    def __len__(self) -> int:
        return len(self._mono) + len(self._wall)
