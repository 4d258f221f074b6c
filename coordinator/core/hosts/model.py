"""Hosts as the coordinator knows them, and what operators want of single agents.

Nothing of a host is stored: what it says is retained and repeated. What an operator asked of an
agent is.
"""

from dataclasses import dataclass, field

from protocol.messages import HostedAgent, HostOrder
from protocol.vocabulary import PresenceState


@dataclass(frozen=True, slots=True)
class HostedList:
    """The full list for one boot of a host, fixed by its rev."""

    host: str
    boot: str
    rev: int
    agents: tuple[HostOrder, ...]


@dataclass(slots=True)
class Host:
    """The supervisor of one machine."""

    name: str
    machine_id: str
    boot: str
    epoch: int
    conn: int = 0
    seq: int = 0
    presence: PresenceState = PresenceState.ONLINE
    stands_in: bool = False
    """Whether it runs the agents of machines that have no host."""
    heard_ms: int | None = None
    """Monotonic time at which it spoke last, itself and not through a broker's memory."""
    interval_ms: int = 5_000
    lost: bool = False
    timer_ms: int | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    agents: dict[str, HostedAgent] = field(default_factory=dict)
    rev: int = 0
    desired: HostedList | None = None

    @property
    def is_present(self) -> bool:
        """Whether it was heard in this term and nothing speaks against its being there."""
        return self.heard_ms is not None and not self.lost and self.presence is PresenceState.ONLINE


@dataclass(frozen=True, slots=True)
class Order:
    """What an operator asked for last: whether an agent runs, and since which start."""

    runs: bool
    start: int
    actor: str
    reason: str
