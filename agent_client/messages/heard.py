"""What the coordinator says to an agent; every field is checked when it is read."""

from dataclasses import dataclass, field
from typing import Annotated

from agent_client.fields import (
    AgentName,
    BootId,
    Count,
    JsonObject,
    Label,
    Seconds,
    TaskId,
    Text,
    Word,
)
from agent_client.messages.envelopes import FromCoordinator
from agent_client.strict import Range
from protocol.vocabulary import AgentMode, CoordinatorState, OnLeaseLost, Want


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One task that the agent should hold, under the fence that makes it this agent's alone."""

    task: TaskId
    name: Label
    mode: Word
    fence: Count
    lease_s: Annotated[float, Range(0, 1e7, above=True)]
    margin_s: Seconds
    want: Want = Want.RUN
    args: JsonObject = field(default_factory=dict)
    run_limit_s: Seconds | None = None
    progress_limit_s: Seconds | None = None
    cancel_grace_s: Seconds = 5.0
    on_lease_lost: OnLeaseLost = OnLeaseLost.STOP
    trace: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired(FromCoordinator):
    """The full desired state of this agent."""

    rev: Count
    for_boot: BootId
    as_of: Count
    mode: AgentMode = AgentMode.ACTIVE
    report_ack: dict[BootId, Count] = field(default_factory=dict)
    tasks: tuple[Assignment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A fence whose lease is renewed."""

    task: TaskId
    fence: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease(FromCoordinator):
    """The answer to heartbeat ``as_of`` of ``boot``: renewed are ``granted``, and no other."""

    boot: BootId
    as_of: Count
    rev: Count
    granted: tuple[Granted, ...] = ()
    report_ack: dict[BootId, Count] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatorPresence(FromCoordinator):
    """Whether the coordinator is there."""

    state: CoordinatorState
    reason: Text | None = None
    settles_in_s: Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RollCall(FromCoordinator):
    """A request to every agent to state itself, after at most ``jitter_ms``."""

    jitter_ms: Count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry(FromCoordinator):
    """What an agent reads of the card that the coordinator keeps of it; people read the rest."""

    agent: AgentName
    machine_id: Text | None = None
    window_id: Text | None = None
    epoch: Count = 0
