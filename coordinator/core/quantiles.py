"""Quantiles of durations in little memory: buckets that grow by a fixed ratio, and that forget.

Each answer is within 2 % of a value that was seen (the idea of DDSketch). The weight of what was
seen halves with every ``half_life`` values that follow, so that the answers follow changes;
without a half-life nothing is forgotten, and to merge is the same as to have seen it all.
"""

import math
from typing import Any, Final, Self

RELATIVE_ERROR: Final = 0.02
LONGEST: Final = 366 * 86_400_000.0
"""A year in milliseconds; longer values count as this, and shorter than 1 as 1."""

_RATIO: Final = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_LOG_RATIO: Final = math.log(_RATIO)
_HEAVIEST: Final = 2.0**40
_NEGLIGIBLE: Final = 2.0**-30


class Sketch:
    """What is kept of many values: at most some 600 buckets, whatever their number."""

    __slots__ = ("_answers", "_buckets", "_growth", "_weight", "count")

    def __init__(self, half_life: float | None = None) -> None:
        self._buckets: dict[int, float] = {}
        # The newest weighs 1; older ones are not made lighter, but newer ones heavier.
        self._weight = 1.0
        self._growth = 1.0 if half_life is None else 2.0 ** (1 / half_life)
        self._answers: dict[float, float | None] = {}
        """What was answered since the last value was seen: it is asked far more often than told."""
        self.count = 0
        """How many values were ever seen."""

    def observe(self, value: float) -> None:
        """See one more value."""
        bucket = math.ceil(math.log(min(max(value, 1.0), LONGEST)) / _LOG_RATIO)
        self._weight *= self._growth
        self._buckets[bucket] = self._buckets.get(bucket, 0.0) + self._weight
        self._answers.clear()
        self.count += 1
        if self._weight > _HEAVIEST:
            self._buckets = self.weights()
            self._weight = 1.0

    def quantile(self, share: float) -> float | None:
        """Return the value that *share* of what is remembered does not exceed."""
        if share not in self._answers:
            self._answers[share] = self._quantile(share)
        return self._answers[share]

    def _quantile(self, share: float) -> float | None:
        rank = share * (self._total() - self._weight)
        value, passed = None, 0.0
        for bucket in sorted(self._buckets):
            value = 2 * _RATIO**bucket / (_RATIO + 1)
            passed += self._buckets[bucket]
            if passed > rank:
                break
        return value

    def merge(self, other: "Sketch") -> None:
        """See what *other* has seen; the newest of both are equally new."""
        merged = self.weights()
        for bucket, weight in other.weights().items():
            merged[bucket] = merged.get(bucket, 0.0) + weight
        self._buckets, self._weight = merged, 1.0
        self._answers.clear()
        self.count += other.count

    def weights(self) -> dict[int, float]:
        """Return the weight of each bucket, as if the newest value weighed 1."""
        scaled = ((bucket, weight / self._weight) for bucket, weight in self._buckets.items())
        return {bucket: weight for bucket, weight in scaled if weight > _NEGLIGIBLE}

    def _total(self) -> float:
        return math.fsum(self._buckets.values())

    def record(self) -> dict[str, Any]:
        """Write the sketch down, JSON-able."""
        buckets = [[bucket, self._buckets[bucket]] for bucket in sorted(self._buckets)]
        return {"count": self.count, "weight": self._weight, "buckets": buckets}

    @classmethod
    def read(cls, record: dict[str, Any], half_life: float | None = None) -> Self:
        """Read back what was written down."""
        sketch = cls(half_life)
        sketch.count, sketch._weight = record["count"], record["weight"]
        sketch._buckets = dict(record["buckets"])
        return sketch

    def __len__(self) -> int:
        """How many buckets are kept."""
        return len(self._buckets)
