"""``fleetbus alerts``: what the control room raised, and whether its channels work."""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from coordinator import settings
from coordinator.cli import screen
from coordinator.cli.clock import now_ms
from coordinator.cli.options import AsJson, Data
from coordinator.cli.sections import WholeLines
from protocol.errors import FleetBusError

if TYPE_CHECKING:
    from coordinator.core.alerts.record import Alert
    from coordinator.plan.schema import FleetPlan

app = typer.Typer(cls=WholeLines, invoke_without_command=True)

_LOOKS: Final = {"info": ("i", ""), "warning": (screen.WARN, "yellow"), "critical": ("✖", "red")}
Listed = Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="How many at most.")]


class NoHistory(FleetBusError):
    """There is nothing to list."""


@app.callback()
def alerts(
    chosen: typer.Context,
    *,
    only_open: Annotated[bool, typer.Option("--open", help="Only those that last.")] = False,
    limit: Listed = 50,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List the alerts, newest first: what was so, for how long, and who has seen to it.

    Example: fleetbus alerts --open --json | jq '.[].title'
    """
    if chosen.invoked_subcommand is not None:
        return
    found = _stored(data, limit)
    if only_open:
        found = [alert for alert in found if alert.is_open]
    if as_json:
        screen.print_json([_document(alert) for alert in found])
        return
    out = screen.console()
    if not found:
        out.print("No alerts." if not only_open else "No open alerts.")
        return
    made = screen.table("id", "severity", "rule", "state", ">lasts", ">ago", "what")
    now = now_ms()
    for alert in found:
        symbol, style = _LOOKS[alert.severity.value]
        end_ms = now if alert.resolved_ms is None else alert.resolved_ms
        made.add_row(
            str(alert.id),
            screen.safe(f"{symbol} {alert.severity.value}", style),
            screen.safe(alert.key.rule),
            screen.safe(_state(alert), "" if alert.is_open else "dim"),
            screen.age(end_ms - alert.raised_ms),
            screen.age(now - alert.raised_ms),
            screen.safe(alert.text),
        )
    out.print(made)


@app.command("test")
def try_channel(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="A channel of the plan.")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Send a test message to a channel of the plan now, from here.

    Example: fleetbus alerts test discord
    """
    from coordinator.plan.problems import did_you_mean
    from coordinator.shell.alerts.addresses import ENVIRON, address_of
    from coordinator.shell.alerts.apprise_delivery import deliver
    from coordinator.shell.alerts.sender import TEST

    chosen = settings.load({"data": data})
    channels = _plan(data).notifications.channels
    if channel not in channels:
        hint = did_you_mean(channel, channels)
        known = ", ".join(sorted(channels)) or "there is none"
        screen.fail(f"the plan has no channel {channel!r}; {hint or f'its channels: {known}'}")
    address = address_of(channel, channels[channel], chosen.plan_file.parent, ENVIRON)
    deliver(channel, address, *TEST, allow_local=chosen.alerts_to_this_machine)
    if as_json:
        screen.print_json({"channel": channel, "taken": True})
    else:
        print(f"{screen.GOOD} {channel}: the test message was taken")


def _stored(data: Any, limit: int) -> "list[Alert]":  # noqa: ANN401 -- an option
    from coordinator.shell.history.alert_records import alert_from
    from coordinator.shell.history.store import FILE_NAME, HistoryStore

    file = settings.load({"data": data}).data / FILE_NAME
    if not file.is_file():
        raise NoHistory(
            f"there is no {file}; the control room makes it: `fleetbus up` or `fleetbus web`"
        )
    history = HistoryStore(file)
    try:
        return [alert_from(record) for record in history.alerts(limit=limit)]
    finally:
        history.close()


def _plan(data: Any) -> "FleetPlan":  # noqa: ANN401 -- an option
    """Return the plan in force if there is a store, else the one that would be."""
    from coordinator.plan.load import load, parse
    from coordinator.shell.store.archive import Archive

    chosen = settings.load({"data": data})
    archive = Archive.in_directory(chosen.data)
    if archive is not None:
        try:
            stored = next(archive.plans(), None)
        finally:
            archive.close()
        if stored is not None:
            return parse(stored.document, f"version {stored.version}")
    return load(chosen.plan_file)


def _state(alert: "Alert") -> str:
    if not alert.is_open:
        return "resolved"
    return f"seen by {alert.acknowledged.by}" if alert.acknowledged else "open"


def _document(alert: "Alert") -> dict[str, Any]:
    from coordinator.shell.report import instant

    return {
        "id": str(alert.id),
        "rule": alert.key.rule,
        "when": alert.when.value,
        "cause": alert.key.cause,
        "severity": alert.severity.value,
        "state": "resolved"
        if not alert.is_open
        else "acknowledged"
        if alert.acknowledged
        else "open",
        "title": alert.text,
        "subjects": list(alert.subjects),
        "since": instant(alert.raised_ms),
        "resolved_at": None if alert.resolved_ms is None else instant(alert.resolved_ms),
        "acknowledged_by": alert.acknowledged.by if alert.acknowledged else None,
    }
