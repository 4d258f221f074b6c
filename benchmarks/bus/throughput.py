"""Tasks per second: submitted through the bus, run by agents, until completed in the store."""

import contextlib
import json
import sqlite3
import time
from dataclasses import dataclass

from benchmarks.bus.raw_publisher import packet, raw_publisher, send_all
from benchmarks.bus.scene import cpu_seconds, fleet_on
from tests.support.bus_client import BusClient
from tests.support.fleet_process import Fleet

GIVE_UP_AFTER_S = 60.0


@dataclass(frozen=True)
class Throughput:
    tasks: int
    agents: int
    slots: int
    tasks_per_s: float
    coordinator_cpu_pct: float
    coordinator_us_per_task: float


def measure(
    kind: str, tasks: int, agents: int, slots: int, coordinator: str = "coordinator"
) -> Throughput:
    names = [f"Agent-{n}" for n in range(agents)]
    words = ("--capability", "noop", "--slots", str(slots))
    with fleet_on(kind, names, *words, coordinator=coordinator) as fleet:
        packets = [
            packet(f"{fleet.where.base}/submit/bench", _request(n), packet_id=n % 65_535 + 1)
            for n in range(tasks)
        ]
        with (
            BusClient(fleet.where, topics="coordinator/summary") as observer,
            raw_publisher(fleet.where, "bench") as sock,
        ):
            cpu_before, began = cpu_seconds(fleet, "coordinator"), time.time()
            send_all(sock, packets)
            observer.wait_for("coordinator/summary", GIVE_UP_AFTER_S, completed_tasks=tasks)
            cpu_s = cpu_seconds(fleet, "coordinator") - cpu_before
        took_s = _last_completed(fleet, tasks) - began
    return Throughput(
        tasks=tasks,
        agents=agents,
        slots=slots,
        tasks_per_s=tasks / took_s,
        coordinator_cpu_pct=100 * cpu_s / took_s,
        coordinator_us_per_task=1e6 * cpu_s / tasks,
    )


def _request(n: int) -> bytes:
    spec = {"name": "noop", "mode": "noop"}
    return json.dumps({"request_id": str(n), "op": "create", "spec": spec}).encode()


def _last_completed(fleet: Fleet, tasks: int) -> float:
    """Ask the store when the last task was completed; the summary tells it up to 1 s late."""
    uri = f"file:{fleet.folder / 'data' / 'fleet.db'}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as store:
        query = "SELECT count(*), max(completed_ms) FROM tasks WHERE status = 'completed'"
        count, last_ms = store.execute(query).fetchone()
    assert count == tasks, f"{count} of {tasks} tasks are completed in the store"
    return float(last_ms) / 1000
