"""When a part is ready: the broker says so itself, the others by their presence on the bus.

A presence may be retained from an earlier life, on a broker that is not ours. So what was there
before the part was started does not count.
"""

import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from coordinator.cli.fleet_state import FleetState
from protocol.vocabulary import CoordinatorState, PresenceState


@dataclass(frozen=True, slots=True)
class BrokerPorts:
    """Where the embedded broker listens."""

    mqtt: int
    ws: int


def broker_ports(lines: Iterable[str]) -> BrokerPorts | None:
    """Find the line in which the broker says that it is ready."""
    for line in lines:
        if line.startswith("{"):
            with contextlib.suppress(ValueError, KeyError, TypeError):
                ports = json.loads(line)
                return BrokerPorts(int(ports["mqtt_port"]), int(ports["ws_port"]))
    return None


@dataclass(frozen=True, slots=True)
class Before:
    """Who had spoken before we started anything."""

    term: int = -1
    coord: str | None = None
    boots: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, state: FleetState) -> "Before":
        """Note what is retained in *state*."""
        term = state.coordinator.term if state.coordinator else -1
        coord = state.coordinator.coord if state.coordinator else None
        return cls(term, coord, frozenset(presence.boot for presence in state.presences.values()))

    def coordinator_is_up(self, state: FleetState) -> bool:
        """Whether a coordinator of a new term takes requests, or a new one says why it cannot."""
        presence = state.coordinator
        if presence is None:
            return False
        if presence.state is CoordinatorState.SAFE:
            return presence.coord != self.coord  # it begins no term
        return presence.term > self.term and presence.state in {
            CoordinatorState.RECOVERING,
            CoordinatorState.ONLINE,
        }

    def agent_is_up(self, state: FleetState, name: str) -> bool:
        """Whether a new boot of agent *name* is there."""
        presence = state.presences.get(name)
        return (
            presence is not None
            and presence.boot not in self.boots
            and presence.state not in {PresenceState.OFFLINE, PresenceState.LOST}
        )
