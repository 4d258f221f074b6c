"""Dispatch latency: from just before a task is asked for until its handler runs.

Both moments are read from the same clock, in two processes of this machine. Each task is asked for
when the one before it is known to be over, with a pause before it or without: what has not run for
a while finds neither its code nor its data in the processor's caches.
"""

import math
import time
from dataclasses import dataclass
from typing import Final

from benchmarks.bus.asker import Asker
from benchmarks.bus.scene import fleet_on
from tests.support.fleet_process import machine_now

IDLE_S: Final = 0.05
"""For so long an idle fleet has had nothing to do."""
WARMING_UP: Final = 20
"""Tasks that are not counted; the peers have as many."""


@dataclass(frozen=True)
class Latency:
    samples: int
    idle_p50_ms: float
    idle_p99_ms: float
    row_p50_ms: float
    """Of tasks in a row, without a pause."""
    row_p99_ms: float


def measure(kind: str, samples: int, agents: int, coordinator: str = "coordinator") -> Latency:
    names = [f"Agent-{n}" for n in range(agents)]
    idle: dict[str, float] = {}
    in_a_row: dict[str, float] = {}
    with (
        fleet_on(kind, names, "--capability", "noop", coordinator=coordinator) as fleet,
        Asker(fleet.where) as asker,
    ):
        for _ in range(WARMING_UP):
            asker.do("noop")
        for asked, pause_s in ((in_a_row, 0.0), (idle, IDLE_S)):
            for _ in range(samples):
                time.sleep(pause_s)
                at = machine_now()
                asked[asker.do("noop")] = at
        begun = {run.task: run.begin for run in fleet.runs()}
    waits = sorted(1000 * (begun[task] - at) for task, at in idle.items())
    row_waits = sorted(1000 * (begun[task] - at) for task, at in in_a_row.items())
    return Latency(
        samples,
        _quantile(waits, 0.5),
        _quantile(waits, 0.99),
        _quantile(row_waits, 0.5),
        _quantile(row_waits, 0.99),
    )


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
