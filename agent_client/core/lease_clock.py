"""When each heartbeat was sent, and so how long a grant that refers to it is good.

A grant counts from the sending of the heartbeat that it answers, never from its own arrival:
however late it comes, the agent stops before the coordinator may give the task to another.
"""

from typing import Final

REMEMBERED: Final = 1024
"""Far more heartbeats than any lease is long; a grant as of an older one is worthless."""


class LeaseClock:
    """The times at which the heartbeats of this boot were sent."""

    def __init__(self) -> None:
        self.seq = 0
        self._sent_ms: dict[int, int] = {}

    def sent(self, now: int) -> int:
        """Give the heartbeat that is sent now its number."""
        self.seq += 1
        self._sent_ms[self.seq] = now
        self._sent_ms.pop(self.seq - REMEMBERED, None)
        return self.seq

    def age_ms(self, seq: int, now: int) -> int | None:
        """Say how long ago heartbeat *seq* was sent, if it is remembered."""
        sent = self._sent_ms.get(seq)
        return None if sent is None else max(0, now - sent)

    def deadline(self, as_of: int, lease_s: float, margin_s: float) -> int | None:
        """Until when a grant as of heartbeat *as_of* is good; None if that was never sent."""
        sent = self._sent_ms.get(as_of)
        # Rounding down errs on the side of stopping early.
        return None if sent is None else sent + int((lease_s - margin_s) * 1000)
