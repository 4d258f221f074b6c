"""What can happen to an agent, as values."""

from dataclasses import dataclass
from typing import TypeAlias

from agent_client.core.fence import Fence
from agent_client.core.outcomes import Outcome
from agent_client.messages import Desired, Lease
from protocol.vocabulary import CoordinatorState, PresenceState


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed; due whenever :meth:`Machine.next_due` says."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker has accepted a connection and its subscriptions."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection is gone."""


@dataclass(frozen=True, slots=True)
class RollCalled:
    """The coordinator wants everybody to state themselves, and the jitter is over."""


@dataclass(frozen=True, slots=True)
class DesiredReceived:
    """The coordinator said what this agent should have."""

    desired: Desired


@dataclass(frozen=True, slots=True)
class LeaseReceived:
    """The coordinator answered a heartbeat."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class CoordinatorSeen:
    """The coordinator said how it is itself."""

    state: CoordinatorState


@dataclass(frozen=True, slots=True)
class HandlerStarted:
    """The executing side looked at the deadline as its first act, and began at ``at_ms``."""

    fence: Fence
    at_ms: int


@dataclass(frozen=True, slots=True)
class HandlerNotStarted:
    """The executing side looked at the deadline as its first act, and it was too late."""

    fence: Fence


@dataclass(frozen=True, slots=True)
class HandlerProgressed:
    """The handler said how far it is."""

    fence: Fence
    pct: float | None = None
    step: str | None = None
    eta_s: float | None = None


@dataclass(frozen=True, slots=True)
class HandlerPaused:
    """The handler has really come to rest."""

    fence: Fence


@dataclass(frozen=True, slots=True)
class HandlerResumed:
    """The handler works again."""

    fence: Fence


@dataclass(frozen=True, slots=True)
class HandlerEnded:
    """Nothing of this assignment executes any more."""

    fence: Fence
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class LeaveAsked:
    """The process wants to go: finish until ``stop_at_ms``, be gone at ``leave_by_ms``."""

    stop_at_ms: int
    leave_by_ms: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StateAsked:
    """The bot wants to be online, paused or draining, as far as it is for the bot to say."""

    state: PresenceState


Event: TypeAlias = (
    Tick
    | Connected
    | Disconnected
    | RollCalled
    | DesiredReceived
    | LeaseReceived
    | CoordinatorSeen
    | HandlerStarted
    | HandlerNotStarted
    | HandlerProgressed
    | HandlerPaused
    | HandlerResumed
    | HandlerEnded
    | LeaveAsked
    | StateAsked
)
