"""A fleet to be hurt: agents that each hold a long task, a spare one, and who watches them."""

import contextlib
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.bus_client import BusClient
from tests.support.fleet_process import Fleet, broker_for_a_fleet, machine_now, running_fleet

HEARTBEAT_S: Final = 1.0
LEASE_S: Final = 5.0
MARGIN_S: Final = 1.0
LONG_S: Final = 600
SPARE: Final = "Spare"


@dataclass(frozen=True)
class Times:
    """How long something took, in milliseconds."""

    samples: int
    p50_ms: float
    p99_ms: float
    worst_ms: float

    @classmethod
    def of_s(cls, seconds: Sequence[float]) -> "Times":
        ordered = sorted(1000 * one for one in seconds)
        at = min(len(ordered) - 1, math.ceil(0.99 * len(ordered)) - 1)
        return cls(len(ordered), statistics.median(ordered), ordered[at], ordered[-1])


@contextlib.contextmanager
def fleet_of(
    kind: str,
    agents: Sequence[str],
    leases: Mapping[str, float],
    hosted: Callable[[Path], list[dict[str, object]]] = lambda _record: [],
) -> Iterator[tuple[Fleet, BusClient]]:
    """Run *agents* on a broker of *kind*, and an operator who hears everything.

    What *hosted* makes of the file in which handlers are noted is planned as well, and not started.
    """
    with tempfile.TemporaryDirectory(prefix="fleetbus-bench-") as folder:
        place = Path(folder)
        ours = [{"name": name, "heartbeat_interval": leases["heartbeat"]} for name in agents]
        planned = [*ours, *hosted(place / "fleet" / "record.jsonl")]
        whole = {"fleet_name": "Deaths", "agents": planned, "leases": dict(leases)}
        with (
            broker_for_a_fleet(kind, place) as where,
            running_fleet(where, place / "fleet", agents, whole, words(leases)) as fleet,
            BusClient(where, "ops") as ops,
        ):
            yield fleet, ops


def words(leases: Mapping[str, float]) -> tuple[str, ...]:
    return ("--heartbeat", str(leases["heartbeat"]))


def occupy(fleet: Fleet, ops: BusClient, tasks: int) -> dict[str, str]:
    """Let *tasks* long tasks begin; return who runs which."""
    asked = {ops.create(f"long {n}", args={"sleep": LONG_S}, max_attempts=5) for n in range(tasks)}
    running: dict[str, str] = {}

    def all_run() -> bool:
        running.update((run.agent, run.task) for run in fleet.runs() if run.task in asked)
        return len(running) == tasks

    wait_until(all_run)
    return running


def seen_gone(ops: BusClient, agent: str, since: float) -> float:
    """Wait until the registry doubts that *agent* is there; return how long after *since*.

    The status stays what it was until the lease is over: a will is a hint, and frees nothing.
    """

    def gone() -> float | None:
        for heard in reversed(ops.heard):
            if heard.at < since:
                return None
            if heard.topic == f"registry/{agent}":
                card = heard.document
                if card["suspect"] or card["status"] == "offline":
                    return heard.at
        return None

    at = ops.wait(f"{agent} to be gone", gone)
    assert at is not None
    return at - since


def begun_elsewhere(fleet: Fleet, task: str) -> float:
    """Wait until *task* has begun for the second time; return when, on the machine's clock."""
    wait_until(lambda: len(fleet.runs_of(task)) > 1)
    return fleet.runs_of(task)[1].begin


def wait_until(done: Callable[[], object], within_s: float = 180.0) -> None:
    end = machine_now() + within_s
    while not done():
        if machine_now() > end:
            raise TimeoutError(f"not within {within_s:g} s")
        time.sleep(0.05)
