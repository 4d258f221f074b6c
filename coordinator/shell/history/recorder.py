"""Gathering samples into buckets in memory, and writing those that are full.

One bucket of every series and level is open at a time, so memory and writes are bounded by the
number of series, not by how often is measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from coordinator.core.series import Bucket, Level, first, levels
from coordinator.shell.history.store import HistoryStore, SeriesKey

MOST_SERIES: Final = 100_000


@dataclass(slots=True)
class Recorder:
    """Keeps the open buckets. One thread at a time uses it."""

    store: HistoryStore
    keep_s: float
    """How long the plan wants metrics to be kept."""
    _open: dict[int, dict[SeriesKey, Bucket]] = field(default_factory=dict)
    _full: list[tuple[int, dict[SeriesKey, Bucket]]] = field(default_factory=list)
    _known: set[SeriesKey] = field(default_factory=set)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The resolutions that are kept of so many series."""
        return levels(self.keep_s, len(self._known))

    def sample(self, values: Mapping[SeriesKey, float], now_s: int) -> None:
        """Take in what was measured at *now_s*; series beyond the bound are not kept."""
        room = MOST_SERIES - len(self._known)
        fresh = [key for key in values if key not in self._known][: max(room, 0)]
        self._known.update(fresh)
        for level in self.levels:
            open_ = self._open.setdefault(level.step_s, {})
            at_s = now_s - now_s % level.step_s
            closed: dict[SeriesKey, Bucket] = {}
            for key, value in values.items():
                bucket = open_.get(key)
                if bucket is not None and bucket.at_s == at_s:
                    open_[key] = bucket.with_value(value)
                    continue
                if bucket is not None:
                    closed[key] = bucket
                if key in self._known:
                    open_[key] = first(at_s, value)
            if closed:
                self._full.append((level.step_s, closed))

    def flush(self) -> None:
        """Write what is full. Raises :class:`StoreUnavailable`; then it may be tried again."""
        while self._full:
            self.store.write(*self._full[0])
            del self._full[0]

    def close(self) -> None:
        """Write everything, full or not."""
        self._full += [(step_s, open_) for step_s, open_ in self._open.items() if open_]
        self._open = {}
        self.flush()

    def drop_backlog(self, most: int = 30) -> int:
        """Let go of the oldest that could not be written for long; return how much that was."""
        gone = max(0, len(self._full) - most)
        del self._full[:gone]
        return gone
