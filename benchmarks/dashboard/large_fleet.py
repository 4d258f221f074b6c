"""A large fleet that works while somebody looks at it: broker, coordinator, control room, agents.

Agents are many and speak the whole protocol; half of them hold a task that goes on, the others do
short ones as they come. Of the tasks, some are done, most wait, each for a reason of its own.
"""

import asyncio
import contextlib
import json
import tempfile
import threading
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, Final

import httpx2

from benchmarks.fleet.bot import HEARTBEAT_S, Bot
from benchmarks.fleet.generator import Generator
from coordinator.http.auth.sessions import make_link
from tests.support.control_room import ControlRoom, control_room, wait_until
from tests.support.fleet_process import Fleet, broker_for_a_fleet

READY_WITHIN_S: Final = 300.0
TOGETHER: Final = 10_000
A_MACHINE: Final = 25
FLOW_EVERY_S: Final = 0.25
WHAT: Final = ("Daily quest", "Herb run", "Boss of the marsh", "Auction look", "Mail round")


@contextlib.contextmanager
def large_fleet(kind: str, agents: int, tasks: int, flow_per_s: float) -> Iterator[ControlRoom]:
    """Run a fleet of *agents* with *tasks*, and *flow_per_s* more that are done as they come."""
    plan = {
        "fleet_name": "Large",
        "agents": [],
        "leases": {"heartbeat": HEARTBEAT_S, "lease_s": 60.0, "margin_s": 2.0},
        "global_constraints": {
            "max_concurrent_agents": agents,
            "max_concurrent_combat": agents // 2,
        },
        "schedule_windows": {"peak_hours": {"start_time": "09:00", "end_time": "22:00"}},
    }
    bots = {
        name: Bot(name, keeps="combat", machine=f"rack-{n // A_MACHINE:03}")
        for n, name in enumerate(f"bot-{n:04}" for n in range(agents))
    }
    with tempfile.TemporaryDirectory(prefix="fleetbus-bench-") as place:
        folder = Path(place)
        with broker_for_a_fleet(kind, folder) as where:
            (folder / "plan.json").write_text(json.dumps(plan))
            fleet = Fleet(where, folder)
            try:
                fleet.start_coordinator()
                with control_room(fleet) as room, _living(Generator(where, bots)):
                    with room.client("admin") as client:
                        _until_online(client, agents)
                        fill(client, tasks)
                    with _flowing(room, flow_per_s):
                        yield room
            finally:
                for part in reversed(fleet.parts):
                    part.end()


def fill(client: httpx2.Client, tasks: int) -> None:
    """Create *tasks*: a fifth is done before this returns, the others run or wait."""
    done = tasks // 5
    kinds: tuple[tuple[int, dict[str, Any]], ...] = (
        (done, {"mode": "noop"}),
        (tasks // 10, {"mode": "combat"}),
        (3 * tasks // 10, {"mode": "noop", "scheduled_for": "2090-01-01T00:00:00Z"}),
        (tasks - done - tasks // 10 - 3 * tasks // 10, {"mode": "swim", "priority": "low"}),
    )
    for many, what in kinds:
        for start in range(0, many, TOGETHER):
            names = range(start, min(many, start + TOGETHER))
            specs = [{"name": f"{WHAT[n % len(WHAT)]} {n}"} for n in names]
            answer = client.post("/tasks/bulk", json={"defaults": what, "tasks": specs})
            assert answer.status_code == 201, answer.text[:1000]
    wait_until(
        lambda: client.get("/summary").json()["completed_tasks"] >= done, within_s=READY_WITHIN_S
    )


def sign_in_link(room: ControlRoom) -> str:
    """Make a link that signs in once."""
    return make_link(room.data, time.time_ns() // 1_000_000)


def _until_online(client: httpx2.Client, agents: int) -> None:
    wait_until(
        lambda: client.get("/summary").json()["online_agents"] >= agents, within_s=READY_WITHIN_S
    )


@contextlib.contextmanager
def _living(generator: Generator) -> Iterator[None]:
    """Let the agents live, in a thread of their own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="agents")
    thread.start()

    def wait(what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, loop).result(READY_WITHIN_S)

    try:
        wait(generator.connect())
        wait(generator.state_all())
        beating = asyncio.run_coroutine_threadsafe(generator.beat(), loop)
        yield
        beating.cancel()
        wait(generator.close())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextlib.contextmanager
def _flowing(room: ControlRoom, per_s: float) -> Iterator[None]:
    """Create tasks that are done at once, so that something changes all the time."""
    stop = threading.Event()

    def flow() -> None:
        number = 0
        with room.client("operate") as client:
            while not stop.wait(FLOW_EVERY_S):
                names = range(number, number + max(1, round(per_s * FLOW_EVERY_S)))
                number = names.stop
                tasks = [{"name": f"flow {n}"} for n in names]
                client.post("/tasks/bulk", json={"defaults": {"mode": "noop"}, "tasks": tasks})

    flowing = threading.Thread(target=flow, name="flow")
    if per_s > 0:
        flowing.start()
    try:
        yield
    finally:
        stop.set()
        if flowing.ident is not None:
            flowing.join()
