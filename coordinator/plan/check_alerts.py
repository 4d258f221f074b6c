"""Checks of what a plan says of alerts: rules that nobody hears, waits that mean nothing."""

from collections.abc import Iterator
from typing import Final

from coordinator.core.alerts.words import AlertWhen
from coordinator.plan.problems import Problem, warning
from coordinator.plan.schema import FleetPlan

_AT_ONCE: Final = frozenset(
    {
        AlertWhen.TASK_FAILED,
        AlertWhen.ERROR_BUDGET,
        AlertWhen.PLAN_REFUSED,
        AlertWhen.BACKUP_FAILED,
    }
)
"""What happens, rather than lasts: to wait for it only delays the word."""
_LEAST_REPEAT_S: Final = 60


def check_alerts(plan: FleetPlan) -> Iterator[Problem]:
    """Yield what is surely not meant."""
    channels = plan.notifications.channels
    for name, rule in plan.monitoring.alerts.items():
        path = f"monitoring.alerts.{name}"
        if not rule.enabled:
            continue
        if rule.when in _AT_ONCE and rule.after:
            hint = "leave out after"
            yield warning(f"{path}.after", rule.after, f"{rule.when.value} does not last", hint)
        named = rule.notify or tuple(channels)
        heard = [channels[one] for one in named if one in channels and channels[one].enabled]
        if rule.notify and not heard and all(one in channels for one in rule.notify):
            yield warning(f"{path}.notify", list(rule.notify), "no enabled channel is told")
        elif heard and rule.severity.rank < min(one.min_severity.rank for one in heard):
            least = min((one.min_severity for one in heard), key=lambda severity: severity.rank)
            yield warning(
                f"{path}.severity",
                rule.severity.value,
                "no channel is told of it",
                f"a channel's min_severity is at least {least.value!r}",
            )
    repeat = plan.notifications.repeat_after
    if repeat < _LEAST_REPEAT_S:
        path = "notifications.repeat_after"
        yield warning(path, repeat, "the same alert is told once a minute at most", "at least 60")
    quiet = plan.notifications.quiet_hours
    if quiet is not None and quiet.start == quiet.end:
        path = "notifications.quiet_hours.end"
        yield warning(path, quiet.end, "there are no quiet hours", "a later or earlier time of day")
