"""What it costs to promise: ``synchronous=FULL`` against a store that never waits for the disk.

Both are measured in turns, so that what else this machine does hits both, and the ratio is that of
the medians. The tasks of a burst share commits; an idle fleet pays for each.
"""

import statistics
from dataclasses import dataclass
from typing import Final

from benchmarks.bus import latency, throughput

CARELESS: Final = "benchmarks.bus.careless_coordinator"
CAREFUL: Final = "coordinator"


@dataclass(frozen=True)
class Durability:
    turns: int
    full_tasks_per_s: float
    off_tasks_per_s: float
    throughput_ratio: float
    full_p50_ms: float
    off_p50_ms: float
    full_p99_ms: float
    off_p99_ms: float
    latency_ratio: float
    """Of the medians; below 1, promising is slower."""


def measure(kind: str, tasks: int, samples: int, agents: int, slots: int, turns: int) -> Durability:
    rates: dict[str, list[float]] = {CAREFUL: [], CARELESS: []}
    waits: dict[str, list[latency.Latency]] = {CAREFUL: [], CARELESS: []}
    for turn in range(turns):
        order = [CAREFUL, CARELESS] if turn % 2 == 0 else [CARELESS, CAREFUL]
        for module in order:
            rates[module].append(throughput.measure(kind, tasks, agents, slots, module).tasks_per_s)
        for module in order:
            waits[module].append(latency.measure(kind, samples, agents, module))
    full, off = (statistics.median(rates[module]) for module in (CAREFUL, CARELESS))
    full_p50, off_p50 = (
        statistics.median(wait.idle_p50_ms for wait in waits[module])
        for module in (CAREFUL, CARELESS)
    )
    full_p99, off_p99 = (
        statistics.median(wait.idle_p99_ms for wait in waits[module])
        for module in (CAREFUL, CARELESS)
    )
    return Durability(
        turns=turns,
        full_tasks_per_s=full,
        off_tasks_per_s=off,
        throughput_ratio=full / off,
        full_p50_ms=full_p50,
        off_p50_ms=off_p50,
        full_p99_ms=full_p99,
        off_p99_ms=off_p99,
        latency_ratio=off_p50 / full_p50,
    )
