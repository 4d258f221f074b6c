"""fleetbus as it is measured beside its peers: as many agents as they have worker processes."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import psutil

from benchmarks.bus import latency, submission, throughput
from benchmarks.bus.durability import CAREFUL, CARELESS
from benchmarks.bus.scene import fleet_on
from benchmarks.peers.contenders import WORKERS
from tools.compiled_code import compiled_code

SLOTS: Final = 16
"""How much an agent may hold at once; the peers' workers fetch ahead as well."""


@dataclass(frozen=True)
class Ours:
    """One way to run us: on which broker, and how well each state change is kept."""

    name: str
    broker: str
    coordinator: str
    keeps: str
    is_compiled: bool = False
    """Whether the coordinator is the compiled wheel's."""


WAYS: Final = (
    Ours("fleetbus", "mosquitto", CAREFUL, "on disk before it is answered (fsync)"),
    Ours(
        "fleetbus (compiled)",
        "mosquitto",
        CAREFUL,
        "on disk before it is answered (fsync)",
        is_compiled=True,
    ),
    Ours("fleetbus (no fsync)", "mosquitto", CARELESS, "in the system's page cache"),
)


def measure(way: Ours, tasks: int, samples: int) -> dict[str, float]:
    """Run a fleet, and measure what the peers are measured by."""
    with _code_of(way):
        return _measure(way, tasks, samples)


@contextlib.contextmanager
def _code_of(way: Ours) -> Iterator[None]:
    """Let the parts of a fleet take the code that *way* names, which is built first."""
    before = os.environ.get("PYTHONPATH", "")
    if way.is_compiled:
        os.environ["PYTHONPATH"] = str(compiled_code())
    try:
        yield
    finally:
        os.environ["PYTHONPATH"] = before


def _measure(way: Ours, tasks: int, samples: int) -> dict[str, float]:
    whole = throughput.measure(way.broker, tasks, WORKERS, SLOTS, way.coordinator)
    waits = latency.measure(way.broker, samples, WORKERS, way.coordinator)
    with fleet_on(way.broker, (), coordinator=way.coordinator) as fleet:
        submitted = submission.over_the_bus(fleet, tasks, 1)
    return {
        "tasks_per_s": whole.tasks_per_s,
        "submit_per_s": submitted,
        "idle_p50_ms": waits.idle_p50_ms,
        "idle_p99_ms": waits.idle_p99_ms,
        "row_p50_ms": waits.row_p50_ms,
        "row_p99_ms": waits.row_p99_ms,
        "memory_mib": _memory_mib(way),
    }


def _memory_mib(way: Ours) -> float:
    names: Sequence[str] = [f"Agent-{n}" for n in range(WORKERS)]
    with contextlib.ExitStack() as stack:
        fleet = stack.enter_context(fleet_on(way.broker, names))
        pids = [fleet.part(name).process.pid for name in names]
        return float(sum(psutil.Process(pid).memory_info().rss for pid in pids) / 2**20)
