"""A large fleet on mosquitto: ``python -m benchmarks.fleet --agents 10000 --minutes 10``.

All agents register at once, then send a heartbeat and metrics every 10 s while tasks flow; then
every connection is lost at once; then a tenth of the agents dies without a word. What is judged:
nobody is called suspect or lost who is there, and how long an answer takes.

Each agent has a connection of its own, with a last will. ``--shared`` has a few carry all of them,
which leaves more of a small machine to the coordinator, and nobody a will.
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
import uvloop

from benchmarks.bus.scene import process_on
from benchmarks.fleet.bot import HEARTBEAT_S, Bot
from benchmarks.fleet.generator import Generator
from benchmarks.fleet.story import Story
from coordinator.shell.mqtt import Hello, Link
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
    heartbeat_lag_worst_ms: float
    falsely_suspect: int
    falsely_lost: int
    coordinator_core_pct: float
    coordinator_mib: float
    broker_core_pct: float
    back_after_storm_s: float
    """Until everybody was answered, and is healthy and in no doubt."""
    deaths_seen_s: float
    """Until the last of a tenth of the fleet was suspect."""
    deaths_declared_s: float
    """Until their leases were over and they were offline."""


async def measure(
    kind: str, agents: int, minutes: float, tasks_per_s: float, *, is_shared: bool
) -> Figures:
    bots = {f"Bot-{n}": Bot(f"Bot-{n}") for n in range(agents)}
    with (
        _coordinator(kind) as fleet,
        BusClient(fleet.where, topics="coordinator/+") as watcher,
        BusClient(fleet.where, topics="events") as reader,
    ):
        process = psutil.Process(fleet.part("coordinator").process.pid)
        broker = process_on(fleet.where.port)
        where, generator = fleet.where, Generator(fleet.where, bots, is_shared=is_shared)
        story = Story(reader)
        await _until(lambda: watcher.latest("coordinator/presence").get("state") == "online")
        await generator.connect()
        began = time.monotonic()
        await generator.state_all()
        await _until(lambda: _there(watcher) == agents)
        registered_s = time.monotonic() - began
        async with asyncio.TaskGroup() as group:
            beating = group.create_task(generator.beat(), name="beat")
            generator.lags.clear()
            story.look()
            suspected, lost = story.suspected, story.lost
            cpu, broker_cpu, since = _cpu(process), _cpu(broker), time.monotonic()
            await _work(where, minutes, tasks_per_s)
            took_s = time.monotonic() - since
            core_pct = 100 * (_cpu(process) - cpu) / took_s
            broker_pct = 100 * (_cpu(broker) - broker_cpu) / took_s
            story.look()
            suspected, lost = story.suspected - suspected, story.lost - lost
            lags = sorted(generator.lags)
            memory = process.memory_info().rss / 2**20
            began = time.monotonic()
            await generator.storm()
            await _until(lambda: all(not bot.beats for bot in bots.values()))
            await _until(lambda: _healthy(watcher) == agents and not story.look().doubted)
            back_s = time.monotonic() - began
            began = time.monotonic()
            doomed = list(bots)[: agents // 10]
            await generator.die(doomed)
            await _until(lambda: story.look().doubted >= set(doomed))
            seen_s = time.monotonic() - began
            await _until(lambda: _there(watcher) == agents - len(doomed))
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
        heartbeat_lag_worst_ms=1000 * lags[-1],
        falsely_suspect=suspected,
        falsely_lost=lost,
        coordinator_core_pct=core_pct,
        coordinator_mib=memory,
        broker_core_pct=broker_pct,
        back_after_storm_s=back_s,
        deaths_seen_s=seen_s,
        deaths_declared_s=declared_s,
    )


async def _work(where: Where, minutes: float, tasks_per_s: float) -> None:
    """Let tasks flow."""
    hello = Hello(client_id="load", keepalive_s=60, username="load")
    link = await Link.open(where.host, where.port, hello, lambda _topic, _payload, _retained: None)
    due = time.monotonic()
    end, n = due + 60 * minutes, 0
    while due < end:
        for _ in range(max(1, round(tasks_per_s / 10))):
            spec = {"name": f"flow {n % 50}", "mode": "noop"}
            request = {"request_id": str(n), "op": "create", "spec": spec}
            topic = f"{where.base}/submit/load"
            link.publish(topic, json.dumps(request).encode(), qos=1, retain=False)
            n += 1
        due += 0.1
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    link.close()
    await link.lost


def _there(watcher: BusClient) -> int:
    """Count the agents that are there, by the newest summary."""
    count: int = watcher.latest("coordinator/summary").get("online_agents", 0)
    return count


def _healthy(watcher: BusClient) -> int:
    count: int = watcher.latest("coordinator/summary").get("healthy_agents", 0)
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
    parser.add_argument("--shared", action="store_true", help="a few connections carry all agents")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with (
        contextlib.redirect_stdout(io.StringIO()),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        found = runner.run(
            measure(given.broker, given.agents, given.minutes, given.tasks, is_shared=given.shared)
        )
    figures = dataclasses.asdict(found)
    if given.json:
        print(json.dumps(figures, indent=2))
        return 0
    for name, value in figures.items():
        print(f"| {name.replace('_', ' ')} | {value:,.1f} |")
    return 0


sys.exit(main())
