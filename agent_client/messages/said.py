"""What an agent says of itself and its work; presence is read as well, also a successor's."""

from dataclasses import dataclass
from typing import Any

from agent_client.fields import (
    BootId,
    Count,
    Label,
    LongText,
    Percent,
    Seconds,
    Text,
)
from agent_client.messages.envelopes import FromAgent
from protocol.vocabulary import HoldingPhase, PresenceState


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence(FromAgent):
    """Whether the agent is there; also, with ``state`` lost, its last will."""

    state: PresenceState
    reason: Text | None = None
    prev_boot: BootId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One assignment that the agent holds, from acceptance until its end is acknowledged."""

    task: str
    fence: int
    phase: HoldingPhase
    pct: float | None = None
    step: str | None = None
    for_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The newest ``desired`` that the agent applied, and the age of its newest lease."""

    term: int = 0
    rev: int = 0
    lease_age_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDetail:
    """What belongs to the event: the failure, the progress, or the result."""

    code: Label | None = None
    message: LongText | None = None
    retryable: bool | None = None
    retry_after_s: Seconds | None = None
    pct: Percent | None = None
    step: Text | None = None
    eta_s: Seconds | None = None
    result: Any = None
    ran_ms: Count | None = None
