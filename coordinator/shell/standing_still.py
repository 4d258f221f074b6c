"""Whether the loop stood still, and for how long nobody can be blamed for having said nothing.

A process that is stopped, or not given a processor, notices only that it woke too late. When it
fell asleep it cannot know: it may have been as soon as it began to wait. What was said meanwhile
is in sockets that nobody has looked at, so no part of that time is anybody's silence.
"""

from typing import Final

from coordinator.core.events import Stalled
from coordinator.core.instant import Instant

STALL_MS: Final = 1_000


def stood_still(idle_from: Instant, now: Instant, waited_ms: int) -> Stalled | None:
    """Say for how long a loop may have stood still that meant to wait for *waited_ms* at most."""
    gone_ms = now.mono_ms - idle_from.mono_ms
    return Stalled(gone_ms) if gone_ms - waited_ms > STALL_MS else None
