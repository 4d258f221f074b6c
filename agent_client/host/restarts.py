"""When a part that ended is started again. Pure: ends in, a moment or a refusal out.

A part that fails again and again fails for a reason that starting it cannot mend. So the wait
doubles with each end inside the window, and after a few of them somebody must look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Restarts:
    """How often a part is started again: at most *limit* times within *window_s*."""

    limit: int
    window_s: float
    first_s: float
    longest_s: float

    def next_start(self, ends: Sequence[float]) -> float | None:
        """Say when to start again after *ends*, the newest last; ``None`` is never."""
        now = ends[-1]
        recent = sum(end > now - self.window_s for end in ends)
        if recent > self.limit:
            return None
        return now + min(self.longest_s, self.first_s * 2.0 ** (recent - 1))


OF_AN_AGENT: Final = Restarts(limit=8, window_s=600, first_s=1, longest_s=30)
"""A bot may wait long for what it depends on; the fleet runs on without it meanwhile."""
OF_THE_CORE: Final = Restarts(limit=4, window_s=60, first_s=0.5, longest_s=4)
"""Nothing runs without the broker and the coordinator, so it is soon one thing or the other."""
