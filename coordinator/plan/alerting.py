"""From what a plan says of alerts to the rules that they are judged by, and to the quiet hours."""

from coordinator.core.alerts.rules import Rule, with_defaults
from coordinator.core.alerts.telling import Manner
from coordinator.core.civil import Window, is_open
from coordinator.plan.schema import FleetPlan
from coordinator.plan.values import minutes

SHORTEST_REPEAT_MS = 60_000


def alert_rules(plan: FleetPlan) -> tuple[Rule, ...]:
    """Return the rules in force: the plan's own, and defaults for the kinds it does not name."""
    return with_defaults(
        Rule(
            name=name,
            when=written.when,
            after_ms=int(written.after * 1000),
            severity=written.severity,
            notify=written.notify,
            enabled=written.enabled,
        )
        for name, written in plan.monitoring.alerts.items()
    )


def alert_manner(plan: FleetPlan, now_ms: int) -> Manner:
    """Say how often is told what lasts, and whether *now_ms* lies in the quiet hours."""
    repeat_ms = max(SHORTEST_REPEAT_MS, int(plan.notifications.repeat_after * 1000))
    quiet = plan.notifications.quiet_hours
    if quiet is None or quiet.start == quiet.end:
        return Manner(repeat_ms)
    hours = Window("quiet", plan.timezone, minutes(quiet.start), minutes(quiet.end))
    return Manner(repeat_ms, is_quiet=is_open(hours, now_ms))
