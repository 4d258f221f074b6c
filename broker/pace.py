"""How fast one client may speak: a bucket of tokens, refilled steadily; a packet takes one.

A client that has overdrawn is not read from until its debt is paid, so what it sends piles up on
its own side. One that keeps overdrawing is broken or hostile and loses its connection. Buckets
outlive connections, or a flood would only have to connect again. Pure; time is the caller's.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

REMEMBERED: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Several times what an agent with very short tasks says; a coordinator has no pace."""

    per_second: float = 2_000.0
    burst: int = 10_000
    patience: timedelta = timedelta(seconds=10)
    """How long a client may overdraw again and again before its connection ends."""


class Bucket:
    """One client's tokens."""

    __slots__ = ("_at", "_overdrawn_since", "_pace", "_tokens")

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._tokens = float(pace.burst)
        self._at = 0.0
        self._overdrawn_since: float | None = None

    def take(self, packets: int, now: float) -> float:
        """Take a token for each of *packets*; return how many seconds to read nothing now."""
        pace = self._pace
        self._tokens = min(pace.burst, self._tokens + (now - self._at) * pace.per_second)
        self._at = now
        if self._tokens >= pace.burst / 2:
            self._overdrawn_since = None
        self._tokens -= packets
        if self._tokens >= 0:
            return 0.0
        if self._overdrawn_since is None:
            self._overdrawn_since = now
        return -self._tokens / pace.per_second

    def is_flooding(self, now: float) -> bool:
        """Say whether the client has overdrawn for longer than anyone may."""
        since = self._overdrawn_since
        return since is not None and now - since >= self._pace.patience.total_seconds()


class Paces:
    """Buckets by name; the longest unused one makes room."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._buckets: dict[str, Bucket] = {}

    def of(self, name: str) -> Bucket:
        """Return the bucket of *name*, full if it is new."""
        bucket = self._buckets.pop(name, None) or Bucket(self._pace)
        if len(self._buckets) >= REMEMBERED:
            del self._buckets[next(iter(self._buckets))]
        self._buckets[name] = bucket
        return bucket
