"""``kill -9`` of agents that a host keeps: it proves the death, and nobody waits for the lease."""

import contextlib
import functools
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.deaths.scene import (
    HEARTBEAT_S,
    SPARE,
    Times,
    begun_elsewhere,
    fleet_of,
    occupy,
    seen_gone,
    words,
)
from tests.support.bus_client import BusClient
from tests.support.fleet_process import Fleet, machine_now

LEASES: Final = {"heartbeat": HEARTBEAT_S, "lease_s": 120.0, "margin_s": 2.0}
MACHINE: Final = "pc"
APART_S: Final = 0.5


@dataclass(frozen=True)
class Proven:
    seen: Times
    begun_again: Times
    lease_ms: float
    """How long it would have taken without a host, at least."""


def measure(kind: str, samples: int) -> Proven:
    """Kill agents of one host, one after the other."""
    names = [f"Hosted-{n}" for n in range(samples)]
    seen, begun = [], []
    hosted = functools.partial(_planned, names)
    with fleet_of(kind, [], LEASES, hosted) as (fleet, ops), _host(fleet):
        for name in names:
            ops.wait_for(f"registry/{name}", status="idle")
        holders = occupy(fleet, ops, samples)
        fleet.start_agent(SPARE, *words(LEASES), "--slots", str(samples))
        ops.wait_for(f"registry/{SPARE}", status="idle")
        for name in names:
            time.sleep(APART_S)
            pid = _pid_of(ops, name)
            at, machine_at = time.monotonic(), machine_now()
            os.kill(pid, signal.SIGKILL)
            seen.append(seen_gone(ops, name, at))
            begun.append(begun_elsewhere(fleet, holders[name]) - machine_at)
    return Proven(Times.of_s(seen), Times.of_s(begun), 1000 * LEASES["lease_s"])


def _planned(names: Sequence[str], record: Path) -> list[dict[str, object]]:
    program = [sys.executable, "-m", "agent_client"]
    options = ["--capability", "quest", "--record", str(record), *words(LEASES)]
    return [
        {
            "name": name,
            "machine_id": MACHINE,
            "auto_start": True,
            "heartbeat_interval": HEARTBEAT_S,
            "capabilities": ["quest"],
            "command": [*program, name, *options],
        }
        for name in names
    ]


def _pid_of(ops: BusClient, agent: str) -> int:
    said: list[dict[str, Any]] = ops.latest(f"hosts/host-{MACHINE}/actual")["agents"]
    pid: int = next(one["pid"] for one in said if one["agent"] == agent)
    return pid


@contextlib.contextmanager
def _host(fleet: Fleet) -> Iterator[None]:
    home = fleet.folder / "host"
    host = fleet.start(
        "host",
        "agent_client.host",
        *("--machine", MACHINE, "--broker", fleet.where.url, "--root", fleet.where.root),
        *("--state-dir", str(home)),
    )
    try:
        yield
    finally:
        host.end()
        with contextlib.suppress(OSError, ValueError):
            for noted in json.loads((home / "host.json").read_bytes())["processes"]:
                with contextlib.suppress(OSError, TypeError):
                    os.killpg(noted["pid"], signal.SIGKILL)
