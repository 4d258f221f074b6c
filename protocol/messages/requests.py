"""What clients ask of the coordinator, and how it answers."""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from protocol.messages.base import (
    AgentName,
    Capability,
    Count,
    Flag,
    FromCoordinator,
    JsonObject,
    Label,
    Message,
    Millis,
    Mode,
    Seconds,
    TaskId,
    Text,
    Version,
)
from protocol.vocabulary import OnLeaseLost, PlanAction, Priority, SubmitOp

MAX_SPECS: Final = 5_000
MAX_TASKS: Final = 5_000

RequestId = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=128)]


class TaskSpec(Message):
    """What a task is, as its author says it.

    ``constraints`` and ``anti_pattern_rules`` hold the plan's rules for this one task, keyed by
    its ``name``; the coordinator checks them when the task is created.
    """

    name: Label
    mode: Mode
    agent: AgentName | None = None
    priority: Priority = Priority.NORMAL
    args: JsonObject = Field(default_factory=dict)
    capabilities: tuple[Capability, ...] = Field(default=(), max_length=64)
    constraints: JsonObject = Field(default_factory=dict)
    anti_pattern_rules: tuple[JsonObject, ...] = Field(default=(), max_length=32)
    daily_cap: Count | None = None
    weekly_cap: Count | None = None
    scheduled_for_ms: Millis | None = None
    expires_ms: Millis | None = None
    estimated_duration_s: Seconds | None = None
    run_limit_s: Seconds | None = None
    progress_limit_s: Seconds | None = None
    cancel_grace_s: Annotated[float, Field(strict=True, ge=0, le=3600)] = 5.0
    max_attempts: Annotated[int, Field(strict=True, ge=1, le=1000)] = 3
    on_lease_lost: OnLeaseLost = OnLeaseLost.STOP
    depends_on: tuple[TaskId, ...] = Field(default=(), max_length=64)
    concurrency_key: Label | None = None
    metadata: JsonObject = Field(default_factory=dict)
    trace: Text | None = None


class Submit(Message):
    """One request; the same ``request_id`` from the same client is answered as the first was.

    Another request under the same id is refused.
    """

    v: Version = "1.0"
    request_id: RequestId
    op: SubmitOp
    task: TaskId | None = None
    agent: AgentName | None = None
    fence: Count | None = None
    """For ``retry`` of work that may outlive its lease: the attempt whose holder is known dead."""
    spec: TaskSpec | None = None
    specs: tuple[TaskSpec, ...] = Field(default=(), max_length=MAX_SPECS)
    """What ``create_many`` creates."""
    tasks: tuple[TaskId, ...] = Field(default=(), max_length=MAX_TASKS)
    """What ``act_on_many`` and ``look`` are about."""
    verb: Literal["cancel", "pause", "resume", "retry"] | None = None
    """What ``act_on_many`` does."""
    by: Label | None = None
    """Who asks through this client; both are named in the fleet's story."""
    key: Label | None = None
    """A permit key, to be held or released; for ``look``, a reason."""
    plan: JsonObject | None = None
    plan_version: Count | None = None
    """The version that the plan was made from; another one in force is a conflict."""
    action: PlanAction = PlanAction.SHOW
    """What is asked of a plan."""
    of_version: Count | None = None
    """The stored plan that is asked about or to be put in force again, instead of ``plan``."""
    days: Annotated[float, Field(strict=True, gt=0, le=31)] = 7.0
    """How far a preview looks ahead."""
    for_s: Annotated[float, Field(strict=True, gt=0, le=1e9)] | None = None
    """How long an operator's verb holds; without it, one hour."""
    forever: Flag = False
    reason: Text | None = None


class Reply(FromCoordinator):
    """The answer to one request. An accepted create means that the task is stored."""

    request_id: RequestId
    ok: Flag
    code: Label | None = None
    message: Text | None = None
    task: TaskId | None = None
    data: JsonObject | None = None
    of: Label | None = None
    """A digest of the request that this answers, if it is remembered."""
