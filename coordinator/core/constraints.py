"""A task's own constraints and anti-pattern rules, read with clear words about what is wrong.

They mean what the plan's rules of the same names mean, with the task's ``name`` as their key.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, TypeVar

from coordinator.core.errors import BadRequest
from coordinator.core.policy import Policy
from coordinator.core.terms import Terms
from protocol.messages import TaskSpec
from protocol.vocabulary import AgentHealth, Constraint

T = TypeVar("T")

_CONSTRAINTS: Final = tuple(constraint.value for constraint in Constraint)
_HEALTHS: Final = "one of " + ", ".join(health.value for health in AgentHealth)
_RULES: Final = ("recent_failure", "task_cooldown")
_MAX_SECONDS: Final = 366 * 86_400
_TERMS_KEPT: Final = 4_096


def terms_of(spec: TaskSpec, policy: Policy) -> Terms:
    """Read the terms out of *spec*, or raise :class:`BadRequest`."""
    plain = _plain_terms(_plain_of(spec))
    if not (spec.constraints or spec.anti_pattern_rules):
        return plain
    said = _Said(spec.constraints, "spec.constraints")
    said.refuse_unknown(_CONSTRAINTS)
    failures = _failure_rule(spec)
    cooldowns = [_interval(n, rule) for n, rule in _rules(spec, "task_cooldown")]
    own_cooldown = said.read(Constraint.COOLDOWN, _duration, "seconds, above 0")
    if own_cooldown is not None:
        cooldowns.append(own_cooldown)
    return replace(
        plain,
        capabilities=plain.capabilities
        | frozenset(
            said.read(Constraint.AGENT_CAPABILITY, _names, "a capability, or a list") or ()
        ),
        min_health=said.read(Constraint.MIN_HEALTH, AgentHealth, _HEALTHS),
        allows_unknown_health=bool(
            said.read(Constraint.ALLOW_UNKNOWN_HEALTH, _flag, "true or false")
        ),
        windows=_windows(said, policy),
        must_fit=bool(said.read(Constraint.MUST_FIT, _flag, "true or false")),
        daily_cap=_least(
            plain.daily_cap, said.read(Constraint.DAILY_CAP, _whole, "a whole number, 0 or more")
        ),
        weekly_cap=_least(
            plain.weekly_cap, said.read(Constraint.WEEKLY_CAP, _whole, "a whole number, 0 or more")
        ),
        cooldown_ms=max(cooldowns, default=None),
        cooldown_key=said.read(Constraint.COOLDOWN_KEY, _name, "a name"),
        max_failures=failures[0],
        failure_timeout_ms=failures[1],
        failure_window_ms=failures[2],
    )


_plain_of: Final = attrgetter(
    "capabilities",
    "daily_cap",
    "weekly_cap",
    "concurrency_key",
    "run_limit_s",
    "progress_limit_s",
    "cancel_grace_s",
    "max_attempts",
    "on_lease_lost",
    "estimated_duration_s",
)
"""Reads off a :class:`TaskSpec` what :func:`_plain_terms` makes terms of."""


@lru_cache(_TERMS_KEPT)  # most tasks of a fleet ask for the same few things
def _plain_terms(asked: tuple[Any, ...]) -> Terms:
    """Make the terms of a task without constraints and rules of its own, from `_plain_of`."""
    (
        capabilities,
        daily_cap,
        weekly_cap,
        concurrency_key,
        run_limit_s,
        progress_limit_s,
        cancel_grace_s,
        max_attempts,
        on_lease_lost,
        estimated_duration_s,
    ) = asked
    return Terms(
        capabilities=frozenset(capabilities),
        daily_cap=daily_cap,
        weekly_cap=weekly_cap,
        concurrency_key=concurrency_key,
        run_limit_ms=_ms(run_limit_s),
        progress_limit_ms=_ms(progress_limit_s),
        cancel_grace_ms=int(cancel_grace_s * 1000),
        max_attempts=max_attempts,
        on_lease_lost=on_lease_lost,
        estimated_ms=_ms(estimated_duration_s),
    )


class _Said:
    """Keys and values that somebody wrote, and where."""

    def __init__(self, values: Mapping[str, Any], path: str) -> None:
        self.values = values
        self.path = path

    def refuse_unknown(self, known: tuple[str, ...]) -> None:
        for key in self.values:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"{near[0]!r}, perhaps" if near else f"one of {', '.join(known)}"
                raise BadRequest(self.path, key, hint)

    def read(self, key: str, how: Callable[[Any], T], expected: str) -> T | None:
        value = self.values.get(key)
        if value is None:
            return None
        try:
            return how(value)
        except (ValueError, TypeError):
            raise BadRequest(f"{self.path}.{key}", value, expected) from None


def _windows(said: _Said, policy: Policy) -> tuple[str, ...]:
    names = said.read(Constraint.TIME_WINDOW, _names, "the name of a window, or a list") or ()
    for name in names:
        if name not in policy.windows:
            near = difflib.get_close_matches(name, policy.windows, n=1)
            known = ", ".join(policy.windows) or "none"
            hint = f"{near[0]!r}, perhaps" if near else f"a window of the plan ({known})"
            raise BadRequest(f"{said.path}.{Constraint.TIME_WINDOW}", name, hint)
    return tuple(sorted(set(names)))


def _rules(spec: TaskSpec, kind: str) -> list[tuple[int, Mapping[str, Any]]]:
    found: list[tuple[int, Mapping[str, Any]]] = []
    for n, rule in enumerate(spec.anti_pattern_rules):
        if rule.get("type") not in _RULES:
            path = f"spec.anti_pattern_rules.{n}.type"
            raise BadRequest(path, rule.get("type"), f"one of {', '.join(_RULES)}")
        if rule["type"] == kind:
            found.append((n, rule))
    return found


def _failure_rule(spec: TaskSpec) -> tuple[int | None, int | None, int | None]:
    for n, rule in _rules(spec, "recent_failure"):
        said = _Said(rule, f"spec.anti_pattern_rules.{n}")
        said.refuse_unknown(("type", "timeout", "max_failures", "window", "description"))
        failures = said.read("max_failures", _positive, "a whole number, 1 or more")
        timeout = said.read("timeout", _duration, "seconds, above 0")
        if failures is None or timeout is None:
            missing = "max_failures" if failures is None else "timeout"
            raise BadRequest(f"{said.path}.{missing}", None, "given")
        return failures, timeout, said.read("window", _duration, "seconds, above 0")
    return None, None, None


def _interval(n: int, rule: Mapping[str, Any]) -> int:
    said = _Said(rule, f"spec.anti_pattern_rules.{n}")
    said.refuse_unknown(("type", "min_interval", "description"))
    interval = said.read("min_interval", _duration, "seconds, above 0")
    if interval is None:
        raise BadRequest(f"{said.path}.min_interval", None, "seconds, above 0")
    return interval


def _name(value: Any) -> str:  # noqa: ANN401 -- what somebody wrote
    if not isinstance(value, str) or not value or len(value) > 128:  # noqa: PLR2004 -- as Label
        raise ValueError(value)
    return value


def _names(value: Any) -> list[str]:  # noqa: ANN401 -- as above
    return [_name(name) for name in (value if isinstance(value, list) else [value])]


def _whole(value: Any) -> int:  # noqa: ANN401 -- as above
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(value)
    return value


def _positive(value: Any) -> int:  # noqa: ANN401 -- as above
    if _whole(value) < 1:
        raise ValueError(value)
    return int(value)


def _flag(value: Any) -> bool:  # noqa: ANN401 -- as above
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def _duration(value: Any) -> int:  # noqa: ANN401 -- as above
    """Read seconds; return milliseconds."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(value)
    if not 0 < value <= _MAX_SECONDS:
        raise ValueError(value)
    return int(value * 1000)


def _least(one: int | None, other: int | None) -> int | None:
    return min((cap for cap in (one, other) if cap is not None), default=None)


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000)
