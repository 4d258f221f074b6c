"""The fleet plan as a person writes it: every key there is, and nothing else.

The plan's zone is UTC unless ``timezone`` says otherwise: a file means the same on every machine,
and the machine's own zone is never asked. What a key means is in the documentation of the plan;
what the parts must be to each other is in :mod:`coordinator.plan.checks`.
"""

import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)

from coordinator.plan.base import Part
from coordinator.plan.hours import Schedule, SchedulePreferences, ScheduleWindow
from coordinator.plan.pools import Pool
from coordinator.plan.problems import did_you_mean
from coordinator.plan.rules import Rule
from coordinator.plan.thresholds import Thresholds
from coordinator.plan.upkeep import (
    Backup,
    Leases,
    Monitoring,
    Notifications,
    Retention,
    Scheduling,
)
from coordinator.plan.values import (
    Agent,
    AtLeastOne,
    Clock,
    Limit,
    Name,
    PoolName,
    Text,
    Weekday,
    Word,
    Zone,
    refusal,
    unknown_keys,
)
from protocol.vocabulary import AgentHealth, Priority

MODE_LIMIT: Final = "max_concurrent_"

_SCOPE: Final = re.compile(r"fleet|mode:[a-z0-9][\w.-]*|agent:[A-Za-z0-9][\w-]*|name:.+", re.ASCII)


def _cap_scope(scope: str) -> str:
    if _SCOPE.fullmatch(scope):
        return scope
    word = scope.rpartition(":")[2]
    hint = did_you_mean(scope, ["fleet"])
    raise refusal(
        "must be fleet, mode:<mode>, agent:<name> or name:<task name>",
        hint or f"did you mean 'mode:{word}'?",
    )


CapScope = Annotated[str, AfterValidator(_cap_scope)]


class CountedCap(Part):
    """A cap that says what it counts."""

    limit: Limit
    count: Literal["started", "completed"] = "started"


def _cap_form(value: object) -> str:
    return "object" if isinstance(value, dict | CountedCap) else "number"


Caps = dict[
    CapScope,
    Annotated[
        Annotated[Limit, Tag("number")] | Annotated[CountedCap, Tag("object")],
        Discriminator(_cap_form),
    ],
]


class AgentPlan(Part):
    """One agent: where it is, what it can do, and when."""

    name: Agent
    machine_id: Annotated[str, StringConstraints(max_length=128)] = ""
    window_id: Annotated[str, StringConstraints(max_length=128)] = ""
    mode: Word | None = None
    capabilities: Annotated[tuple[Word, ...], Field(max_length=64)] = ()
    config_path: Annotated[str, StringConstraints(min_length=1, max_length=1024)] | None = None
    priority: Priority = Priority.NORMAL
    auto_start: bool = False
    command: Annotated[tuple[str, ...], Field(min_length=1, max_length=256)] | None = None
    heartbeat_interval: Annotated[float, Field(ge=0.1, le=3600)] | None = None
    """Seconds; without it, ``leases.heartbeat``."""
    slots: AtLeastOne | None = None
    timezone: Zone | None = None
    performance_thresholds: Thresholds = Thresholds()
    schedule_preferences: SchedulePreferences = SchedulePreferences()
    description: Text = ""


class GlobalConstraints(Part):
    """What holds for the fleet as a whole; ``max_concurrent_<mode>`` is a limit of any mode."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Limit] = Field(init=False)  # type: ignore[mutable-override]  # pydantic checks extra keys by it

    max_concurrent_agents: Limit | None = None
    max_concurrent_keys: dict[Name, Limit] = Field(default_factory=dict)
    min_agent_health: AgentHealth | None = None
    """The least health an agent must have to be given work; ``unknown`` asks for none."""
    allow_unknown_health: bool = False
    """Whether an agent that has sent no metrics yet may be given work all the same."""
    max_daily_errors: Limit | None = None
    max_weekly_errors: Limit | None = None
    ignored_errors: Annotated[tuple[Name, ...], Field(max_length=64)] = ("infrastructure",)
    daily_caps: Caps = Field(default_factory=dict)
    weekly_caps: Caps = Field(default_factory=dict)
    description: Text = ""

    @model_validator(mode="after")
    def _only_limits_of_modes(self) -> Self:
        extra = self.__pydantic_extra__ or {}
        strange = [
            key for key in extra if not key.removeprefix(MODE_LIMIT) or key[:15] != MODE_LIMIT
        ]
        if strange:
            raise unknown_keys(strange, type(self).model_fields)
        return self

    @property
    def mode_limits(self) -> dict[str, int]:
        """Mode to the most of its tasks that may run at once."""
        return {k.removeprefix(MODE_LIMIT): n for k, n in (self.__pydantic_extra__ or {}).items()}


class FleetPlan(Part):
    """Everything a person decides about a fleet."""

    fleet_name: Name
    description: Text = ""
    version: Annotated[str, StringConstraints(min_length=1, max_length=64)] = "1.0.0"
    """The author's own; the coordinator numbers plans by itself."""
    timezone: Zone = "UTC"
    day_start: Clock = "00:00"
    week_start: Weekday = 0
    agents: Annotated[tuple[AgentPlan, ...], Field(max_length=20_000)] = ()
    pools: Annotated[dict[PoolName, Pool], Field(max_length=200)] = Field(default_factory=dict)
    schedule_windows: dict[Name, ScheduleWindow] = Field(default_factory=dict)
    anti_pattern_rules: dict[Name, Rule] = Field(default_factory=dict)
    global_constraints: GlobalConstraints = GlobalConstraints()
    schedules: Annotated[tuple[Schedule, ...], Field(max_length=10_000)] = ()
    scheduling: Scheduling = Scheduling()
    monitoring: Monitoring = Monitoring()
    notifications: Notifications = Notifications()
    backup: Backup = Backup()
    retention: Retention = Retention()
    leases: Leases = Leases()

    def document(self) -> dict[str, Any]:
        """Return the plan as its author wrote it: what was left out is left out."""
        written: dict[str, Any] = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return written
