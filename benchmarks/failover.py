"""Two coordinators on one PostgreSQL: ``python -m benchmarks.failover --kills 10 --tasks 10``.

Tasks flow through four agents on mosquitto while the coordinator that leads is killed (SIGKILL)
again and again, or with ``--freeze`` stands still (SIGSTOP) until the other one leads; whoever led
comes back as the new stand-by. Times are from the signal, as anybody on the bus sees them. In the
end the agents' own records and the books are judged.
"""

import argparse
import contextlib
import dataclasses
import io
import json
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.support.books import read_books_of
from tests.support.bus_client import BusClient, Heard
from tests.support.fleet_process import Fleet, Part, broker_for_a_fleet, plan_of, wait_until_idle
from tests.support.load import Load
from tests.support.postgres import Database, postgresql
from tests.support.verdict import faults

AGENTS: Final = ("A", "B", "C", "D")
LIMITS: Final = {"max_concurrent_agents": 3, "max_concurrent_combat": 1}
LEASES: Final = {"heartbeat": 0.3, "lease_s": 10.0, "margin_s": 1.0}
BETWEEN_KILLS_S: Final = 2.0
LOOK_EVERY_S: Final = 0.01
WITHIN_S: Final = 60.0
STANDING_BY: Final = "standing by"


@dataclass(frozen=True)
class Takeover:
    """Seconds after the signal."""

    recovering_s: float
    online_s: float
    assigned_s: float
    """Until an agent was given work that it did not have."""


@dataclass(frozen=True)
class Figures:
    takeovers: list[Takeover]
    tasks: int
    runs: int
    faults: list[str]


class Flow:
    """Asks for so many tasks a second, and goes on with it while somebody waits for something."""

    def __init__(self, load: Load, per_s: float) -> None:
        self._load = load
        self._every_s = 1 / per_s
        self._next = time.monotonic()

    def until(self, done: Callable[[], bool], *, asks: bool = True) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not done():
            now = time.monotonic()
            assert now < deadline, f"not within {WITHIN_S} s; open: {self._load.open}"
            self._load.look()
            self._load.insist(now)
            if asks and now >= self._next:
                self._next = max(self._next + self._every_s, now - 1.0)
                self._load.ask_for_one(now)
            else:
                time.sleep(LOOK_EVERY_S)


def measure(kills: int, tasks_per_s: float, sign: signal.Signals) -> Figures:
    with postgresql() as cluster, cluster.database() as database, _fleet() as fleet:
        watcher = fleet.client(topics="coordinator/presence")
        inboxes = fleet.client("coordinator-watcher", topics="inbox/+/desired")
        leader = _start(fleet, database, "one")
        for name in AGENTS:
            fleet.start_agent(name)
        wait_until_idle(fleet.client(), AGENTS)
        successor = _start(fleet, database, "two")
        load = Load(fleet.client("load"), random.Random(1), at_once=0)
        flow = Flow(load, tasks_per_s)
        takeovers = []
        for _ in range(kills):
            flow.until(lambda part=successor: STANDING_BY in part.said())  # type: ignore[misc] # its own
            pause = time.monotonic() + BETWEEN_KILLS_S
            flow.until(lambda end=pause: time.monotonic() > end)  # type: ignore[misc] # its own
            takeovers.append(_take_over(leader, sign, flow, watcher, inboxes))
            leader.process.send_signal(signal.SIGCONT)
            leader.process.wait(WITHIN_S)
            leader, successor = successor, _start(fleet, database, leader.name)
        flow.until(lambda: load.is_over, asks=False)
        books, runs = read_books_of(database), fleet.runs()
    found = list(faults(load, runs, books, LIMITS))
    return Figures(takeovers, len(load.accepted), len(runs), found)


def _take_over(
    leader: Part, sign: signal.Signals, flow: Flow, watcher: BusClient, inboxes: BusClient
) -> Takeover:
    """Send *leader* the signal, and note when the other one has come to what."""
    term = watcher.latest("coordinator/presence")["term"]
    known = {fence for heard in inboxes.heard for fence in _fences(heard)}
    began = time.monotonic()
    leader.process.send_signal(sign)

    def at(client: BusClient, wanted: Callable[[Mapping[str, Any]], bool]) -> float:
        def found() -> list[float]:
            later = [heard for heard in client.heard if heard.at > began and heard.payload]
            return [heard.at for heard in later if wanted(heard.document)]

        flow.until(lambda: bool(found()))
        return found()[0] - began

    def is_new(said: Mapping[str, Any]) -> bool:
        return bool(said["term"] > term)

    return Takeover(
        recovering_s=at(watcher, lambda said: is_new(said) and said["state"] == "recovering"),
        online_s=at(watcher, lambda said: is_new(said) and said["state"] == "online"),
        assigned_s=at(inboxes, lambda said: is_new(said) and bool(_given(said) - known)),
    )


def _fences(heard: Heard) -> set[tuple[str, int]]:
    return _given(heard.document) if heard.payload else set()


def _given(desired: Mapping[str, Any]) -> set[tuple[str, int]]:
    return {(task["task"], task["fence"]) for task in desired["tasks"]}


def _start(fleet: Fleet, database: Database, name: str) -> Part:
    places = {"FLEETBUS_DATA": str(fleet.folder / name), "FLEETBUS_STORE": database.url}
    return fleet.start(name, "coordinator", environment={**fleet.coordinator_environment, **places})


@contextlib.contextmanager
def _fleet() -> Iterator[Fleet]:
    with (
        tempfile.TemporaryDirectory(prefix="fleetbus-bench-") as place,
        broker_for_a_fleet("mosquitto", Path(place)) as where,
        contextlib.ExitStack() as stack,
    ):
        plan = plan_of(AGENTS, leases=LEASES, global_constraints=LIMITS)
        (Path(place) / "plan.json").write_text(json.dumps(plan))
        fleet = Fleet(where, Path(place), stack=stack)
        fleet.record.touch()
        try:
            yield fleet
        finally:
            for part in reversed(fleet.parts):
                part.end()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.failover", description=__doc__)
    parser.add_argument("--kills", type=int, default=10, help="of the leader (default 10)")
    parser.add_argument("--tasks", type=float, default=10.0, help="tasks per second (default 10)")
    parser.add_argument("--freeze", action="store_true", help="let it stand still instead")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    sign = signal.SIGSTOP if given.freeze else signal.SIGKILL
    with contextlib.redirect_stdout(io.StringIO()):
        figures = measure(given.kills, given.tasks, sign)
    if given.json:
        print(json.dumps(dataclasses.asdict(figures), indent=2))
    else:
        _show(figures)
    return 1 if figures.faults else 0


def _show(figures: Figures) -> None:
    print("| seconds from the signal | median | longest |\n| --- | --- | --- |")
    for field in dataclasses.fields(Takeover):
        times = [getattr(takeover, field.name) for takeover in figures.takeovers]
        what = field.name.removesuffix("_s")
        print(f"| {what} | {statistics.median(times):.2f} | {max(times):.2f} |")
    print(
        f"\n{figures.tasks} tasks, {figures.runs} runs; {len(figures.faults)} faults by the books"
    )
    for fault in figures.faults:
        print(f"- {fault}")


sys.exit(main())
