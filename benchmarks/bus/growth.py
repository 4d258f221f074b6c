"""What a heartbeat costs the coordinator while ever more agents send them."""

from dataclasses import dataclass
from typing import Final

from benchmarks.bus import heartbeats

SIZES: Final = (10, 100, 1_000, 10_000)
BEATS: Final = 20_000


@dataclass(frozen=True)
class Growth:
    us_per_heartbeat_10_agents: float
    us_per_heartbeat_100_agents: float
    us_per_heartbeat_1000_agents: float
    us_per_heartbeat_10000_agents: float
    ratio_10000_to_10: float


def measure(kind: str) -> Growth:
    """Send as many heartbeats from each number of agents."""
    few, some, many, most = [
        heartbeats.measure(kind, size, max(1, BEATS // size)).coordinator_us_per_heartbeat
        for size in SIZES
    ]
    return Growth(few, some, many, most, most / few)
