"""What is seen of the fleet at one moment, for the judge of alerts: values, and no more."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from protocol.vocabulary import AgentHealth, CoordinatorState


class AgentSeen(NamedTuple):
    """One agent, as its card shows it."""

    name: str
    machine: str = ""
    window: str = ""
    is_gone: bool = False
    """It was lost; an agent that said goodbye is not."""
    is_present: bool = True
    health: AgentHealth = AgentHealth.HEALTHY
    reasons: tuple[str, ...] = ()
    in_maintenance: bool = False


class Waiting(NamedTuple):
    """Tasks that wait for one reason, as the coordinator explains them."""

    code: str
    tasks: int
    oldest: str = ""
    """The task that waits for longest."""
    oldest_since_ms: int | None = None
    since_ms: int | None = None
    """Since when somebody has waited for this reason."""


class FailedTask(NamedTuple):
    """A task that failed for good since the last look."""

    task: str
    mode: str
    code: str = ""
    agent: str | None = None


class Happening(NamedTuple):
    """A line of the fleet's story that is new since the last look."""

    number: int
    at_ms: int
    kind: str
    subject: str | None = None
    text: str = ""
    data: Mapping[str, object] = {}


class Room(NamedTuple):
    """A limit, and how much of it is used."""

    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that is known now. What is not known is ``None`` and is not judged."""

    bus: bool = True
    store: bool = True
    """Whether the store can be read; a store that was never there is no trouble."""
    coordinator: CoordinatorState | None = None
    coordinator_reason: str = ""
    agents: tuple[AgentSeen, ...] | None = None
    waiting: tuple[Waiting, ...] | None = None
    limits: Mapping[str, Room] | None = None
    failed: tuple[FailedTask, ...] = ()
    happenings: tuple[Happening, ...] = ()
    restarts: Mapping[str, int] = field(default_factory=dict)
    """Agent to how often it started anew in the last minutes."""
