"""SIGSTOP of agents: their connections stay open, and only their silence tells."""

import signal
import time
from dataclasses import dataclass
from typing import Final

from benchmarks.deaths.scene import HEARTBEAT_S, LEASE_S, MARGIN_S, Times, fleet_of, seen_gone

LEASES: Final = {"heartbeat": HEARTBEAT_S, "lease_s": LEASE_S, "margin_s": MARGIN_S}


@dataclass(frozen=True)
class Frozen:
    seen: Times
    p50_heartbeats: float
    worst_heartbeats: float


def measure(kind: str, samples: int) -> Frozen:
    """Stop agents at different moments between two of their heartbeats."""
    names = [f"Agent-{n}" for n in range(samples)]
    with fleet_of(kind, names, LEASES) as (fleet, ops):
        stopped_at: dict[str, float] = {}
        for name in names:
            time.sleep(1.13 * HEARTBEAT_S / samples)
            stopped_at[name] = time.monotonic()
            fleet.part(name).process.send_signal(signal.SIGSTOP)
        took = [seen_gone(ops, name, at) for name, at in stopped_at.items()]
        for name in names:
            fleet.part(name).kill()
    seen = Times.of_s(took)
    beat_ms = 1000 * HEARTBEAT_S
    return Frozen(seen, seen.p50_ms / beat_ms, seen.worst_ms / beat_ms)
