"""Alerts and channels from what the watch knows."""

from typing import Any, Final

from coordinator.core.alerts.record import Alert
from coordinator.core.alerts.wording import line_of
from coordinator.http import clock
from coordinator.http.schemas.alerts import Alert as AlertShown
from coordinator.http.schemas.alerts import AlertState, ChannelStatus
from coordinator.http.schemas.base import instant
from coordinator.http.watch.watch import Watch
from coordinator.shell.alerts.sender import Tally

MOST_SUBJECTS: Final = 100
MOST_OPEN: Final = 200


def alert_view(alert: Alert, now_ms: int) -> AlertShown:
    """Show one alert."""
    acknowledged = alert.acknowledged
    state: AlertState = "open" if acknowledged is None else "acknowledged"
    if not alert.is_open:
        state = "resolved"
    return AlertShown.model_construct(
        id=str(alert.id),
        rule=alert.key.rule,
        when=alert.when,
        cause=alert.key.cause,
        severity=alert.severity,
        state=state,
        title=alert.text,
        text=line_of(alert, now_ms),
        subjects=list(alert.subjects[:MOST_SUBJECTS]),
        count=len(alert.subjects),
        most=alert.most,
        since=instant(alert.raised_ms),
        resolved_at=instant(alert.resolved_ms),
        acknowledged_by=None if acknowledged is None else acknowledged.by,
        told_at=instant(alert.told_ms),
    )


def shown_alerts(watch: Watch) -> tuple[dict[str, Any], ...]:
    """Show the open alerts to whoever watches the stream; the same until something changes."""
    return tuple(
        # As of when it was raised: a text that ages would be a change every second.
        alert_view(alert, alert.raised_ms).model_dump(mode="json")
        for alert in watch.open_alerts[:MOST_OPEN]
    )


def channels_view(watch: Watch) -> list[ChannelStatus]:
    """Show every channel of the plan."""
    found = []
    for name, channel in sorted(watch.channels.items()):
        tally = watch.sender.tallies.get(name) or Tally()
        found.append(
            ChannelStatus(
                name=name,
                enabled=channel.enabled,
                min_severity=channel.min_severity,
                address_from=channel.url_env or channel.url_file or "",
                waiting=watch.sender.waiting(name),
                sent=tally.sent,
                failed=tally.failed,
                dropped=tally.dropped,
                last_error=tally.last_error,
            )
        )
    return found


def now_view(alert: Alert) -> AlertShown:
    """Show one alert as of now."""
    return alert_view(alert, clock.wall_ms())
