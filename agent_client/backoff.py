"""How long to wait before the next connection: full jitter, and patience with a refusal.

A fleet that lost its broker must not come back in step, and a password that was wrong does not
get right by trying it every second.
"""

from random import Random
from typing import Final

FIRST_MS: Final = 500
LONGEST_MS: Final = 60_000
REFUSED_FROM_MS: Final = 60_000
REFUSED_TO_MS: Final = 300_000
STABLE_MS: Final = 10_000
"""A connection that lived shorter does not start the count again: two processes that take the
same name from each other must get slower, or neither would ever state itself."""


class Backoff:
    """Counts failures and draws delays."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._failures = 0

    def lived(self, ms: int) -> None:
        """Note how long a connection lived."""
        if ms >= STABLE_MS:
            self._failures = 0

    def next_ms(self, *, refused: bool = False) -> int:
        """Draw the next delay."""
        if refused:
            return self._random.randint(REFUSED_FROM_MS, REFUSED_TO_MS)
        ceiling = min(LONGEST_MS, FIRST_MS << min(self._failures, 16))
        self._failures += 1
        return self._random.randint(0, ceiling)
