"""Tasks as the API shows them, and what is asked of them."""

from typing import Annotated, Any, Literal

from pydantic import Field

from coordinator.http.schemas.base import Asked, Fault, Instant, JsonObject, Moment, Said
from protocol.messages.base import AgentName, Capability, Count, Label, Mode, TaskId
from protocol.vocabulary import OnLeaseLost, Priority, TaskStatus

TaskVerb = Literal["cancel", "pause", "resume", "retry"]
Positive = Annotated[float, Field(gt=0, le=1e9)]
Reason = Annotated[str, Field(min_length=1, max_length=1000)]
MOST_AT_ONCE = 10_000


class Task(Said):
    """One task. Lists leave out ``args``, ``metadata`` and ``result`` of what is large."""

    id: str
    name: str
    mode: str
    agent_name: str | None = Field(
        default=None, description="Who holds or held it; before that, who alone may have it"
    )
    priority: Priority
    status: TaskStatus
    phase: str
    attempt: int = 0
    fence: int = 0
    pct: float | None = None
    step: str | None = None
    created_at: Instant
    scheduled_for: Instant | None = None
    started_at: Instant | None = None
    completed_at: Instant | None = None
    estimated_duration_s: float | None = None
    actual_duration_s: float | None = None
    constraints: JsonObject = {}
    anti_pattern_rules: list[JsonObject] = []
    daily_cap: int | None = None
    weekly_cap: int | None = None
    current_daily_count: int | None = Field(
        default=None, description="Of its own caps; null where it has none"
    )
    current_weekly_count: int | None = None
    error_count: int = 0
    last_error: str | None = None
    error_code: str | None = None
    blocked_by: list[str] = Field(default=[], description="Reasons why it waits, the first counts")
    result: Any = None
    metadata: JsonObject = {}
    args: JsonObject = {}
    depends_on: list[str] = []
    expires_at: Instant | None = None
    created_by: str | None = None
    parent: str | None = Field(default=None, description="The task that this one repeats")


class TaskCreation(Asked):
    """A task to be created; the seed's `create_schedule_task`."""

    id: TaskId | None = Field(default=None, description="Its id; one is made without it")
    name: Label
    mode: Mode
    agent_name: AgentName | None = Field(default=None, description="The only agent to have it")
    priority: Priority = Priority.NORMAL
    scheduled_for: Moment | None = None
    estimated_duration_s: Positive | None = None
    constraints: JsonObject = {}
    anti_pattern_rules: list[JsonObject] = Field(default=[], max_length=32)
    daily_cap: Count | None = None
    weekly_cap: Count | None = None
    metadata: JsonObject = {}
    args: JsonObject = {}
    capabilities: list[Capability] = Field(default=[], max_length=64)
    depends_on: list[TaskId] = Field(default=[], max_length=64)
    expires_at: Moment | None = None
    run_limit_s: Positive | None = None
    progress_limit_s: Positive | None = None
    cancel_grace_s: Annotated[float, Field(ge=0, le=3600)] | None = None
    max_attempts: Annotated[int, Field(ge=1, le=1000)] | None = None
    on_lease_lost: OnLeaseLost | None = None
    concurrency_key: Label | None = None


class BulkCreation(Asked):
    """Many tasks at once; what all have in common can stand in ``defaults``."""

    defaults: JsonObject = Field(default={}, description="Fields that a task does not give itself")
    tasks: list[JsonObject] = Field(min_length=1, max_length=MOST_AT_ONCE)


class RefusedTask(Said):
    """One of many that was not created."""

    index: int
    code: str
    errors: list[Fault]


class BulkAnswer(Said):
    """What became of many: ``ids`` in the order of the request, null for what was refused."""

    created: int
    ids: list[str | None]
    refused: list[RefusedTask] = []


class StatusUpdate(Asked):
    """What became of a task; the seed's `update_task_status`.

    From the agent that holds it over HTTP: running, completed, failed, or pct and step. From an
    operator: cancelled, paused, or pending (resume).
    """

    status: TaskStatus
    success: bool | None = Field(default=None, description="false with completed means failed")
    error: Annotated[str, Field(max_length=16_384)] | None = None
    error_code: Label | None = None
    retryable: bool = True
    result: Any = None
    pct: Annotated[float, Field(ge=0, le=100)] | None = None
    step: Annotated[str, Field(max_length=1024)] | None = None
    reason: Reason | None = None


class TaskAct(Asked):
    """Something that an operator does to one task."""

    verb: TaskVerb
    reason: Reason
    fence: int | None = Field(
        default=None,
        ge=0,
        description="To retry work that may outlive its lease: the attempt whose agent is dead",
    )


class TaskFilter(Asked):
    """Which tasks are meant, as in the query of the list."""

    status: list[TaskStatus] = []
    priority: list[Priority] = []
    mode: list[str] = []
    agent: str | None = None
    name: str | None = None
    q: Annotated[str, Field(max_length=200)] | None = None


class TaskActs(Asked):
    """Something that an operator does to many tasks, named or filtered; first as a preview."""

    verb: TaskVerb
    reason: Reason
    ids: list[TaskId] | None = Field(default=None, max_length=MOST_AT_ONCE)
    filter: TaskFilter | None = None
    dry_run: bool = Field(default=False, description="Only count, and name the first")


class RefusedAct(Said):
    """One of many tasks with which it could not be done."""

    id: str
    code: str
    detail: str


class ActsAnswer(Said):
    """What was, or with ``dry_run`` would be, done to how many."""

    dry_run: bool
    matched: int
    done: int
    skipped: int = Field(description="Their status does not allow it")
    first: list[str] = Field(description="Names of the first of them")
    by_status: dict[str, int]
    refused: list[RefusedAct] = []


class TaskMade(Task):
    """A task that is stored."""


class AttemptRow(Said):
    """One time that a task was lent to an agent."""

    fence: int
    agent: str
    outcome: str
    offered_at: Instant
    started_at: Instant | None = None
    ended_at: Instant | None = None
    ran_s: float | None = None


class Story(Said):
    """Everything that happened to a task."""

    task: str
    attempts: list[AttemptRow]
    events: list[JsonObject] = Field(description="As in the list of events, oldest first")
