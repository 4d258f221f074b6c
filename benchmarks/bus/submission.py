"""How many tasks a second can be asked for: over the bus and over HTTP, one by one and in bulk.

It counts until each is stored and answered. Nobody can do them, so nothing else is going on.
"""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.bus.raw_publisher import packet, raw_publisher, send_all
from benchmarks.bus.scene import fleet_on
from tests.support.bus_client import BusClient
from tests.support.control_room import ControlRoom, control_room
from tests.support.fleet_process import Fleet

AT_ONCE: Final = 1_000
CALLERS: Final = 4
_SPEC: Final = {"name": "noop", "mode": "noop"}
_ANSWERED_WITHIN_S: Final = 120.0


@dataclass(frozen=True)
class Submission:
    tasks: int
    bus_per_s: float
    bus_bulk_per_s: float
    api_per_s: float
    api_bulk_per_s: float


def measure(kind: str, tasks: int) -> Submission:
    """Ask for *tasks* in each way; over HTTP one by one, for a quarter of them."""
    with fleet_on(kind, ()) as fleet, control_room(fleet) as room:
        return Submission(
            tasks=tasks,
            bus_per_s=over_the_bus(fleet, tasks, 1),
            bus_bulk_per_s=over_the_bus(fleet, tasks, AT_ONCE),
            api_per_s=_over_http(room, tasks // 4),
            api_bulk_per_s=_in_bulk_over_http(room, tasks),
        )


def over_the_bus(fleet: Fleet, tasks: int, at_once: int) -> float:
    """Ask for *tasks* tasks, *at_once* in each request, until every request was answered."""
    client = f"bench-{at_once}"
    requests = [
        packet(f"{fleet.where.base}/submit/{client}", payload, packet_id=n % 65_535 + 1)
        for n, payload in enumerate(_requests(tasks, at_once))
    ]
    with (
        BusClient(fleet.where, client, topics=f"replies/{client}") as observer,
        raw_publisher(fleet.where, "coordinator-bench") as sock,
    ):
        began = time.perf_counter()
        send_all(sock, requests)
        observer.wait(
            "all answers", lambda: len(observer.heard) >= len(requests), _ANSWERED_WITHIN_S
        )
        took_s = time.perf_counter() - began
        assert all(heard.document["ok"] for heard in observer.heard), observer.heard[0].document
    return tasks / took_s


def _requests(tasks: int, at_once: int) -> Iterator[bytes]:
    for n in range(tasks // at_once):
        asked: dict[str, Any] = {"op": "create", "spec": _SPEC}
        if at_once > 1:
            asked = {"op": "create_many", "specs": [_SPEC] * at_once}
        yield json.dumps({"request_id": f"{at_once}-{n}", **asked}).encode()


def _over_http(room: ControlRoom, tasks: int) -> float:
    numbers = itertools.count()
    of_thread = threading.local()

    def ask(_n: int) -> None:
        if not hasattr(of_thread, "client"):
            of_thread.client = room.client("operate")
        answer = of_thread.client.post("/tasks", json=_SPEC | {"name": f"n{next(numbers)}"})
        assert answer.status_code == 201, answer.text[:1000]

    with ThreadPoolExecutor(CALLERS) as callers:
        return tasks / _timed(lambda: list(callers.map(ask, range(tasks))))


def _in_bulk_over_http(room: ControlRoom, tasks: int) -> float:
    body = {"defaults": {"mode": "noop"}, "tasks": [{"name": "noop"}] * tasks}
    with room.client("operate") as client:

        def ask() -> None:
            answer = client.post("/tasks/bulk", json=body)
            assert answer.status_code == 201, answer.text[:1000]
            assert answer.json()["created"] == tasks

        return tasks / _timed(ask)


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
