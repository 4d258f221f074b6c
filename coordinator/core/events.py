"""What can happen to the fleet, in the past tense.

Agents' messages come as they were said (:class:`~protocol.messages.Heartbeat` and the others are
events themselves, wrapped in :class:`Heard` to say whether the broker only remembered them).
"""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from coordinator.core.policy import Policy
from coordinator.core.tasks import Task
from protocol.messages import (
    Heartbeat,
    HostActual,
    HostMetrics,
    HostPresence,
    Info,
    Metrics,
    Presence,
    Reply,
    Report,
    Submit,
)

FromAgents: TypeAlias = Presence | Info | Heartbeat | Metrics | Report
FromHosts: TypeAlias = HostPresence | HostActual | HostMetrics


class Heard(NamedTuple):
    """An agent or a host spoke; ``retained`` if the broker may only have remembered it.

    What was remembered teaches who exists and never that somebody is alive.
    """

    message: FromAgents | FromHosts
    retained: bool = False


class Submitted(NamedTuple):
    """A client asked.

    ``earlier`` is the answer that the same request got before, if any; ``past`` are tasks that it
    names and that are over for so long that only the store knows them.
    """

    client: str
    request: Submit
    earlier: Reply | None = None
    past: tuple[Task, ...] = ()


class Ticked(NamedTuple):
    """Time passed, and something may be due."""


class Stalled(NamedTuple):
    """The coordinator or its bus stood still for ``ms``: nobody else is to blame for silence."""

    ms: int


class Restored(NamedTuple):
    """The store is an older one, put back: what was lent since is not in it.

    Whatever was lent by the one before may still be held for up to ``quiet_ms``.
    """

    quiet_ms: int


class BusConnected(NamedTuple):
    """The bus is there (again): everything retained must be stated anew."""


@dataclass(frozen=True, slots=True)
class PlanSource:
    """Where a plan comes from: its document as written, who wants it, and why."""

    document: bytes
    client: str
    request: Submit
    warnings: tuple[str, ...] = ()
    rollback_of: int | None = None
    """The earlier version that this is a repetition of."""


@dataclass(frozen=True, slots=True)
class PlanApplied:
    """A new plan is in force; with a ``source``, if it was made from the one in force."""

    policy: Policy
    source: PlanSource | None = None


class Noted(NamedTuple):
    """Something outside of the core belongs to the fleet's story."""

    kind: str
    subject: str | None
    text: str
    data: dict[str, object]


class Stopping(NamedTuple):
    """The coordinator is about to stop: nothing new is offered."""


Event: TypeAlias = (
    Heard | Submitted | Ticked | Stalled | Restored | BusConnected | PlanApplied | Noted | Stopping
)
