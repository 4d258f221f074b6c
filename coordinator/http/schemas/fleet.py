"""The fleet as a whole: numbers, limits, events, and the state of the coordinator."""

from typing import Annotated, Literal

from pydantic import Field

from coordinator.http.schemas.base import Asked, Instant, JsonObject, Said, instant
from protocol.vocabulary import AgentHealth, AgentStatus, Priority, TaskStatus

Coordination = Literal["recovering", "online", "draining", "safe", "offline", "unknown"]


class CoordinatorView(Said):
    """Who coordinates the fleet, and how it is."""

    state: Coordination
    term: int = 0
    name: str | None = None
    reason: str | None = Field(default=None, description="Why it is `safe`, and what to do")
    since: Instant | None = Field(default=None, description="When it last said so")


class Limit(Said):
    """One limit of what may run at once."""

    key: str
    max: int
    used: int
    holders: list[str] = Field(default=[], description="Ids of tasks, the first 64")
    queued_behind: int | None = Field(default=None, description="Waiting tasks it holds back")
    frees_at: Instant | None = None
    held: "OperatorHold | None" = None


class OperatorHold(Said):
    """An operator lets nothing new have a place."""

    reason: str
    actor: str
    until: Instant | None = None


class Cap(Said):
    """How often something ran in the present day or week, and how often it may."""

    key: str
    unit: str
    used: float
    max: float | None = None
    resets_at: Instant | None = None


class Limits(Said):
    """All limits and caps."""

    limits: list[Limit]
    caps: list[Cap]
    fleet_pause: OperatorHold | None = None
    stale: bool = False


class Summary(Said):
    """The fleet in numbers: the seed's registry summary and schedule summary."""

    fleet_name: str
    plan_version: int
    as_of: Instant | None
    total_agents: int
    online_agents: int
    busy_agents: int
    healthy_agents: int
    agents_by_status: dict[AgentStatus, int]
    agents_by_health: dict[AgentHealth, int]
    total_tasks: int
    pending_tasks: int
    running_tasks: int
    completed_tasks: int
    failed_tasks: int
    cancelled_tasks: int
    paused_tasks: int
    tasks_by_priority: dict[Priority, int]
    tasks_by_status: dict[TaskStatus, int]
    tasks_by_mode: dict[str, int]
    blocked_by: dict[str, int] = Field(description="How many tasks wait for which reason")
    limits: list[Limit]
    dropped: dict[str, int] = Field(description="Messages that were ignored, by reason")
    coordinator: CoordinatorView
    bus: bool = Field(description="Whether the control room hears the bus")
    stale: bool


class Event(Said):
    """One line of the fleet's story; numbers have no gaps."""

    number: int
    at: Instant
    kind: str
    subject: str | None = None
    text: str
    data: JsonObject = {}


class Health(Said):
    """How the fleet's own parts are; `ok`, or the worst of what is wrong."""

    status: Literal["ok", "degraded", "down"]
    coordinator: CoordinatorView
    bus: bool
    store: bool
    store_error: str | None = None
    agents_by_health: dict[str, int]
    unhealthy: list[str] = Field(description="Names of agents that are not healthy, the first 50")
    behind_s: float = Field(description="Age of the newest word of the coordinator")


class LimitAct(Asked):
    """Hold a limit, so that nothing new has a place, or release it."""

    verb: Literal["hold", "release"]
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    for_s: Annotated[float, Field(gt=0, le=1e9)] | None = None
    forever: bool = False


class FleetAct(Asked):
    """Something that an operator does to the whole fleet."""

    verb: Literal["pause", "resume", "reset_budget"]
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    for_s: Annotated[float, Field(gt=0, le=1e9)] | None = None
    forever: bool = False


class Why(Said):
    """The answer to a question why; its words are those of docs/scheduling.md."""

    as_of: Instant | None = None
    answer: JsonObject

    @classmethod
    def of(cls, answer: JsonObject | None) -> "Why":
        """Make it of the coordinator's answer."""
        said = dict(answer or {})
        return cls(as_of=instant(said.get("as_of_ms")), answer=said)


class Schedule(Said):
    """A recurring task of the plan."""

    name: str
    definition: JsonObject
    runs_made: int | None = None
    last_planned_for: Instant | None = None
    next_at: Instant | None = None
    paused: bool = False
