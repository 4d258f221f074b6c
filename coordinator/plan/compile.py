"""From the plan a person wrote to the policy the core decides by: every default filled in.

Nothing is judged here; a plan that was read without errors always compiles. Idle blocks of some
agents become breaks of those agents.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from coordinator.core.civil import Window
from coordinator.core.policy import (
    HOUR_MS,
    Ageing,
    AgentPolicy,
    Cap,
    FailureCooldown,
    LeasePolicy,
    Policy,
    Rest,
    TaskCooldown,
    Threshold,
)
from coordinator.core.pools.decision import PoolPolicy
from coordinator.plan.hours import ScheduleWindow
from coordinator.plan.pools import Pool, PoolAgent, member_names
from coordinator.plan.recurring import recurring_task
from coordinator.plan.rules import IdleBlock, RecentFailure, RestRule, TaskCooldownRule
from coordinator.plan.schema import AgentPlan, CountedCap, FleetPlan
from coordinator.plan.thresholds import KNOWN_METRICS, NEVER_CRITICAL, Metric, Thresholds
from coordinator.plan.upkeep import Leases, Scheduling
from coordinator.plan.values import minutes
from protocol.vocabulary import AgentHealth

WARNING_SHARE: Final = 0.9
"""Where a warning begins, between nothing and critical, unless the plan says."""
MOST_TIMEOUTS: Final = 8
"""How many times its timeout a failure cooldown may grow to, unless the plan says."""


def compile_plan(plan: FleetPlan) -> Policy:
    """Return the policy that *plan* stands for."""
    constraints = plan.global_constraints
    rules = plan.anti_pattern_rules
    defaults = Policy()
    health = constraints.min_agent_health
    return Policy(
        fleet_name=plan.fleet_name,
        zone=plan.timezone,
        day_start_min=minutes(plan.day_start),
        week_start=plan.week_start,
        agents=MappingProxyType(
            {agent.name: _agent(plan, agent) for agent in plan.agents} | dict(_members(plan))
        ),
        pools=MappingProxyType({name: _pool(name, pool) for name, pool in plan.pools.items()}),
        unlisted=AgentPolicy(
            "",
            heartbeat_ms=_ms(plan.leases.heartbeat),
            thresholds=_thresholds(plan.monitoring.thresholds),
        ),
        limits=_limits(plan),
        min_health=None if health is AgentHealth.UNKNOWN else health,
        allow_unknown_health=constraints.allow_unknown_health,
        max_daily_errors=constraints.max_daily_errors,
        max_weekly_errors=constraints.max_weekly_errors,
        ignored_errors=frozenset(constraints.ignored_errors),
        windows=MappingProxyType(
            {
                name: schedule_window(name, window, plan.timezone)
                for name, window in plan.schedule_windows.items()
            }
        ),
        caps=tuple(_caps(plan)),
        failure_cooldowns=tuple(
            _failure_cooldown(name, rule)
            for name, rule in rules.items()
            if isinstance(rule, RecentFailure)
        ),
        task_cooldowns=tuple(
            _task_cooldown(name, rule)
            for name, rule in rules.items()
            if isinstance(rule, TaskCooldownRule)
        ),
        idle_blocks=tuple(
            _idle_block(name, rule, plan.timezone)
            for name, rule in rules.items()
            if isinstance(rule, IdleBlock) and rule.applies_to is None
        ),
        rests=tuple(
            _rest(name, rule) for name, rule in rules.items() if isinstance(rule, RestRule)
        ),
        schedules=tuple(
            recurring_task(one, plan.timezone) for one in plan.schedules if one.enabled
        ),
        lease=_lease(plan.leases),
        ageing=_ageing(plan.scheduling, defaults.ageing),
        task_ttl_ms=_ms(plan.scheduling.task_ttl),
        retry_base_ms=_ms(plan.scheduling.retry_base),
        retry_cap_ms=_ms(plan.scheduling.retry_cap),
    )


def all_windows(plan: FleetPlan) -> Iterator[tuple[str, Window]]:
    """Yield every range of local time in *plan*, with the path at which it is written."""
    for name, window in plan.schedule_windows.items():
        yield f"schedule_windows.{name}", schedule_window(name, window, plan.timezone)
    for name, rule in plan.anti_pattern_rules.items():
        if isinstance(rule, IdleBlock):
            yield f"anti_pattern_rules.{name}", _idle_block(name, rule, plan.timezone)
    for index, agent in enumerate(plan.agents):
        for at, period in enumerate(cooldown_windows(plan, agent)):
            yield f"agents[{index}].schedule_preferences.cooldown_periods[{at}]", period


def agent_blocks(plan: FleetPlan, agent: str) -> tuple[Window, ...]:
    """Return the idle blocks that keep *agent* from starting anything."""
    return tuple(
        _idle_block(name, rule, plan.timezone)
        for name, rule in plan.anti_pattern_rules.items()
        if isinstance(rule, IdleBlock) and (rule.applies_to is None or agent in rule.applies_to)
    )


def cooldown_windows(plan: FleetPlan, agent: AgentPlan) -> tuple[Window, ...]:
    """Return the agent's own breaks."""
    return tuple(
        Window(
            name=period.reason or "cooldown_period",
            zone=agent.timezone or plan.timezone,
            start_min=minutes(period.start),
            end_min=minutes(period.end),
            days=frozenset(period.days_of_week),
            reason=period.reason,
        )
        for period in agent.schedule_preferences.cooldown_periods
    )


def schedule_window(name: str, window: ScheduleWindow, zone: str) -> Window:
    """Return the window called *name*; *zone* is the plan's."""
    return Window(
        name=name,
        zone=window.timezone or zone,
        start_min=minutes(window.start_time or "00:00"),
        end_min=minutes(window.end_time or "24:00"),
        days=frozenset(window.days_of_week),
        all_day=window.all_day,
        priority_boost=window.priority_boost,
        reason=window.description,
    )


def _idle_block(name: str, rule: IdleBlock, zone: str) -> Window:
    return Window(
        name=name,
        zone=rule.timezone or zone,
        start_min=minutes(rule.idle_start),
        end_min=minutes(rule.idle_end),
        days=frozenset(rule.days_of_week),
        reason=rule.description,
    )


def _agent(plan: FleetPlan, agent: AgentPlan) -> AgentPolicy:
    likes = agent.schedule_preferences
    runtime_h = likes.max_daily_runtime
    own_blocks = tuple(
        _idle_block(name, rule, plan.timezone)
        for name, rule in plan.anti_pattern_rules.items()
        if isinstance(rule, IdleBlock) and agent.name in (rule.applies_to or ())
    )
    return AgentPolicy(
        name=agent.name,
        machine_id=agent.machine_id,
        window_id=agent.window_id,
        mode=agent.mode,
        # What an agent does by default it can do, listed or not.
        capabilities=frozenset({*agent.capabilities, *([agent.mode] if agent.mode else [])}),
        priority=agent.priority,
        heartbeat_ms=_ms(agent.heartbeat_interval or plan.leases.heartbeat),
        slots=agent.slots,
        thresholds=_thresholds(plan.monitoring.thresholds, agent.performance_thresholds),
        zone=agent.timezone or plan.timezone,
        preferred_hours=frozenset(likes.preferred_hours),
        avoid_hours=frozenset(likes.avoid_hours),
        avoid_is_soft=likes.avoid_is_soft,
        max_daily_runtime_ms=None if runtime_h is None else round(runtime_h * HOUR_MS),
        cooldown_periods=(*cooldown_windows(plan, agent), *own_blocks),
        auto_start=agent.auto_start,
        command=agent.command or (),
        config_path=agent.config_path,
    )


def _members(plan: FleetPlan) -> Iterator[tuple[str, AgentPolicy]]:
    """Yield the agents that there may be in pools, each as if it stood in the plan."""
    for pool, its in plan.pools.items():
        template = {key: getattr(its.agent, key) for key in PoolAgent.model_fields}
        for name in member_names(pool, its.max):
            listed = AgentPlan.model_construct(None, name=name, **template)
            yield name, replace(_agent(plan, listed), pool=pool)


def _pool(name: str, pool: Pool) -> PoolPolicy:
    return PoolPolicy(
        name=name,
        least=pool.min,
        most=pool.max,
        target_wait_ms=_ms(pool.target_wait),
        machines=pool.machines,
        members=member_names(name, pool.max),
        slots=pool.agent.slots or 1,
        decide_every_ms=_ms(pool.decide_every),
        grow_after_ms=_ms(pool.decide_every),
        calm_ms=_ms(pool.calm),
    )


def _thresholds(*layers: Thresholds) -> Mapping[str, Threshold]:
    """Return the thresholds by their names on the bus; a metric's last layer wins whole."""
    found: dict[str, Threshold] = {}
    for layer in layers:
        for name in layer.metrics():
            metric = KNOWN_METRICS.get(name, Metric(name, "", f"{name}_min" not in layer.bounds))
            found[metric.on_bus] = _threshold(name, metric, layer)
    return MappingProxyType(found)


def _threshold(name: str, metric: Metric, layer: Thresholds) -> Threshold:
    bounds = layer.bounds
    high_is_bad = f"{name}_min" not in bounds and metric.high_is_bad
    never = NEVER_CRITICAL if high_is_bad else -1.0
    critical = bounds.get(f"{name}_max" if high_is_bad else f"{name}_min", never)
    usual = critical * WARNING_SHARE if high_is_bad else critical / WARNING_SHARE
    return Threshold(
        warning=bounds.get(f"{name}_warning", usual),
        critical=critical,
        high_is_bad=high_is_bad,
        required=name in layer.required or metric.on_bus in layer.required,
        hard=name in layer.hard or metric.on_bus in layer.hard,
        high=metric.high,
    )


def _limits(plan: FleetPlan) -> Mapping[str, int]:
    constraints = plan.global_constraints
    limits = {f"key:{key}": limit for key, limit in constraints.max_concurrent_keys.items()}
    limits.update({f"mode:{mode}": limit for mode, limit in constraints.mode_limits.items()})
    limits.update({f"agent:{a.name}": a.slots for a in plan.agents if a.slots is not None})
    if constraints.max_concurrent_agents is not None:
        limits["global"] = constraints.max_concurrent_agents
    return MappingProxyType(limits)


def _caps(plan: FleetPlan) -> Iterator[Cap]:
    constraints = plan.global_constraints
    for period, caps in (("day", constraints.daily_caps), ("week", constraints.weekly_caps)):
        for scope, cap in caps.items():
            if isinstance(cap, CountedCap):
                yield Cap(scope, period, cap.limit, cap.count)
            else:
                yield Cap(scope, period, cap)


def _failure_cooldown(name: str, rule: RecentFailure) -> FailureCooldown:
    return FailureCooldown(
        name=name,
        max_failures=rule.max_failures,
        timeout_ms=_ms(rule.timeout),
        window_ms=_ms(rule.window or rule.timeout),
        max_timeout_ms=_ms(rule.max_timeout or rule.timeout * MOST_TIMEOUTS),
        scope=rule.scope,
    )


def _task_cooldown(name: str, rule: TaskCooldownRule) -> TaskCooldown:
    return TaskCooldown(
        name, _ms(rule.min_interval), rule.measured_from == "start", rule.cooldown_key
    )


def _rest(name: str, rule: RestRule) -> Rest:
    return Rest(name, _ms(rule.after), _ms(rule.rest), _ms(rule.merge_gap))


def _lease(leases: Leases) -> LeasePolicy:
    return LeasePolicy(
        lease_ms=_ms(leases.lease_s),
        min_heartbeats=leases.min_heartbeats,
        margin_ms=_ms(leases.margin_s),
        margin_share=leases.margin_share,
        offer_timeout_ms=_ms(leases.offer_timeout_s),
        suspect_after_intervals=leases.suspect_after_intervals,
    )


def _ageing(scheduling: Scheduling, usual: Ageing) -> Ageing:
    own = {priority: _ms(seconds) for priority, seconds in scheduling.head_start.items()}
    return Ageing(
        head_start_ms=MappingProxyType({**usual.head_start_ms, **own}),
        critical_max_share=scheduling.critical_max_share,
    )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
