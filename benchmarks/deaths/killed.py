"""``kill -9`` of agents that are busy: seen by the will, safe to run again after the lease."""

import os
import signal
import time
from dataclasses import dataclass
from typing import Final

from benchmarks.deaths.scene import (
    HEARTBEAT_S,
    LEASE_S,
    MARGIN_S,
    SPARE,
    Times,
    begun_elsewhere,
    fleet_of,
    occupy,
    seen_gone,
    words,
)
from tests.support.fleet_process import machine_now

AT_ONCE: Final = 20
APART_S: Final = 0.13
LEASES: Final = {"heartbeat": HEARTBEAT_S, "lease_s": LEASE_S, "margin_s": MARGIN_S}


@dataclass(frozen=True)
class Killed:
    told: Times
    """Until the broker published the will."""
    seen: Times
    """Until the card was there."""
    begun_again: Times
    """From the kill to the handler on another agent."""
    lease_and_margin_ms: float
    """Nobody may run it before that, counted from the last heartbeat that was answered."""


def measure(kind: str, samples: int) -> Killed:
    """Kill agents one after the other; each is busy with a task."""
    told: list[float] = []
    seen: list[float] = []
    begun: list[float] = []
    while len(seen) < samples:
        names = [f"Agent-{n}" for n in range(min(AT_ONCE, samples - len(seen)))]
        with fleet_of(kind, names, LEASES) as (fleet, ops):
            holders = occupy(fleet, ops, len(names))
            fleet.start_agent(SPARE, *words(LEASES), "--slots", str(AT_ONCE))
            ops.wait_for(f"registry/{SPARE}", status="idle")
            killed_at: dict[str, float] = {}
            for name in names:
                time.sleep(APART_S)
                process = fleet.part(name).process
                killed_at[holders[name]], at = machine_now(), time.monotonic()
                os.kill(process.pid, signal.SIGKILL)
                seen.append(seen_gone(ops, name, at))
                told.append(ops.on(f"agents/{name}/presence")[-1].at - at)
            begun += [begun_elsewhere(fleet, task) - at for task, at in killed_at.items()]
    return Killed(
        Times.of_s(told), Times.of_s(seen), Times.of_s(begun), 1000 * (LEASE_S + MARGIN_S)
    )
