"""Dispatch with many tasks that wait: ``python -m benchmarks.pending``, a million at most.

One coordinator, its store with ``synchronous=FULL``; tasks are created through the bus, a thousand
in one request. At each depth agents end their tasks: one after the other, from the report to the
next assignment as the agent hears it; and all of them as fast as they can. Ratios are to the depth
before, in one run.
"""

import argparse
import asyncio
import contextlib
import io
import json
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from typing import Final

import psutil

from benchmarks.bus.scene import cpu_seconds, fleet_on
from benchmarks.pending.crew import Crew, crew_of
from tests.support.bus_client import BusClient
from tests.support.fleet_process import Fleet

AT_ONCE: Final = 1_000
PRIORITIES: Final = ("high", "normal", "normal", "low")
NAMES: Final = 50


@dataclass(frozen=True)
class Depth:
    pending: int
    created_per_s: float
    next_task_p50_ms: float
    """From a report to the next assignment, one after the other."""
    next_task_p99_ms: float
    busy_tasks_per_s: float
    busy_coordinator_us_per_task: float
    coordinator_mib: float


async def measure(kind: str, depths: list[int], agents: int, samples: int) -> list[Depth]:
    found = []
    waiting = -agents  # everybody takes one at once
    with fleet_on(kind, ()) as fleet:
        async with crew_of(fleet.where, agents) as crew:
            for depth in depths:
                print(f"{depth:,} tasks ...", file=sys.stderr)
                rate = await asyncio.to_thread(_create, fleet, depth - waiting)
                taken = min(samples, depth // 4)
                found.append(await _at(fleet, crew, depth, rate, taken))
                waiting = depth - _ends(agents, taken)
    return found


def _create(fleet: Fleet, missing: int) -> float:
    """Create tasks; return how many were created in a second."""
    with BusClient(fleet.where, "bulk", topics="replies/bulk") as client:
        began = time.perf_counter()
        for start in range(0, missing, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, missing))
            specs = [
                {"name": f"task {n % NAMES}", "mode": "noop", "priority": PRIORITIES[n % 4]}
                for n in numbers
            ]
            reply = client.ask("create_many", specs=specs)
            assert reply["ok"], reply
        return missing / (time.perf_counter() - began)


def _ends(agents: int, samples: int) -> int:
    """Return how many tasks are over after a depth was measured."""
    return agents * (samples // 10 // agents) + agents * 2 * (samples // agents)


async def _at(fleet: Fleet, crew: Crew, depth: int, rate: float, samples: int) -> Depth:
    each = samples // len(crew.bots)
    await _all_at_once(crew, samples // 10 // len(crew.bots))  # to warm up
    took_ms = await _one_by_one(crew, each)
    spent_s, began = -cpu_seconds(fleet, "coordinator"), time.perf_counter()
    await _all_at_once(crew, each)
    took_s = time.perf_counter() - began
    spent_s += cpu_seconds(fleet, "coordinator")
    memory = psutil.Process(fleet.part("coordinator").process.pid).memory_info().rss
    return Depth(
        pending=depth,
        created_per_s=rate,
        next_task_p50_ms=statistics.median(took_ms),
        next_task_p99_ms=took_ms[len(took_ms) * 99 // 100],
        busy_tasks_per_s=each * len(crew.bots) / took_s,
        busy_coordinator_us_per_task=1e6 * spent_s / (each * len(crew.bots)),
        coordinator_mib=memory / 2**20,
    )


async def _one_by_one(crew: Crew, each: int) -> list[float]:
    """Let one agent after the other end its task; return how long the next one took, sorted."""
    took_ms = []
    for _ in range(each):
        for agent in crew.bots:
            report, _ = await crew.given(agent)
            at = crew.end(agent, report)
            took_ms.append(1000 * (await crew.is_given(agent) - at))
    return sorted(took_ms)


async def _all_at_once(crew: Crew, each: int) -> None:
    async def go_on(agent: str) -> None:
        for _ in range(each):
            report, _ = await crew.given(agent)
            crew.end(agent, report)
        await crew.is_given(agent)

    await asyncio.gather(*(go_on(agent) for agent in crew.bots))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pending", description=__doc__)
    parser.add_argument("--broker", default="mosquitto", help="embedded or mosquitto (default)")
    parser.add_argument("--depths", type=int, nargs="+", default=[1_000, 20_000, 1_000_000])
    parser.add_argument("--agents", type=int, default=8, help="agents (default 8)")
    parser.add_argument(
        "--samples", type=int, default=2000, help="of each kind, at most (default 2000)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    depths = sorted(given.depths)
    with contextlib.redirect_stdout(io.StringIO()):
        found = asyncio.run(measure(given.broker, depths, given.agents, given.samples))
    rows = [asdict(depth) for depth in found]
    if given.json:
        print(json.dumps(rows, indent=2))
        return 0
    print(f"| {' | '.join(name.replace('_', ' ') for name in rows[0])} | p50 ratio | CPU ratio |")
    print(f"|{' ---: |' * (len(rows[0]) + 2)}")
    for before, row in zip([rows[0], *rows], rows, strict=False):
        cells = [
            f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" for value in row.values()
        ]
        ratios = [
            f"{row[key] / before[key]:.2f}"
            for key in ("next_task_p50_ms", "busy_coordinator_us_per_task")
        ]
        print(f"| {' | '.join([*cells, *ratios])} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
