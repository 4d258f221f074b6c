"""A fleet to be measured: real processes, a plan that limits nothing, and long leases."""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import psutil

from tests.support.fleet_process import Fleet, broker_for_a_fleet, running_fleet

HEARTBEAT_S: Final = 5.0


@contextlib.contextmanager
def fleet_on(
    kind: str, agents: Sequence[str], *words: str, coordinator: str = "coordinator"
) -> Iterator[Fleet]:
    """Run a fleet on a broker of *kind*; *words* are further arguments for every agent.

    *coordinator* is the module to run as such.
    """
    plan = {
        "fleet_name": "Benchmark",
        "agents": [{"name": name, "heartbeat_interval": HEARTBEAT_S} for name in agents],
        "leases": {"heartbeat": HEARTBEAT_S, "lease_s": 60.0, "margin_s": 2.0},
    }
    heartbeat = ("--heartbeat", str(HEARTBEAT_S))
    with tempfile.TemporaryDirectory(prefix="fleetbus-bench-") as folder:
        place = Path(folder)
        with (
            broker_for_a_fleet(kind, place) as where,
            running_fleet(
                where,
                place / "fleet",
                agents,
                plan,
                (*heartbeat, *words),
                coordinator=coordinator,
            ) as fleet,
        ):
            yield fleet


def cpu_seconds(fleet: Fleet, part: str) -> float:
    """Return the processor time that a part has used so far."""
    times = psutil.Process(fleet.part(part).process.pid).cpu_times()
    return float(times.user + times.system)


def process_on(port: int) -> psutil.Process:
    """Find the process, started by this one, that listens on *port*."""
    for child in psutil.Process().children(recursive=True):
        for place in child.net_connections("tcp"):
            if place.status == psutil.CONN_LISTEN and place.laddr.port == port:
                return child
    raise LookupError(f"no process of ours listens on port {port}")
