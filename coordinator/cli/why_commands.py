"""``fleetbus task why``, ``agents why-idle``, ``why`` and ``summary``: ask for reasons and numbers.

They change nothing. With ``--json`` the document is printed as the coordinator gave it.
"""

from collections.abc import Callable
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from coordinator.cli import screen
from coordinator.cli.clock import now_ms
from coordinator.cli.fleet_state import FleetState
from coordinator.cli.options import AgentName, AsJson, Broker, Root, TaskId, open_bus
from coordinator.cli.views import coordinator_line
from coordinator.cli.why_views import (
    Document,
    agent_why_view,
    fleet_why_view,
    summary_view,
    task_why_view,
)
from protocol.topics import CoordinatorChannel
from protocol.vocabulary import SubmitOp


def why_idle(
    name: AgentName,
    broker: Broker = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Say why an agent does not work, or not more: what keeps it, and what waits for whom.

    Example: fleetbus agents why-idle Main
    """
    _ask(SubmitOp.WHY_IDLE, agent_why_view, broker, root, as_json=as_json, agent=name)


def task_why(
    task: TaskId, broker: Broker = None, root: Root = None, as_json: AsJson = False
) -> None:
    """Say why a task waits: every gate, who holds what is full, and what would start it.

    Example: fleetbus task why t1-000042
    """
    _ask(SubmitOp.WHY, task_why_view, broker, root, as_json=as_json, task=task)


def why(broker: Broker = None, root: Root = None, as_json: AsJson = False) -> None:
    """Say what holds the fleet back: how many tasks wait for which reason, and who is free.

    Example: fleetbus why --json | jq '.blocked[] | [.code, .tasks]'
    """
    _ask(SubmitOp.WHY_SUMMARY, fleet_why_view, broker, root, as_json=as_json)


def summary(broker: Broker = None, root: Root = None, as_json: AsJson = False) -> None:
    """Show the coordinator's state, and the fleet in numbers.

    Agents are counted by status and health, tasks by status and priority.

    Example: fleetbus summary --json | jq .pending_tasks
    """
    with open_bus(broker, root) as bus:
        state = FleetState(bus.topics)
        channels = (CoordinatorChannel.PRESENCE, CoordinatorChannel.SUMMARY)
        state.apply_all(bus.snapshot([bus.topics.coordinator(channel) for channel in channels]))
    if state.summary is None:
        screen.fail("no coordinator has told of a fleet here; start one with `fleetbus up`")
    if as_json:
        presence = state.coordinator
        document = state.summary.model_dump(mode="json")
        coordinator = None if presence is None else presence.model_dump(mode="json")
        screen.print_json({**document, "coordinator": coordinator})
    else:
        out = screen.console()
        out.print(screen.safe(state.summary.fleet_name, "bold"))
        out.print(coordinator_line(state.coordinator), soft_wrap=True)  # so that it can be copied
        out.print(Text(""), summary_view(state.summary), sep="\n")


def _ask(
    op: SubmitOp,
    view: Callable[[Document, int], RenderableType],
    broker: str | None,
    root: str | None,
    *,
    as_json: bool,
    **about: Any,  # noqa: ANN401 -- fields of Submit
) -> None:
    with open_bus(broker, root, operator=True) as bus:
        reply = bus.request(op, **about)
    if not reply.ok:
        screen.fail(f"{reply.code}: {reply.message}")
    document = reply.data or {}
    if as_json:
        screen.print_json(document)
    else:
        screen.console().print(view(document, now_ms()))
