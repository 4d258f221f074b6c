"""What waits to be decided, in the order in which it came."""

import asyncio
from collections import Counter, deque
from collections.abc import Sequence
from typing import Final

from coordinator.core.events import Event

INBOX_EVENTS: Final = 200_000
BATCH_EVENTS: Final = 2_000


class Inbox:
    """A bounded queue of events, and a wait for there being something to do."""

    __slots__ = ("_dropped", "events", "something")

    def __init__(self, dropped: "Counter[str]") -> None:
        """Count in *dropped*, by reason, what is not decided."""
        self._dropped = dropped
        self.events: deque[Event] = deque()
        self.something: Final = asyncio.Event()
        """Set when something came that nobody has looked at yet."""

    def tell(self, event: Event) -> None:
        """Let *event* be decided soon. Called in the loop's thread."""
        if len(self.events) >= INBOX_EVENTS:
            self.count_dropped("inbox_full")
            return
        self.events.append(event)
        self.something.set()

    def count_dropped(self, reason: str) -> None:
        """Count a message that nobody decides about; the summary tells it soon."""
        self._dropped[reason] += 1
        self.something.set()

    def take(self) -> list[Event]:
        """Take out what one batch decides."""
        events = self.events
        if len(events) <= BATCH_EVENTS:
            taken = list(events)
            events.clear()
            self.something.clear()
        else:
            taken = [events.popleft() for _ in range(BATCH_EVENTS)]
        return taken

    def put_first(self, events: Sequence[Event]) -> None:
        """Let *events* be decided before all others, in their order."""
        self.events.extendleft(reversed(events))
        self.something.set()

    async def wait(self, at_most_ms: int) -> None:
        """Wait until there is something, or for so long."""
        try:
            async with asyncio.timeout(at_most_ms / 1000):
                await self.something.wait()
        except TimeoutError:
            pass
