"""A large fleet on mosquitto: ``python -m benchmarks.fleet --agents 10000 --minutes 10``.

All agents register at once, then send a heartbeat and metrics every 10 s while tasks flow; then
every connection is lost at once; then a tenth of the agents dies without a word. What is judged:
nobody is called lost who is there, and how long an answer takes.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import io
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.fleet.bot import HEARTBEAT_S, Bot
from benchmarks.fleet.generator import Generator
from tests.support.bus_client import BusClient, Where
from tests.support.fleet_process import Fleet, broker_for_a_fleet

LEASE_S = 60.0
_GIVE_UP_AFTER_S = 120.0


@dataclass
class Figures:
    agents: int
    registered_s: float
    minutes: float
    tasks_completed: int
    heartbeat_lag_p50_ms: float
    heartbeat_lag_p99_ms: float
    falsely_lost: int
    coordinator_core_pct: float
    coordinator_mib: float
    back_after_storm_s: float
    deaths_declared_s: float


async def measure(kind: str, agents: int, minutes: float, tasks_per_s: float) -> Figures:
    bots = {f"Bot-{n}": Bot(f"Bot-{n}") for n in range(agents)}
    with _coordinator(kind) as fleet, BusClient(fleet.where, topics="coordinator/+") as watcher:
        process = psutil.Process(fleet.part("coordinator").process.pid)
        where, generator = fleet.where, Generator(fleet.where, bots)
        await _until(lambda: watcher.latest("coordinator/presence").get("state") == "online")
        await generator.connect()
        began = time.monotonic()
        await generator.state_all()
        await _until(lambda: _idle(watcher) == agents)
        registered_s = time.monotonic() - began
        async with asyncio.TaskGroup() as group:
            beating = group.create_task(generator.beat(), name="beat")
            generator.lags.clear()
            cpu, since = _cpu(process), time.monotonic()
            lost = await _work(watcher, where, minutes, tasks_per_s)
            core_pct = 100 * (_cpu(process) - cpu) / (time.monotonic() - since)
            lags = sorted(generator.lags)
            memory = process.memory_info().rss / 2**20
            began = time.monotonic()
            await generator.storm()
            await _until(lambda: all(not bot.beats for bot in bots.values()))
            await _until(lambda: _idle(watcher) == agents)
            back_s = time.monotonic() - began
            began = time.monotonic()
            generator.silent = set(list(bots)[: agents // 10])
            await _until(lambda: _idle(watcher) == agents - agents // 10)
            declared_s = time.monotonic() - began
            beating.cancel()
        await generator.close()
    return Figures(
        agents=agents,
        registered_s=registered_s,
        minutes=minutes,
        tasks_completed=sum(bot.done for bot in bots.values()),
        heartbeat_lag_p50_ms=1000 * lags[len(lags) // 2],
        heartbeat_lag_p99_ms=1000 * lags[len(lags) * 99 // 100],
        falsely_lost=lost,
        coordinator_core_pct=core_pct,
        coordinator_mib=memory,
        back_after_storm_s=back_s,
        deaths_declared_s=declared_s,
    )


async def _work(watcher: BusClient, where: Where, minutes: float, tasks_per_s: float) -> int:
    """Let tasks flow; return the most agents that were called offline meanwhile."""
    end, worst, n = time.monotonic() + 60 * minutes, 0, 0
    with BusClient(where, "load", topics="replies/load") as client:
        while time.monotonic() < end:
            for _ in range(max(1, round(tasks_per_s / 10))):
                spec = {"name": f"flow {n % 50}", "mode": "noop"}
                request = {"request_id": str(n), "op": "create", "spec": spec}
                client.say("submit/load", json.dumps(request).encode())
                n += 1
            summary = watcher.latest("coordinator/summary")
            worst = max(worst, summary["agents_by_status"].get("offline", 0))
            await asyncio.sleep(0.1)
    return worst


def _idle(watcher: BusClient) -> int:
    """Count the agents that are there, by the newest summary."""
    count: int = watcher.latest("coordinator/summary").get("online_agents", 0)
    return count


async def _until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(_GIVE_UP_AFTER_S):
        while not done():  # noqa: ASYNC110 -- it looks at what another thread has heard
            await asyncio.sleep(0.02)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@contextlib.contextmanager
def _coordinator(kind: str) -> Iterator[Fleet]:
    plan = {
        "fleet_name": "Large",
        "agents": [],
        "leases": {"heartbeat": HEARTBEAT_S, "lease_s": LEASE_S, "margin_s": 2.0},
    }
    with tempfile.TemporaryDirectory(prefix="fleetbus-bench-") as place:
        folder = Path(place)
        with broker_for_a_fleet(kind, folder) as where:
            (folder / "plan.json").write_text(json.dumps(plan))
            fleet = Fleet(where, folder)
            fleet.record.touch()
            try:
                fleet.start_coordinator()
                yield fleet
            finally:
                for part in fleet.parts:
                    part.end()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--broker", default="mosquitto", help="embedded or mosquitto (default)")
    parser.add_argument("--agents", type=int, default=10_000, help="agents (default 10000)")
    parser.add_argument("--minutes", type=float, default=1.0, help="of work (default 1)")
    parser.add_argument("--tasks", type=float, default=100.0, help="tasks per second (default 100)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with contextlib.redirect_stdout(io.StringIO()):
        found = asyncio.run(measure(given.broker, given.agents, given.minutes, given.tasks))
    figures = dataclasses.asdict(found)
    if given.json:
        print(json.dumps(figures, indent=2))
        return 0
    for name, value in figures.items():
        print(f"| {name.replace('_', ' ')} | {value:,.1f} |")
    return 0


sys.exit(main())
