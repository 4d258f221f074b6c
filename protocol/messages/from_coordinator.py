"""What the coordinator says: to one agent (desired, lease), of itself, and of the fleet."""

from typing import Annotated

from pydantic import Field

from protocol.messages.base import (
    AgentName,
    BootId,
    Capability,
    Count,
    Flag,
    FromCoordinator,
    JsonObject,
    Label,
    Message,
    Millis,
    Mode,
    Percent,
    Seconds,
    TaskId,
    Text,
)
from protocol.vocabulary import (
    AgentHealth,
    AgentMode,
    AgentStatus,
    CoordinatorState,
    OnLeaseLost,
    Priority,
    TaskStatus,
    Want,
)


class Assignment(Message):
    """One task that the agent should hold, under the fence that makes it this agent's alone."""

    task: TaskId
    name: Label
    mode: Mode
    fence: Count
    lease_s: Annotated[float, Field(strict=True, gt=0, le=1e7)]
    margin_s: Seconds
    want: Want = Want.RUN
    args: JsonObject = Field(default_factory=dict)
    run_limit_s: Seconds | None = None
    progress_limit_s: Seconds | None = None
    cancel_grace_s: Seconds = 5.0
    on_lease_lost: OnLeaseLost = OnLeaseLost.STOP
    trace: Text | None = None


class Desired(FromCoordinator):
    """The full desired state of one agent; the same ``rev`` always has the same bytes.

    ``as_of`` is the newest heartbeat of ``for_boot`` that the coordinator has processed in this
    term: every assignment here is granted as of it. ``report_ack`` acknowledges, per boot, every
    report up to and including that number.
    """

    rev: Count
    for_boot: BootId
    as_of: Count
    mode: AgentMode = AgentMode.ACTIVE
    report_ack: dict[BootId, Count] = Field(default_factory=dict)
    tasks: tuple[Assignment, ...] = ()


class Granted(Message):
    """A fence whose lease is renewed."""

    task: TaskId
    fence: Count


class Lease(FromCoordinator):
    """The answer to heartbeat ``as_of`` of ``boot``: renewed are ``granted``, and no other."""

    boot: BootId
    as_of: Count
    rev: Count
    granted: tuple[Granted, ...] = ()
    report_ack: dict[BootId, Count] = Field(default_factory=dict)


class CoordinatorPresence(FromCoordinator):
    """Whether the coordinator is there; with ``state`` offline, also its last will."""

    state: CoordinatorState
    reason: Text | None = None
    settles_in_s: Seconds | None = None


class RollCall(FromCoordinator):
    """A request to every agent to state itself, after at most ``jitter_ms``."""

    jitter_ms: Count = 0


class OperatorVerb(Message):
    """What an operator did to an agent; without ``until_ms`` it is for ever."""

    verb: Label
    reason: Text = ""
    actor: Text = ""
    until_ms: Millis | None = None


class Registry(FromCoordinator):
    """The coordinator's view of one agent: the card that people read."""

    agent: AgentName
    status: AgentStatus
    health: AgentHealth
    reasons: tuple[Text, ...] = ()
    suspect: Flag = False
    mode: Text | None = None
    desired_mode: AgentMode = AgentMode.ACTIVE
    machine_id: Text | None = None
    window_id: Text | None = None
    capabilities: tuple[Capability, ...] = ()
    slots: Count = 1
    holds: tuple[TaskId, ...] = ()
    last_heartbeat_ms: Millis | None = None
    errors_today: Count = 0
    last_error: Text | None = None
    epoch: Count = 0
    operator: OperatorVerb | None = None


class TaskError(Message):
    """The last failure of a task."""

    code: Label
    message: str = ""


class TaskView(FromCoordinator):
    """The coordinator's view of one task."""

    task: TaskId
    name: Label
    mode: Mode
    priority: Priority
    status: TaskStatus
    phase: Label
    agent: AgentName | None = None
    fence: Count = 0
    attempt: Count = 0
    pct: Percent | None = None
    step: Text | None = None
    result: object | None = None
    error: TaskError | None = None
    blocked_by: tuple[Label, ...] = ()
    created_ms: Millis
    scheduled_for_ms: Millis | None = None
    started_ms: Millis | None = None
    completed_ms: Millis | None = None


class LimitView(Message):
    """One limit: how much of it is used, and by whom."""

    max: Count
    used: Count
    holders: tuple[TaskId, ...] = ()
    frees_at_ms: Millis | None = None


class PoolView(Message):
    """One pool: how many agents it has and may have, what waits for them, and why so many."""

    size: Count
    ready: Count
    min: Count
    max: Count
    target_wait_s: Seconds
    waiting: Count = 0
    wait_s: Seconds = 0.0
    text: Text = ""


class Summary(FromCoordinator):
    """The fleet in numbers."""

    fleet_name: Text
    plan_version: Count = 0
    total_agents: Count
    online_agents: Count
    busy_agents: Count
    healthy_agents: Count
    agents_by_status: dict[str, Count]
    agents_by_health: dict[str, Count]
    total_tasks: Count
    pending_tasks: Count
    running_tasks: Count
    completed_tasks: Count
    failed_tasks: Count
    tasks_by_status: dict[str, Count]
    tasks_by_priority: dict[str, Count]
    tasks_by_mode: dict[str, Count]
    blocked_by: dict[str, Count] = Field(default_factory=dict)
    limits: dict[str, LimitView]
    pools: dict[str, PoolView] = Field(default_factory=dict)
    dropped: dict[str, Count] = Field(default_factory=dict)


class FleetEvent(FromCoordinator):
    """One line of the fleet's story; ``number`` has no gaps within a store."""

    number: Count
    kind: Label
    subject: Text | None = None
    text: Text = ""
    data: JsonObject = Field(default_factory=dict)
