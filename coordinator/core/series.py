"""Measured series at falling resolution: what is kept of many numbers, and for how long.

A bucket keeps how many there were, their sum, the least and the most; so whatever is made of a
fine series can be made of a coarse one, and no peak is lost.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

DAY_S: Final = 86_400
MOST_ROWS: Final = 2_000_000
"""Of one level: with more series, its rows are kept for a shorter time."""
LEAST_KEPT_S: Final = 1800
"""A level that would be kept for less than this is left out."""


class Bucket(NamedTuple):
    """What was measured from ``at_s`` (seconds since 1970) for the length of its level."""

    at_s: int
    number: int
    total: float
    low: float
    high: float

    @property
    def mean(self) -> float:
        """The average of what was measured."""
        return self.total / self.number

    def with_value(self, value: float) -> "Bucket":
        """Return it with one more number in it."""
        return Bucket(
            self.at_s,
            self.number + 1,
            self.total + value,
            min(self.low, value),
            max(self.high, value),
        )

    def with_bucket(self, other: "Bucket") -> "Bucket":
        """Return both in one, which begins where this one does."""
        return Bucket(
            self.at_s,
            self.number + other.number,
            self.total + other.total,
            min(self.low, other.low),
            max(self.high, other.high),
        )


def first(at_s: int, value: float) -> Bucket:
    """Begin a bucket with its first number."""
    return Bucket(at_s, 1, value, value, value)


def coarser(buckets: Iterable[Bucket], step_s: int) -> list[Bucket]:
    """Put *buckets*, in the order of time, together into such of *step_s*."""
    made: list[Bucket] = []
    for bucket in buckets:
        at_s = bucket.at_s - bucket.at_s % step_s
        if made and made[-1].at_s == at_s:
            made[-1] = made[-1].with_bucket(bucket)
        else:
            made.append(bucket._replace(at_s=at_s))
    return made


@dataclass(frozen=True, slots=True)
class Level:
    """One resolution, and how long it is kept."""

    step_s: int
    keep_s: int


def levels(metrics_kept_s: float, series: int) -> tuple[Level, ...]:
    """Return the levels for so many *series*, finest first; the last one is always there."""
    wanted = (Level(10, DAY_S), Level(60, 7 * DAY_S), Level(900, max(int(metrics_kept_s), DAY_S)))
    found = []
    for level in wanted:
        most_s = MOST_ROWS * level.step_s // max(series, 1)
        keep_s = min(level.keep_s, int(metrics_kept_s) or level.keep_s, most_s)
        if keep_s >= LEAST_KEPT_S or level is wanted[-1]:
            found.append(Level(level.step_s, max(keep_s, level.step_s)))
    return tuple(found)


def best_level(found: Iterable[Level], since_s: int, now_s: int, most: int) -> Level:
    """Choose the finest level that reaches back to *since_s* with at most *most* buckets."""
    known = tuple(found)
    for level in known:
        if now_s - since_s <= level.keep_s and (now_s - since_s) // level.step_s <= most:
            return level
    return known[-1]
