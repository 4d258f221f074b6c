"""Counts the messages that could not be read, by reason, and mentions them rarely.

A peer that sends nonsense harms only itself: nothing stops, and the log is not flooded.
"""

import logging
from collections import Counter
from typing import Final

from protocol.errors import BadPayload

log = logging.getLogger("fleetbus.agent")

LOG_EVERY_MS: Final = 60_000
SHOWN_BYTES: Final = 200


class Dropped:
    """The dropped messages of this process."""

    def __init__(self) -> None:
        self.by_reason: Counter[str] = Counter()
        self._logged_ms: dict[str, int] = {}

    def count(self, topic: str, payload: bytes, error: BadPayload, now: int) -> None:
        """Count one message, and log it unless its reason was logged within the last minute."""
        reason = error.reason.value
        self.by_reason[reason] += 1
        last = self._logged_ms.get(reason)
        if last is None or now - last >= LOG_EVERY_MS:
            self._logged_ms[reason] = now
            log.warning(
                "dropped a message on %s (%s; %d so far): %r",
                topic,
                error,
                self.by_reason[reason],
                payload[:SHOWN_BYTES],
            )
