"""The resident memory of each process of a small fleet that has done some work."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import psutil

from benchmarks.bus.scene import fleet_on, process_on
from tests.support.bus_client import BusClient
from tests.support.control_room import control_room
from tests.support.fleet_process import Fleet

TASKS: Final = 500


@dataclass(frozen=True)
class Memory:
    broker_mib: float
    coordinator_mib: float
    control_room_mib: float
    host_mib: float
    agent_mib: float


def measure(kind: str) -> Memory:
    """Run a fleet of two agents, a host and a control room."""
    names = ["Agent-0", "Agent-1"]
    with (
        fleet_on(kind, names, "--capability", "noop") as fleet,
        control_room(fleet) as room,
        _host(fleet),
        room.client("operate") as client,
        BusClient(fleet.where, topics="coordinator/summary") as observer,
    ):
        tasks = [{"name": "noop", "mode": "noop"}] * TASKS
        assert client.post("/tasks/bulk", json={"tasks": tasks}).status_code == 201
        observer.wait_for("coordinator/summary", completed_tasks=TASKS)
        return Memory(
            broker_mib=_mib(process_on(fleet.where.port).pid),
            coordinator_mib=_mib(fleet.part("coordinator").process.pid),
            control_room_mib=_mib(room.part.process.pid),
            host_mib=_mib(fleet.part("host").process.pid),
            agent_mib=_mib(fleet.part(names[0]).process.pid),
        )


def _mib(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss / 2**20)


@contextlib.contextmanager
def _host(fleet: Fleet) -> Iterator[None]:
    words = ("--machine", "pc", "--broker", fleet.where.url, "--root", fleet.where.root)
    host = fleet.start("host", "agent_client.host", *words, "--state-dir", str(fleet.folder / "h"))
    with BusClient(fleet.where, topics="hosts/#") as watcher:
        watcher.wait_for("hosts/host-pc/presence", state="online")
    try:
        yield
    finally:
        host.end()
