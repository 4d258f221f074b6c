"""What the shell must do, as values, in this order.

A ``StartHandler`` is only leave to start: the executing side must check ``deadline_ms`` as its
first act and on waking, and guard it by itself, because the loop that decides here may be frozen.
"""

from dataclasses import dataclass
from typing import TypeAlias

from agent_client.core.fence import Fence
from agent_client.core.outbox import StoredReport
from agent_client.core.outcomes import StopWhy
from agent_client.messages import Assignment, Holding, Seen


@dataclass(frozen=True, slots=True)
class StartHandler:
    """Start the work of ``assignment`` if ``deadline_ms`` still lies ahead."""

    fence: Fence
    assignment: Assignment
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class ExtendDeadline:
    """The lease was renewed: the handler may run until ``deadline_ms``."""

    fence: Fence
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class StopHandler:
    """Ask the handler to stop."""

    fence: Fence
    why: StopWhy


@dataclass(frozen=True, slots=True)
class KillHandler:
    """End the handler by force, as far as it can be done."""

    fence: Fence


@dataclass(frozen=True, slots=True)
class PauseHandler:
    """Ask the handler to rest."""

    fence: Fence


@dataclass(frozen=True, slots=True)
class ResumeHandler:
    """Let the handler go on."""

    fence: Fence


@dataclass(frozen=True, slots=True)
class SendReport:
    """Publish this report; it stays in the outbox until it is acknowledged."""

    report: StoredReport


@dataclass(frozen=True, slots=True)
class ForgetReports:
    """These reports are stored by the coordinator."""

    reports: tuple[StoredReport, ...]


@dataclass(frozen=True, slots=True)
class SendHeartbeat:
    """Publish heartbeat ``seq``; its time of sending is already noted, never later than true."""

    seq: int
    holding: tuple[Holding, ...]
    seen: Seen
    mode: str | None
    slots_free: int
    report_seq: int
    outbox: int


@dataclass(frozen=True, slots=True)
class StatePresence:
    """The presence has changed: publish it."""


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Make a new connection."""

    reason: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Say goodbye and go; ``left`` still executes, because it could not be ended."""

    reason: str
    left: tuple[Fence, ...] = ()


Effect: TypeAlias = (
    StartHandler
    | ExtendDeadline
    | StopHandler
    | KillHandler
    | PauseHandler
    | ResumeHandler
    | SendReport
    | ForgetReports
    | SendHeartbeat
    | StatePresence
    | Reconnect
    | Leave
)
