"""Checks of numbers: limits, caps, leases and thresholds against each other."""

from collections.abc import Iterator
from typing import Final

from coordinator.plan.problems import Problem, did_you_mean, warning
from coordinator.plan.schema import MODE_LIMIT, CountedCap, FleetPlan
from coordinator.plan.thresholds import KNOWN_METRICS, Thresholds

_DAYS_A_WEEK: Final = 7


def check_limits(plan: FleetPlan) -> Iterator[Problem]:
    """Yield what is wrong with the numbers of *plan*."""
    yield from _limits(plan)
    yield from _caps(plan)
    yield from _leases(plan)
    yield from _thresholds("monitoring.thresholds", plan.monitoring.thresholds)
    for index, agent in enumerate(plan.agents):
        path = f"agents[{index}].performance_thresholds"
        yield from _thresholds(path, agent.performance_thresholds)


def _limits(plan: FleetPlan) -> Iterator[Problem]:
    constraints = plan.global_constraints
    whole = constraints.max_concurrent_agents
    limits = {f"{MODE_LIMIT}{mode}": limit for mode, limit in constraints.mode_limits.items()}
    keys = {f"max_concurrent_keys.{key}": n for key, n in constraints.max_concurrent_keys.items()}
    if whole is not None:
        limits["max_concurrent_agents"] = whole
    for key, limit in (limits | keys).items():
        path = f"global_constraints.{key}"
        if limit < 1:
            yield warning(path, limit, "closed: nothing under this limit ever starts")
        elif whole is not None and limit > whole:
            yield warning(
                path,
                limit,
                "can never be reached",
                f"max_concurrent_agents lets {whole} run at once",
            )


def _caps(plan: FleetPlan) -> Iterator[Problem]:
    constraints = plan.global_constraints
    day, week = constraints.max_daily_errors, constraints.max_weekly_errors
    pairs: list[tuple[str, str, int | None, int | None, int]] = [
        ("max_daily_errors", "max_weekly_errors", day, week, 0)
    ]
    for scope in {**constraints.daily_caps, **constraints.weekly_caps}:
        limits = (
            _limit(constraints.daily_caps.get(scope)),
            _limit(constraints.weekly_caps.get(scope)),
        )
        pairs.append((f"daily_caps.{scope}", f"weekly_caps.{scope}", *limits, 1))
    for daily, weekly, a_day, a_week, least in pairs:
        path = f"global_constraints.{weekly}"
        for at, limit in ((daily, a_day), (weekly, a_week)):
            if limit is not None and limit < least:
                yield warning(f"global_constraints.{at}", limit, "nothing of it ever starts")
        if a_day is None or a_week is None:
            continue
        if a_week < a_day:
            hint = f"one day may already have {a_day}"
            yield warning(path, a_week, f"less than {daily}", hint)
        elif a_week > a_day * _DAYS_A_WEEK:
            hint = f"{a_day} a day make {a_day * _DAYS_A_WEEK} a week"
            yield warning(path, a_week, "can never be reached", hint)


def _limit(cap: int | CountedCap | None) -> int | None:
    return cap.limit if isinstance(cap, CountedCap) else cap


def _leases(plan: FleetPlan) -> Iterator[Problem]:
    leases = plan.leases
    if leases.margin_s * 2 >= leases.lease_s:
        yield Problem(
            "leases.margin_s",
            leases.margin_s,
            f"leaves no time to work in a lease of {leases.lease_s:g} s",
            f"less than {leases.lease_s / 2:g}",
        )
    if "lease_s" not in leases.model_fields_set:
        return
    beats = {"leases.heartbeat": leases.heartbeat}
    for index, agent in enumerate(plan.agents):
        if agent.heartbeat_interval is not None:
            beats[f"agents[{index}].heartbeat_interval"] = agent.heartbeat_interval
    for path, beat in beats.items():
        needed = beat * leases.min_heartbeats
        if needed > leases.lease_s:
            yield warning(
                path,
                beat,
                f"a lease of {leases.lease_s:g} s has room for fewer than "
                f"{leases.min_heartbeats} heartbeats; it will be {needed:g} s here",
                f"at most {leases.lease_s / leases.min_heartbeats:g} s",
            )


def _thresholds(path: str, thresholds: Thresholds) -> Iterator[Problem]:
    bounds = thresholds.bounds
    for name in thresholds.metrics():
        most, least = bounds.get(f"{name}_max"), bounds.get(f"{name}_min")
        caution = bounds.get(f"{name}_warning")
        known = KNOWN_METRICS.get(name)
        if known is None:
            hint = did_you_mean(name, KNOWN_METRICS)
            if hint is not None:
                key = next(key for key in bounds if key.rpartition("_")[0] == name)
                yield warning(f"{path}.{key}", bounds[key], f"{name!r} is no known metric", hint)
            if most is None and least is None:
                hint = f"add {name}_max or {name}_min"
                yield Problem(f"{path}.{name}_warning", caution, "of which kind?", hint)
        if most is not None and least is not None:
            hint = f"keep one of {name}_max and {name}_min"
            yield Problem(f"{path}.{name}_min", least, "a metric is bad in one direction", hint)
            continue
        if known is not None:
            right, wrong = ("_max", "_min") if known.high_is_bad else ("_min", "_max")
            if name + wrong in bounds:
                yield Problem(
                    f"{path}.{name}{wrong}",
                    bounds[name + wrong],
                    f"{name} is bad when it is {'high' if known.high_is_bad else 'low'}",
                    f"did you mean '{name}{right}'?",
                )
                continue
            for key in (f"{name}_max", f"{name}_min", f"{name}_warning"):
                if bounds.get(key, 0) > known.high:
                    hint = f"at most {known.high:g}"
                    yield Problem(f"{path}.{key}", bounds[key], f"{name} is in {known.unit}", hint)
        if caution is not None and most is not None and caution > most:
            hint = f"at most {most:g}"
            yield Problem(f"{path}.{name}_warning", caution, "warns after it is critical", hint)
        if caution is not None and least is not None and caution < least:
            hint = f"at least {least:g}"
            yield Problem(f"{path}.{name}_warning", caution, "warns after it is critical", hint)
