"""What the fleet learns from its runs: how long a mode takes on an agent, and how often it works.

An estimate says what it rests on: the runs of this mode on this agent if there are a few, else
those of the mode on any agent, else what the author of the task said, else nothing. Memory is
bounded: of each pair a sketch, and the pair that was not seen for longest makes room.
"""

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from coordinator.core.quantiles import RELATIVE_ERROR, Sketch
from protocol.vocabulary import ReportEvent

HALF_LIFE: Final = 50
"""After so many runs, those before count half as much."""
FEW: Final = 5
"""Fewer runs than these say too little."""
MOST_KEPT: Final = 20_000
"""How many modes, and how many pairs of a mode and an agent, are remembered."""

_PRIOR_RUNS: Final = 2.0
_FADE: Final = 2.0 ** (-1 / HALF_LIFE)


class Expectation(NamedTuple):
    """How long something is expected to take, and what that rests on."""

    ms: int
    basis: str


@dataclass(slots=True)
class Pace:
    """What is known of one mode, or of one mode on one agent; old runs fade."""

    durations: Sketch = field(default_factory=lambda: Sketch(HALF_LIFE))
    """Of runs that succeeded: how long a failure took says nothing about how long work takes."""
    succeeded: float = 0.0
    failed: float = 0.0

    def quantile_ms(self, share: float) -> int | None:
        """Return within which time *share* of the runs were done."""
        value = self.durations.quantile(share)
        return None if value is None else round(value)

    @property
    def p50_ms(self) -> int | None:
        """The median."""
        return self.quantile_ms(0.5)

    @property
    def p90_ms(self) -> int | None:
        """What one run in ten exceeds."""
        return self.quantile_ms(0.9)

    @property
    def p99_ms(self) -> int | None:
        """What one run in a hundred exceeds."""
        return self.quantile_ms(0.99)

    def success_rate(self, prior: float = 0.5) -> float:
        """Return the share of runs that succeed; with few runs it stays close to *prior*."""
        runs = self.succeeded + self.failed
        return (self.succeeded + _PRIOR_RUNS * prior) / (runs + _PRIOR_RUNS)

    def observe(self, ran_ms: int, *, has_succeeded: bool) -> None:
        """Take in one run."""
        self.succeeded *= _FADE
        self.failed *= _FADE
        if has_succeeded:
            self.succeeded += 1
            self.durations.observe(ran_ms)
        else:
            self.failed += 1


@dataclass(slots=True)
class Accuracy:
    """How good the estimates were: each is compared with the run before the run is learnt."""

    ratios: Sketch = field(default_factory=lambda: Sketch(HALF_LIFE * 20))
    """The larger of expected and actual, divided by the smaller: 1 is a perfect estimate."""
    within_p90: float = 0.0
    compared: float = 0.0

    def compare(self, pace: Pace, ran_ms: int) -> None:
        """Compare what *pace* would have said with how long it took."""
        expected_ms, bound_ms = pace.p50_ms, pace.p90_ms
        if expected_ms is None or bound_ms is None:
            return
        low, high = sorted((max(1, expected_ms), max(1, ran_ms)))
        self.ratios.observe(high / low)
        fade = 2.0 ** (-1 / (HALF_LIFE * 20))
        is_within = ran_ms * (1 - RELATIVE_ERROR) <= bound_ms  # no more is known of the bound
        self.within_p90 = self.within_p90 * fade + is_within
        self.compared = self.compared * fade + 1

    @property
    def p90_coverage(self) -> float | None:
        """The share of runs that were done within the 90th percentile: 0.9 if all is well."""
        return self.within_p90 / self.compared if self.compared else None


@dataclass(slots=True)
class History:
    """The pace of every mode and of every mode on every agent, by key."""

    paces: dict[str, Pace] = field(default_factory=dict)
    """The key of a mode is its name; that of a pair is ``<mode>/<agent>``. Oldest first."""
    accuracy: Accuracy = field(default_factory=Accuracy)

    def observe(self, mode: str, agent: str, ran_ms: int, outcome: str) -> tuple[str, ...]:
        """Learn from an attempt that ended; return the keys whose records changed or are gone.

        Only success and failure teach: who cancelled, lost or refused a task says nothing of it.
        """
        if outcome not in {ReportEvent.SUCCEEDED, ReportEvent.FAILED}:
            return ()
        has_succeeded = outcome == ReportEvent.SUCCEEDED
        if has_succeeded and (known := self._known(mode, agent)) is not None:
            self.accuracy.compare(known[0], ran_ms)
        keys = [mode, _key(mode, agent)]
        for key in keys:
            pace = self.paces.pop(key, None) or Pace()
            pace.observe(ran_ms, has_succeeded=has_succeeded)
            self.paces[key] = pace
        while len(self.paces) > MOST_KEPT:
            oldest = next(iter(self.paces))
            del self.paces[oldest]
            keys.append(oldest)
        return tuple(keys)

    def pace(self, mode: str, agent: str | None = None) -> Pace:
        """Return what is known of *mode*, on *agent* if it is given; nothing is an empty pace."""
        return self.paces.get(_key(mode, agent)) or Pace()

    def expected_ms(
        self, mode: str, agent: str | None, estimated_ms: int | None = None, share: float = 0.5
    ) -> Expectation | None:
        """Say within which time a run is done with probability *share*, or ``None``."""
        known = self._known(mode, agent)
        if known is not None:
            pace, where = known
            ms = pace.quantile_ms(share)
            if ms is not None:
                return Expectation(ms, f"p{share * 100:g} of {pace.durations.count} runs {where}")
        if estimated_ms is not None:
            return Expectation(estimated_ms, "the task's own estimate")
        return None

    def success_rate(self, mode: str, agent: str | None = None) -> float:
        """Return how often *mode* succeeds; an agent is taken for average until it shows."""
        rate = self.pace(mode).success_rate()
        return rate if agent is None else self.pace(mode, agent).success_rate(rate)

    def _known(self, mode: str, agent: str | None) -> tuple[Pace, str] | None:
        for key, where in ((_key(mode, agent), f"on {agent}"), (mode, f"of {mode}")):
            pace = self.paces.get(key)
            if pace is not None and pace.durations.count >= FEW:
                return pace, f"of {mode}" if agent is None else where
        return None


def _key(mode: str, agent: str | None) -> str:
    return mode if agent is None else f"{mode}/{agent}"


def history_record(history: History, key: str) -> dict[str, Any] | None:
    """Write down what is known under *key*; ``None`` if that is nothing any more."""
    pace = history.paces.get(key)
    if pace is None:
        return None
    return {
        "succeeded": pace.succeeded,
        "failed": pace.failed,
        "durations": pace.durations.record(),
    }


def history_from(history: History, key: str, record: dict[str, Any]) -> None:
    """Let *history* know again what was written down under *key*."""
    history.paces[key] = Pace(
        Sketch.read(record["durations"], HALF_LIFE), record["succeeded"], record["failed"]
    )
