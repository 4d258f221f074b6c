"""The fleet plan as the core reads it: rules with every default filled in.

``coordinator.plan`` validates what a person wrote and compiles it to this. Nothing here is
checked again, and nothing here changes: a new plan is a new :class:`Policy`.
Durations are milliseconds throughout the core, and say so in their names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from coordinator.core.civil import Window
from coordinator.core.pools.decision import PoolPolicy
from coordinator.core.recurrence.recurring import RecurringTask
from protocol.vocabulary import AgentHealth, Priority

HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Threshold:
    """When one metric makes an agent less healthy.

    ``high_is_bad`` says in which direction; ``low`` and ``high`` bound what is physically
    possible, outside of which a sample means nothing.
    """

    warning: float
    critical: float
    high_is_bad: bool = True
    required: bool = False
    hard: bool = False
    low: float = 0.0
    high: float = float(2**53)


@dataclass(frozen=True, slots=True)
class AgentPolicy:
    """What the plan says of one agent; an agent that the plan does not name gets the defaults."""

    name: str
    machine_id: str = ""
    window_id: str = ""
    mode: str | None = None
    capabilities: frozenset[str] = frozenset()
    priority: Priority = Priority.NORMAL
    heartbeat_ms: int = 10_000
    slots: int | None = None
    thresholds: Mapping[str, Threshold] = field(default_factory=lambda: MappingProxyType({}))
    zone: str = "UTC"
    preferred_hours: frozenset[int] = frozenset()
    avoid_hours: frozenset[int] = frozenset()
    avoid_is_soft: bool = False
    max_daily_runtime_ms: int | None = None
    cooldown_periods: tuple[Window, ...] = ()
    auto_start: bool = False
    command: tuple[str, ...] = ()
    config_path: str | None = None
    pool: str | None = None
    """The pool that decides whether it runs, and on which machine."""


@dataclass(frozen=True, slots=True)
class FailureCooldown:
    """After ``max_failures`` failures within ``window_ms``, wait; then one probe decides."""

    name: str
    max_failures: int
    timeout_ms: int
    window_ms: int
    max_timeout_ms: int
    scope: str = "agent_type"
    """``agent_type`` (one agent and one type of task), ``agent`` or ``type``."""


@dataclass(frozen=True, slots=True)
class TaskCooldown:
    """The least time between two runs of one type on one agent, or of one key in the fleet."""

    name: str
    min_interval_ms: int
    from_start: bool = False
    cooldown_key: str | None = None


@dataclass(frozen=True, slots=True)
class Rest:
    """After ``after_ms`` of continuous work, rest for ``rest_ms``; short gaps count as work."""

    name: str
    after_ms: int
    rest_ms: int
    merge_gap_ms: int = MINUTE_MS


@dataclass(frozen=True, slots=True)
class LeasePolicy:
    """The terms on which work is lent; see the protocol's section on leases."""

    lease_ms: int = 60_000
    min_heartbeats: int = 4
    margin_ms: int = 2_000
    margin_share: float = 0.02
    offer_timeout_ms: int = 15_000
    suspect_after_intervals: float = 2.5


@dataclass(frozen=True, slots=True)
class Ageing:
    """How far ahead of its age each priority stands, in milliseconds."""

    head_start_ms: Mapping[Priority, int] = field(
        default_factory=lambda: MappingProxyType(
            {
                Priority.CRITICAL: 0,
                Priority.HIGH: 60 * MINUTE_MS,
                Priority.NORMAL: 30 * MINUTE_MS,
                Priority.LOW: 0,
                Priority.MAINTENANCE: 0,
            }
        )
    )
    critical_max_share: float = 0.8


@dataclass(frozen=True, slots=True)
class Cap:
    """At most ``limit`` starts of a scope in a day or week (``count`` started or completed)."""

    scope: str
    """``fleet``, ``mode:<mode>``, ``agent:<name>`` or ``name:<task name>``."""
    period: str
    """``day`` or ``week``."""
    limit: int
    count: str = "started"


@dataclass(frozen=True, slots=True)
class Policy:
    """The whole plan, ready to decide by."""

    fleet_name: str = "fleet"
    zone: str = "UTC"
    day_start_min: int = 0
    week_start: int = 0
    agents: Mapping[str, AgentPolicy] = field(default_factory=lambda: MappingProxyType({}))
    unlisted: AgentPolicy = AgentPolicy("")
    """What holds for an agent that the plan does not name."""
    limits: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Permit key (``global``, ``mode:<mode>``, ``agent:<name>``, ``key:<key>``) to its limit."""
    min_health: AgentHealth | None = None
    allow_unknown_health: bool = False
    """Whether an agent of unknown health satisfies ``min_health``."""
    max_daily_errors: int | None = None
    max_weekly_errors: int | None = None
    ignored_errors: frozenset[str] = frozenset({"infrastructure"})
    windows: Mapping[str, Window] = field(default_factory=lambda: MappingProxyType({}))
    caps: tuple[Cap, ...] = ()
    failure_cooldowns: tuple[FailureCooldown, ...] = ()
    task_cooldowns: tuple[TaskCooldown, ...] = ()
    idle_blocks: tuple[Window, ...] = ()
    rests: tuple[Rest, ...] = ()
    schedules: tuple[RecurringTask, ...] = ()
    """Those that are enabled; one that is not names no times at all."""
    pools: Mapping[str, PoolPolicy] = field(default_factory=lambda: MappingProxyType({}))
    lease: LeasePolicy = LeasePolicy()
    ageing: Ageing = Ageing()
    task_ttl_ms: int = 300_000
    retry_base_ms: int = 1_000
    retry_cap_ms: int = 300_000

    def agent(self, name: str) -> AgentPolicy:
        """Return what the plan says of *name*, or the defaults."""
        return self.agents.get(name) or replace(self.unlisted, name=name, zone=self.zone)

    def limit(self, key: str) -> int | None:
        """Return the limit of permit *key*, or ``None`` when it has none."""
        return self.limits.get(key)
