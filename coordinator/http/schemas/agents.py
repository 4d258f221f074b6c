"""Agents as the API shows them, and what is asked of them."""

from typing import Annotated, Literal

from pydantic import Field

from coordinator.http.schemas.base import Asked, Instant, JsonObject, Said
from protocol.messages.base import AgentName, Capability, Label, TaskId, Text
from protocol.vocabulary import AgentHealth, AgentMode, AgentStatus

MetricName = Annotated[str, Field(pattern=r"^[a-z0-9_.]{1,64}$")]
AgentVerb = Literal["cordon", "drain", "maintenance", "return", "start", "stop", "restart"]


class OperatorVerb(Said):
    """What an operator did to an agent; without ``until`` it is for ever."""

    verb: str
    reason: str
    actor: str
    until: Instant | None = None


class Agent(Said):
    """One agent, as the coordinator sees it and as it states itself."""

    name: str
    machine_id: str | None = None
    window_id: str | None = None
    status: AgentStatus
    health: AgentHealth
    reasons: list[str] = []
    suspect: bool = False
    capabilities: list[str] = []
    current_mode: str | None = None
    desired_mode: AgentMode = AgentMode.ACTIVE
    slots: int = 1
    holds: list[str] = Field(default=[], description="Ids of the tasks that it holds")
    last_heartbeat: Instant | None = None
    uptime_s: float | None = None
    performance_metrics: dict[str, float] = {}
    error_count: int = Field(default=0, description="Failures of today, in the plan's zone")
    last_error: str | None = None
    registration_time: Instant | None = Field(
        default=None, description="When the present process of the agent introduced itself"
    )
    config_path: str | None = None
    session_data: JsonObject = Field(
        default={}, description="`boot`, `conn`, `outbox`: of the agent's present process"
    )
    labels: dict[str, str] = {}
    epoch: int = 0
    client: JsonObject | None = Field(
        default=None, description="The client library: `name`, `version`, `lang`"
    )
    operator: OperatorVerb | None = None


class AgentRegistration(Asked):
    """An agent that speaks HTTP introduces itself."""

    name: AgentName
    machine_id: Label
    window_id: Label
    capabilities: list[Capability] = Field(default=[], max_length=64)
    config_path: Text | None = None
    labels: dict[Label, Text] = Field(default={}, max_length=64)
    slots: Annotated[int, Field(ge=1, le=16)] = 1
    heartbeat_s: Annotated[float, Field(ge=0.05, le=3600)] | None = Field(
        default=None, description="How often it will beat; the plan's interval without it"
    )


class AgentHeartbeat(Asked):
    """A sign of life; the seed's `update_agent_heartbeat`."""

    status: AgentStatus | None = Field(
        default=None, description="Of these `maintenance` and `error` keep new tasks away"
    )
    mode: Label | None = None
    metrics: dict[MetricName, float] = Field(default={}, max_length=200)
    last_error: Text | None = None


class HeldTask(Said):
    """A task that an HTTP agent holds, and how long it may go on without another heartbeat."""

    task: TaskId
    fence: int
    want: Literal["run", "pause", "cancel"] = "run"
    lease_left_s: float


class HeartbeatAnswer(Said):
    """What the coordinator answered to a heartbeat."""

    agent: str
    status: AgentStatus
    health: AgentHealth
    desired_mode: AgentMode
    holds: list[HeldTask] = []
    next_within_s: float = Field(description="Beat again within this time")


class AgentAct(Asked):
    """Something that an operator does to an agent."""

    verb: AgentVerb
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    for_s: Annotated[float, Field(gt=0, le=1e9)] | None = Field(
        default=None,
        description="How long cordon, drain or maintenance hold; an hour without it",
    )
    forever: bool = False
