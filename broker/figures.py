"""What the broker counts of itself, published under ``$SYS/broker/`` where clients only read."""

from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Final

from broker.message import Message

TREE: Final = "$SYS/broker"


@dataclass(slots=True)
class Figures:
    """Running totals since the start."""

    bytes_received: int = 0
    bytes_sent: int = 0
    publishes_received: int = 0
    publishes_sent: int = 0
    publishes_dropped: int = 0
    connections_made: int = 0
    slow_consumers: int = 0
    floods: int = 0
    protocol_errors: int = 0


@dataclass(frozen=True, slots=True)
class Census:
    """What there is at this moment."""

    uptime_s: int
    connected: int
    sessions: int
    subscriptions: int
    retained: int


@cache
def version(distribution: str) -> str:
    """Say which version of *distribution* this is."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:  # run from a folder, not installed
        return "unknown"


def messages(figures: Figures, census: Census) -> list[Message]:
    """Say *figures* and *census* in messages; the names are mosquitto's where it has one."""
    values = {
        "version": f"fleetbus {version('fleetbus')}",
        "uptime": f"{census.uptime_s} seconds",
        "clients/connected": census.connected,
        "clients/total": census.sessions,
        "subscriptions/count": census.subscriptions,
        "retained messages/count": census.retained,
        "bytes/received": figures.bytes_received,
        "bytes/sent": figures.bytes_sent,
        "publish/messages/received": figures.publishes_received,
        "publish/messages/sent": figures.publishes_sent,
        "publish/messages/dropped": figures.publishes_dropped,
        "connections/made": figures.connections_made,
        "connections/slow consumers": figures.slow_consumers,
        "connections/floods": figures.floods,
        "connections/protocol errors": figures.protocol_errors,
    }
    return [
        Message(f"{TREE}/{name}", str(value).encode(), 0, retain=True)
        for name, value in values.items()
    ]
