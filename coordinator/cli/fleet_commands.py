"""``fleetbus agents``, ``tasks`` and ``watch``: look at the fleet, change nothing."""

import contextlib
import time
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.live import Live

from coordinator.cli import screen
from coordinator.cli.bus import BusError
from coordinator.cli.clock import now_ms
from coordinator.cli.fleet_state import FleetState, merged_tasks
from coordinator.cli.options import AsJson, Broker, Root, open_bus
from coordinator.cli.views import agents_table, coordinator_line, tasks_table, watch_view
from protocol.vocabulary import SubmitOp, TaskStatus

REDRAW_S: Final = 0.25
RETRY_S: Final = 1.0


def agents(broker: Broker = None, root: Root = None, as_json: AsJson = False) -> None:
    """List the agents: what each does, how it is, and what it holds.

    Example: fleetbus agents --json | jq -r '.[].agent'
    """
    with open_bus(broker, root) as bus:
        state = FleetState(bus.topics)
        state.apply_all(bus.snapshot(state.filters))
    if as_json:
        screen.print_json([_agent_document(state, name) for name in sorted(state.agents)])
        return
    out = screen.console()
    out.print(coordinator_line(state.coordinator))
    if state.agents:
        out.print(agents_table(state.agents.values(), state.presences, now_ms()))
    else:
        out.print("No agents yet. Start one: fleetbus agent Main --capability quest")


def tasks(
    status: Annotated[
        TaskStatus | None, typer.Option(help="Only tasks in this status.", show_default=False)
    ] = None,
    broker: Broker = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """List the tasks, pending ones too, oldest first.

    Example: fleetbus tasks --status pending
    """
    with open_bus(broker, root, operator=True) as bus:
        reply = bus.request(SubmitOp.GET)
        state = FleetState(bus.topics)
        state.apply_all(bus.snapshot([bus.topics.under("tasks/#")]))
    if not reply.ok:
        screen.fail(f"{reply.code}: {reply.message}")
    data = reply.data or {}
    stored: list[dict[str, Any]] = data.get("tasks", [])
    known = merged_tasks(stored, state.tasks)
    found = [task for task in known if status is None or task.get("status") == status.value]
    if as_json:
        screen.print_json(found)
        return
    out = screen.console()
    if found:
        out.print(tasks_table(found, now_ms()))
    else:
        out.print("No such tasks. Add one: fleetbus task add --name hello --mode quest")
    total = data.get("total", len(known))
    if isinstance(total, int) and total > len(known):
        out.print(f"{len(known)} of {total} tasks were looked at", style="dim")


def watch(broker: Broker = None, root: Root = None) -> None:
    """Show agents, running tasks, limits and events as they change, until Ctrl-C.

    Without a terminal: one picture, then a line for each event.

    Example: fleetbus watch --broker mqtt://127.0.0.1:1883
    """
    out = screen.console()
    with contextlib.suppress(KeyboardInterrupt):
        if out.is_terminal:
            with Live(console=out, screen=True, auto_refresh=False) as live:

                def redraw(state: FleetState, notice: str) -> None:
                    live.update(watch_view(state, now_ms(), notice), refresh=True)

                _follow(broker, root, redraw)
        else:
            _follow(broker, root, _Lines(out).show)


def _follow(broker: str | None, root: str | None, show: Callable[[FleetState, str], None]) -> None:
    """Show the fleet for ever; a broker that goes away later is waited for: it is watched too."""
    state: FleetState | None = None
    while True:
        try:
            with open_bus(broker, root) as bus:
                state = FleetState(bus.topics)
                # A whole snapshot first, so that the first picture is not an empty fleet.
                bus.listen(state.apply)
                bus.snapshot(state.filters)
                while True:
                    show(state, "")
                    bus.serve(REDRAW_S)
        except BusError as error:
            if state is None:
                raise
            show(state, str(error))
            time.sleep(RETRY_S)


class _Lines:
    """The watcher for a pipe."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._shown: int | None = None

    def show(self, state: FleetState, notice: str) -> None:
        """Print what is new."""
        if self._shown is None:
            self._out.print(watch_view(state, now_ms(), notice))
            self._shown = max((event.number for event in state.events), default=0)
        for event in state.events:
            if event.number > self._shown:
                line = f"{event.number} {event.kind} {event.subject or ''} {event.text}"
                self._out.print(screen.safe(line), soft_wrap=True)
                self._shown = event.number


def _agent_document(state: FleetState, name: str) -> dict[str, Any]:
    document = state.agents[name].model_dump(mode="json", exclude_none=True)
    if name in state.presences:
        document["presence"] = state.presences[name].state.value
    return document
