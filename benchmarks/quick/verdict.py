"""Compares what was counted with what was counted before; a figure is better the lower it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

TOLERANCE_PCT: Final = 20
OF_ONE_PYTHON: Final = ("instructions", "memory")
"""Words of figures that are another's on another Python; everything else is the same on all."""
WRITE: Final = "make bench-quick ARGS=--write"


@dataclass(frozen=True)
class Baseline:
    python: str
    """The first two numbers of the version that it was counted on."""
    figures: Mapping[str, float]


@dataclass(frozen=True)
class Line:
    """One figure beside its baseline."""

    name: str
    found: float
    before: float | None
    is_judged: bool

    @property
    def change_pct(self) -> float | None:
        if not self.before:
            return None
        return 100 * (self.found / self.before - 1)

    @property
    def fault(self) -> str | None:
        """What is wrong, in a sentence."""
        if not self.is_judged:
            return None
        if self.before is None:
            return f"{self.name} has no baseline; found {self.found:,.2f}"
        if self.found > self.before * (1 + TOLERANCE_PCT / 100):
            more = "more than none" if self.change_pct is None else f"{self.change_pct:+.0f} %"
            return f"{self.name}: baseline {self.before:,.2f}, found {self.found:,.2f} ({more})"
        return None


def compare(found: Mapping[str, float], baseline: Baseline, python: str) -> list[Line]:
    """Put every figure of *found* beside its baseline; *python* is the version it is of."""
    return [
        Line(
            name,
            value,
            baseline.figures.get(name),
            python == baseline.python or not any(word in name for word in OF_ONE_PYTHON),
        )
        for name, value in found.items()
    ]


def missing(found: Mapping[str, float], baseline: Baseline) -> list[str]:
    """Say which figures there were and are no longer: nothing holds them any more."""
    return [f"{name} is no longer counted" for name in baseline.figures if name not in found]
