"""What a fleet did, in figures: use, waits, failures and running time, by agent and by mode.

Everything is computed from the attempts of a span of time; what was still running at its end
counts up to there, and what began before it counts from there.
"""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from coordinator.core.civil import Period, days_between

RUNNING: Final = "running"
"""The outcome of an attempt that has none yet."""
HOUR_MS: Final = 3_600_000

Group = Literal["agent", "mode"]


class Run(NamedTuple):
    """One attempt. ``wait_ms`` is how long its task had waited when it was lent, the first time."""

    task: str
    name: str
    mode: str
    agent: str
    outcome: str
    offered_ms: int
    started_ms: int | None
    ended_ms: int
    ran_ms: int
    wait_ms: int | None = None
    fence: int = 1


@dataclass(frozen=True, slots=True)
class Figures:
    """What one agent did, or what was done in one mode."""

    key: str
    runs: int
    """Attempts that have ended."""
    succeeded: int
    failed: int
    ran_ms: int
    """Running time within the span."""
    average_running: float
    """Attempts that ran at once, on average."""
    utilisation: float | None
    """Of an agent: the share of its slots that was used."""
    wait_p50_ms: int | None
    wait_p95_ms: int | None
    run_p50_ms: int | None
    """Of runs that succeeded."""
    run_p95_ms: int | None
    ran_per_day: tuple[int, ...]
    """In the order of the days of the span."""

    @property
    def other(self) -> int:
        """Attempts that neither succeeded nor failed: cancelled, lost, refused."""
        return self.runs - self.succeeded - self.failed

    @property
    def failure_rate(self) -> float | None:
        """The share that failed of what succeeded or failed."""
        decided = self.succeeded + self.failed
        return self.failed / decided if decided else None


class Failures(NamedTuple):
    """How often one mode failed on one agent."""

    agent: str
    mode: str
    runs: int
    failed: int


class Lost(NamedTuple):
    """How much of agents' time was lost for one reason."""

    code: str
    agent_hours: float


def figures(
    runs: Sequence[Run],
    group: Group,
    span: Period,
    days: Sequence[Period],
    slots: Mapping[str, int],
) -> list[Figures]:
    """Return the figures of *span* by *group*, the busiest first; agents of *slots* always."""
    grouped: defaultdict[str, list[Run]] = defaultdict(list)
    if group == "agent":
        for agent in slots:
            grouped[agent] = []
    for run in runs:
        grouped[run.agent if group == "agent" else run.mode].append(run)
    made = [
        _figures(key, own, span, days, slots.get(key, 1) if group == "agent" else None)
        for key, own in grouped.items()
    ]
    return sorted(made, key=lambda one: (-one.ran_ms, one.key))


def _figures(
    key: str, runs: Iterable[Run], span: Period, days: Sequence[Period], slots: int | None
) -> Figures:
    ended = succeeded = failed = ran_ms = 0
    waits: list[int] = []
    lengths: list[int] = []
    per_day = [0] * len(days)
    begins = [day.start_ms for day in days]
    for run in runs:
        if run.outcome != RUNNING and span.holds(run.ended_ms):
            ended += 1
            succeeded += run.outcome == "succeeded"
            failed += run.outcome == "failed"
            if run.outcome == "succeeded":
                lengths.append(run.ran_ms)
        if run.wait_ms is not None and span.holds(run.offered_ms):
            waits.append(run.wait_ms)
        # It ran without a break as far as is known: a pause shortens it at its end.
        start_ms = run.started_ms if run.started_ms is not None else run.ended_ms - run.ran_ms
        end_ms = min(run.ended_ms, start_ms + run.ran_ms)
        ran_ms += span.overlap_ms(start_ms, end_ms)
        start_ms, end_ms = max(start_ms, span.start_ms), min(end_ms, span.end_ms)
        for n in range(max(0, bisect_right(begins, start_ms) - 1), len(days)):
            if begins[n] >= end_ms:
                break
            per_day[n] += days[n].overlap_ms(start_ms, end_ms)
    length_ms = max(1, span.end_ms - span.start_ms)
    at_once = ran_ms / length_ms
    return Figures(
        key=key,
        runs=ended,
        succeeded=succeeded,
        failed=failed,
        ran_ms=ran_ms,
        average_running=at_once,
        utilisation=None if slots is None else at_once / max(1, slots),
        wait_p50_ms=quantile(waits, 0.5),
        wait_p95_ms=quantile(waits, 0.95),
        run_p50_ms=quantile(lengths, 0.5),
        run_p95_ms=quantile(lengths, 0.95),
        ran_per_day=tuple(per_day),
    )


def failures(runs: Iterable[Run], span: Period) -> list[Failures]:
    """Count by agent and mode what succeeded or failed in *span*, the worst first."""
    counts: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for run in runs:
        if run.outcome in {"succeeded", "failed"} and span.holds(run.ended_ms):
            counts[run.agent, run.mode][0] += 1
            counts[run.agent, run.mode][1] += run.outcome == "failed"
    made = [Failures(agent, mode, *count) for (agent, mode), count in counts.items()]
    return sorted(made, key=lambda one: (-one.failed, one.agent, one.mode))


def quantile(values: Iterable[int], share: float) -> int | None:
    """Return the least value that *share* of *values* does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def days_of(span: Period, zone: str, day_start_min: int = 0) -> tuple[Period, ...]:
    """Return the civil days of *span*, whole."""
    return tuple(days_between(span.start_ms, span.end_ms, zone, day_start_min))
