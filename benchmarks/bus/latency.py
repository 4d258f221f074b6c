"""Dispatch latency of an idle fleet: from just before a task is submitted until its handler runs.

Both moments are read from the same clock, in two processes of this machine.
"""

import math
from dataclasses import dataclass

from benchmarks.bus.scene import fleet_on
from tests.support.bus_client import BusClient
from tests.support.fleet_process import machine_now


@dataclass(frozen=True)
class Latency:
    samples: int
    p50_ms: float
    p99_ms: float


def measure(kind: str, samples: int, agents: int, coordinator: str = "coordinator") -> Latency:
    names = [f"Agent-{n}" for n in range(agents)]
    with (
        fleet_on(kind, names, "--capability", "noop", coordinator=coordinator) as fleet,
        BusClient(fleet.where, "bench") as client,
    ):
        submitted: dict[str, float] = {}
        for n in range(samples):
            at = machine_now()
            task = client.create(f"noop {n}", "noop", cancel_grace_s=5.0)
            submitted[task] = at
            client.wait_for(f"tasks/{task}", status="completed")
        waits = sorted(1000 * (run.begin - submitted[run.task]) for run in fleet.runs())
    assert len(waits) == samples
    return Latency(samples, _quantile(waits, 0.5), _quantile(waits, 0.99))


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
