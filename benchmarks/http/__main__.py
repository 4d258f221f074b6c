"""Measure the control room on this machine: ``python -m benchmarks.http``.

Bulk creation until all is stored; the summary's latency while the fleet is as busy as it can be;
and what open dashboards take from the rate at which the coordinator dispatches, as a ratio of
rounds with and without them in one run.
"""

import argparse
import asyncio
import contextlib
import json
import sqlite3
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx2

from benchmarks.bus.scene import cpu_seconds, fleet_on
from benchmarks.quiet import quietly
from tests.support.bus_client import BusClient
from tests.support.control_room import ControlRoom, control_room
from tests.support.fleet_process import Fleet

GIVE_UP_AFTER_S = 120.0
VIEWS = "summary,agents,events,alerts"
"""What the page that people leave open watches."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http", description=__doc__)
    parser.add_argument("--bulk", type=int, default=10_000, help="tasks at once (default 10000)")
    parser.add_argument("--tasks", type=int, default=1500, help="tasks per round (default 1500)")
    parser.add_argument("--rounds", type=int, default=4, help="rounds of each kind (default 4)")
    parser.add_argument("--streams", type=int, default=100, help="dashboards (default 100)")
    parser.add_argument("--agents", type=int, default=8)
    parser.add_argument("--views", default=VIEWS, help=f"what they watch (default {VIEWS})")
    parser.add_argument("--only", choices=("bulk", "summary", "streams"))
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    measures: dict[str, Any] = {
        "bulk": lambda: bulk(given.bulk),
        "summary": lambda: summary(given.tasks, given.rounds, given.agents),
        "streams": lambda: streams(
            given.tasks, given.rounds, given.agents, given.streams, given.views
        ),
    }
    results: dict[str, dict[str, float]] = {}
    for name in [given.only] if given.only else list(measures):
        print(f"measuring {name} ...", file=sys.stderr)
        results[name] = quietly(measures[name])
    if given.json:
        print(json.dumps(results, indent=2))
        return 0
    print("| figure | value |\n| --- | ---: |")
    for name, figures in results.items():
        for figure, value in figures.items():
            print(f"| {name}: {figure.replace('_', ' ')} | {value:,.2f} |")
    return 0


def bulk(tasks: int) -> dict[str, float]:
    """Create many tasks by one request, and look whether all are stored when it is answered."""
    took, cpu = [], []
    with fleet_on("embedded", ["Idle"]) as fleet, control_room(fleet) as room:
        body = {"defaults": {"mode": "combat"}, "tasks": [{"name": f"n{n}"} for n in range(tasks)]}
        with room.client("operate") as client:
            for round_ in range(1, 4):
                before, began = cpu_seconds(fleet, "coordinator"), time.perf_counter()
                answer = client.post("/tasks/bulk", json=body)
                took.append(time.perf_counter() - began)
                cpu.append(cpu_seconds(fleet, "coordinator") - before)
                assert answer.status_code == 201, answer.text[:1000]
                assert answer.json()["created"] == tasks
                assert stored(fleet, "1 = 1") == tasks * round_
    return {
        "tasks": tasks,
        "seconds_first": took[0],
        "seconds_median": statistics.median(took),
        "coordinator_cpu_s": statistics.median(cpu),
    }


def summary(tasks: int, rounds: int, agents: int) -> dict[str, float]:
    """Ask for the summary again and again, while the fleet runs tasks as fast as it can."""
    took_ms: list[float] = []
    floor_ms: list[float] = []
    """A route that does nothing: what this machine takes from everybody."""
    done = threading.Event()
    names = [f"Agent-{n}" for n in range(agents)]
    with fleet_on("embedded", names, "--capability", "noop") as fleet, control_room(fleet) as room:

        def ask() -> None:
            with room.client("read") as client:
                while not done.is_set():
                    began = time.perf_counter()
                    answer = client.get("/summary")
                    took_ms.append(1000 * (time.perf_counter() - began))
                    assert answer.status_code == 200
                    began = time.perf_counter()
                    client.get(f"{room.address}/healthz")
                    floor_ms.append(1000 * (time.perf_counter() - began))
                    time.sleep(0.005)

        with room.client("operate") as client:
            asking = threading.Thread(target=ask)
            client.get("/summary")
            asking.start()
            rates = [rate(fleet, client, tasks, n + 1) for n in range(rounds)]
            done.set()
            asking.join()
    took_ms.sort()
    floor_ms.sort()
    return {
        "p50_ms_of_nothing": statistics.median(floor_ms),
        "p99_ms_of_nothing": floor_ms[int(len(floor_ms) * 0.99)],
        "requests": len(took_ms),
        "p50_ms": statistics.median(took_ms),
        "p99_ms": took_ms[int(len(took_ms) * 0.99)],
        "worst_ms": took_ms[-1],
        "tasks_per_s": statistics.median(rates),
    }


def streams(tasks: int, rounds: int, agents: int, count: int, views: str) -> dict[str, float]:
    """Run rounds with and without open dashboards, by turns."""
    names = [f"Agent-{n}" for n in range(agents)]
    without: list[float] = []
    with_them: list[float] = []
    cpu_ratios: list[float] = []
    """Of the coordinator's own work for the same tasks, which others on the machine do not blur."""
    with (
        fleet_on("embedded", names, "--capability", "noop") as fleet,
        control_room(fleet) as room,
        room.client("operate") as client,
    ):
        rate(fleet, client, tasks, 1)  # to warm up
        for n in range(rounds):
            before_s = cpu_seconds(fleet, "coordinator")
            without.append(rate(fleet, client, tasks, 2 * n + 2))
            between_s = cpu_seconds(fleet, "coordinator")
            with watching(room, count, views) as heard:
                with_them.append(rate(fleet, client, tasks, 2 * n + 3))
            cpu_ratios.append(
                (cpu_seconds(fleet, "coordinator") - between_s) / (between_s - before_s)
            )
            assert len(heard) == count, "some dashboards heard nothing"
    ratios = [b / a for a, b in zip(without, with_them, strict=True)]
    return {
        "tasks_per_s_without": statistics.median(without),
        "tasks_per_s_with": statistics.median(with_them),
        "ratio_median": statistics.median(ratios),
        "ratio_worst": min(ratios),
        "coordinator_cpu_ratio_median": statistics.median(cpu_ratios),
    }


@contextlib.contextmanager
def watching(room: ControlRoom, count: int, views: str) -> Iterator[dict[int, int]]:
    """Keep *count* streams open; yields how many bytes each has heard."""
    host, port = room.address.removeprefix("http://").split(":")
    heard: dict[int, int] = {}
    stop = asyncio.Event()
    loop = asyncio.new_event_loop()
    request = (
        f"GET /api/orchestrator/stream?views={views} HTTP/1.1\r\nHost: {host}:{port}\r\n"
        f"Authorization: Bearer {room.secrets['read']}\r\n\r\n"
    ).encode()

    async def watch(number: int) -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request)
        with contextlib.suppress(asyncio.CancelledError):
            while chunk := await reader.read(1 << 16):
                heard[number] = heard.get(number, 0) + len(chunk)
        writer.close()

    async def watch_all() -> None:
        watchers = [asyncio.create_task(watch(n)) for n in range(count)]
        await stop.wait()
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=(watch_all(),))
    thread.start()
    end = time.monotonic() + GIVE_UP_AFTER_S
    while len(heard) < count and time.monotonic() < end:
        time.sleep(0.05)
    yield heard
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def rate(fleet: Fleet, client: httpx2.Client, tasks: int, round_: int) -> float:
    """Run *tasks* tasks, and return how many were completed a second, as the store tells."""
    name = f"round-{round_}"
    with BusClient(fleet.where, topics="coordinator/summary") as observer:
        began = time.time()
        body = {"defaults": {"mode": "noop", "name": name}, "tasks": [{} for _ in range(tasks)]}
        assert client.post("/tasks/bulk", json=body).status_code == 201
        observer.wait_for("coordinator/summary", GIVE_UP_AFTER_S, completed_tasks=tasks * round_)
    return tasks / (stored(fleet, f"name = '{name}'", "max(completed_ms)") / 1000 - began)


def stored(fleet: Fleet, where: str, what: str = "count(*)") -> float:
    """Ask the store."""
    uri = f"file:{fleet.folder / 'data' / 'fleet.db'}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as store:
        found = store.execute(f"SELECT {what} FROM tasks WHERE {where}").fetchone()[0]  # noqa: S608 -- our own words
    return float(found)


if __name__ == "__main__":
    sys.exit(main())
