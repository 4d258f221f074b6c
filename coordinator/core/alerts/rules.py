"""The rules of alerts as the judge takes them, and those that hold where the plan says nothing."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from coordinator.core.alerts.words import AlertSeverity, AlertWhen

SECOND_MS: Final = 1000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Rule:
    """Raise an alert when something has been so for ``after_ms``."""

    name: str
    when: AlertWhen
    after_ms: int = 0
    severity: AlertSeverity = AlertSeverity.WARNING
    notify: tuple[str, ...] = ()
    """Channels; none means every channel."""
    enabled: bool = True


def _default(
    when: AlertWhen, after_ms: int = 0, severity: AlertSeverity = AlertSeverity.WARNING
) -> Rule:
    return Rule(when.value, when, after_ms, severity)


DEFAULTS: Final = (
    _default(AlertWhen.AGENT_OFFLINE, MINUTE_MS),
    _default(AlertWhen.AGENT_UNHEALTHY, 5 * MINUTE_MS),
    _default(AlertWhen.AGENT_CONFLICT, 10 * SECOND_MS, AlertSeverity.CRITICAL),
    _default(AlertWhen.TASK_FAILED),
    _default(AlertWhen.TASK_WAITING, HOUR_MS),
    _default(AlertWhen.TASK_IMPOSSIBLE, MINUTE_MS),
    _default(AlertWhen.LIMIT_SATURATED, 30 * MINUTE_MS, AlertSeverity.INFO),
    _default(AlertWhen.ERROR_BUDGET, severity=AlertSeverity.CRITICAL),
    _default(AlertWhen.STORE_TROUBLE, 10 * SECOND_MS, AlertSeverity.CRITICAL),
    _default(AlertWhen.BUS_TROUBLE, 30 * SECOND_MS, AlertSeverity.CRITICAL),
    _default(AlertWhen.COORDINATOR_GONE, 30 * SECOND_MS, AlertSeverity.CRITICAL),
    _default(AlertWhen.PLAN_REFUSED),
    _default(AlertWhen.BACKUP_FAILED, severity=AlertSeverity.CRITICAL),
)
"""One for each kind. A plan that has a rule of a kind, if only to disable it, replaces it."""


def with_defaults(written: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return the rules in force: those that were *written*, and a default for every other kind."""
    own = tuple(written)
    kinds, names = {rule.when for rule in own}, {rule.name for rule in own}
    added = tuple(
        rule if rule.name not in names else replace(rule, name=f"{rule.name} (default)")
        for rule in DEFAULTS
        if rule.when not in kinds
    )
    return tuple(rule for rule in own + added if rule.enabled)
