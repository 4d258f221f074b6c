"""``fleetbus plan ...``: look at a fleet plan, ask what it would do, and put it in force.

``check`` needs nobody; ``diff`` and ``preview`` work on files alone as well. Everything else asks
the running coordinator, which keeps every version and has the last word on what is in force.
"""

import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from coordinator import settings
from coordinator.cli import screen
from coordinator.cli.bus import Bus
from coordinator.cli.options import AsJson, Broker, Root, open_bus
from coordinator.cli.plan_files import (
    brought_by,
    problems_document,
    show_problems,
    snapshot_in,
    specs_in,
    usable,
)
from coordinator.cli.plan_views import history_table, print_changes
from coordinator.cli.sections import WholeLines
from coordinator.plan.diff import diff as differences
from coordinator.plan.load import examine_file
from protocol.messages import Reply
from protocol.vocabulary import PlanAction, SubmitOp

PREVIEW_S: Final = 90.0

File = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE",
        help="The plan. [default: config/fleet_plan.json, else the shipped example]",
        show_default=False,
    ),
]
Offered = Annotated[
    bool,
    typer.Option("--offered", help="Take the file that the coordinator itself was started with."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Comment = Annotated[
    str, typer.Option("--comment", "-m", metavar="TEXT", help="Why; kept with the version.")
]

app = typer.Typer(
    cls=WholeLines, help="Look at fleet plans, and put one in force.", no_args_is_help=True
)


@app.callback()
def plan() -> None:
    """Look at fleet plans, and put one in force."""


@app.command()
def check(file: File = None, as_json: AsJson = False) -> None:
    """Tell every error and warning of a plan at once; succeed only if it can be used.

    Example: fleetbus plan check config/fleet_plan.json
    """
    source = settings.load({"plan": file}).plan_file
    examined = examine_file(source)
    if as_json:
        screen.print_json(problems_document(source, examined))
    else:
        show_problems(source, examined)
    if examined.plan is None:
        raise typer.Exit(1)


@app.command()
def diff(
    file: File = None,
    new: Annotated[
        Path | None,
        typer.Argument(metavar="NEW", help="Compare FILE with this one, and ask nobody."),
    ] = None,
    offered: Offered = False,
    broker: Broker = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Show what would change, and what that would do to the fleet as it is now.

    Example: fleetbus plan diff old.json new.json
    """
    if file is not None and new is not None:
        changes = differences(usable(file), usable(new))
        compared: dict[str, Any] = {
            "changes": [change.document() for change in changes],
            "changes_total": len(changes),
        }
    else:
        with open_bus(broker, root, operator=True) as bus:
            compared = _compared(bus, brought_by(file, offered=offered))
    if as_json:
        screen.print_json(compared)
    elif compared["changes_total"]:
        print_changes(screen.console(), compared)
    else:
        screen.console().print(f"{screen.GOOD} they say the same")


@app.command()
def preview(
    *,
    file: File = None,
    days: Annotated[
        float, typer.Option(metavar="N", min=0.01, max=31, help="How far to look ahead.")
    ] = 7.0,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask nobody: begin with an empty fleet, or --state.")
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="With --offline: a data directory, or an exported fleet."
        ),
    ] = None,
    tasks: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --offline: a JSON list of tasks to add."),
    ] = None,
    broker: Broker = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Look ahead: what would run when, what would wait for what, what never runs.

    Without FILE, under the plan in force. Nothing of the fleet is touched.

    Example: fleetbus plan preview new.json --days 7
    """
    from coordinator.cli.preview_view import print_preview
    from coordinator.plan.compile import compile_plan
    from coordinator.plan.preview import Preview
    from coordinator.plan.preview import preview as look_ahead

    if offline:
        policy = compile_plan(usable(settings.load({"plan": file}).plan_file))
        begun = snapshot_in(state)
        with screen.working(f"looking {days:g} days ahead"):
            found = look_ahead(policy, begun, days=days, specs=specs_in(tasks))
    elif state is not None or tasks is not None:
        screen.fail("--state and --tasks need --offline", status=2)
    else:
        brought = {} if file is None else brought_by(file)
        ahead = screen.working(f"looking {days:g} days ahead")
        with ahead, open_bus(broker, root, operator=True) as bus:
            reply = _ask(bus, PlanAction.PREVIEW, timeout=PREVIEW_S, days=days, **brought)
        found = Preview.from_document(reply["preview"])
    if as_json:
        screen.print_json(found.document())
    else:
        print_preview(screen.console(), found)


@app.command()
def apply(
    *,
    file: File = None,
    comment: Comment = "",
    made_from: Annotated[
        int | None,
        typer.Option(
            "--made-from",
            metavar="N",
            min=0,
            help="The version that the plan was made from. [default: the one in force]",
            show_default=False,
        ),
    ] = None,
    offered: Offered = False,
    yes: Yes = False,
    broker: Broker = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Put a plan in force, after showing what changes.

    If another version has come into force meanwhile, nothing is changed.

    Example: fleetbus plan apply config/fleet_plan.json -m "combat at night only"
    """
    brought = brought_by(file, offered=offered)
    with open_bus(broker, root, operator=True) as bus:
        compared = _compared(bus, brought)
        if made_from is not None:
            compared["version"] = made_from
        _put_in_force(
            bus,
            PlanAction.APPLY,
            compared,
            yes=yes or as_json,
            as_json=as_json,
            reason=comment,
            **brought,
        )


@app.command()
def history(broker: Broker = None, root: Root = None, as_json: AsJson = False) -> None:
    """Show every plan that was ever in force, newest first.

    Example: fleetbus plan history
    """
    with open_bus(broker, root, operator=True) as bus:
        found = _ask(bus, PlanAction.HISTORY)
    if as_json:
        screen.print_json(found)
    else:
        screen.console().print(history_table(found))


@app.command()
def rollback(
    version: Annotated[int, typer.Argument(metavar="VERSION", min=1, help="See history.")],
    comment: Comment = "",
    yes: Yes = False,
    broker: Broker = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Put an earlier plan in force again, as a new version.

    Example: fleetbus plan rollback 3 -m "the night shift was too much"
    """
    with open_bus(broker, root, operator=True) as bus:
        compared = _compared(bus, {"of_version": version})
        _put_in_force(
            bus,
            PlanAction.ROLLBACK,
            compared,
            yes=yes or as_json,
            as_json=as_json,
            reason=comment,
            of_version=version,
        )


@app.command()
def show(
    version: Annotated[
        int | None,
        typer.Argument(
            metavar="VERSION", min=1, help="[default: the one in force]", show_default=False
        ),
    ] = None,
    broker: Broker = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Print a plan as it was written; with --json, with its version, author and comment.

    Example: fleetbus plan show 2 > before.json
    """
    with open_bus(broker, root, operator=True) as bus:
        found = _ask(bus, PlanAction.SHOW, of_version=version)
    screen.print_json(found if as_json else found["plan"])


# --- asking


def _ask(bus: Bus, action: PlanAction, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 -- Submit's
    reply = bus.request(SubmitOp.PLAN, action=action, **fields)
    return _data(reply)


def _data(reply: Reply) -> dict[str, Any]:
    """Return what was answered, or say why nothing was and end."""
    if not reply.ok:
        for problem in (reply.data or {}).get("problems", ()):
            hint = f" ({problem['suggestion']})" if problem.get("suggestion") else ""
            screen.complain(f"{problem['path']}: {problem['message']}{hint}")
        screen.fail(f"{reply.code}: {reply.message}")
    return reply.data or {}


def _compared(bus: Bus, brought: dict[str, Any]) -> dict[str, Any]:
    return _ask(bus, PlanAction.DIFF, **brought)


def _put_in_force(
    bus: Bus,
    action: PlanAction,
    compared: dict[str, Any],
    *,
    yes: bool,
    as_json: bool,
    **fields: Any,  # noqa: ANN401 -- Submit's
) -> None:
    """Show what changes, ask, and have it done; it was made from the version compared with."""
    version = compared["version"]
    if not as_json:
        out = screen.console()
        if not compared["changes_total"]:
            out.print(f"{screen.GOOD} version {version}, which is in force, says the same")
            return
        print_changes(out, compared)
        if not yes and sys.stdin.isatty() and not typer.confirm(f"Replace version {version}?"):
            screen.fail("nothing was changed")
    done = _ask(bus, action, plan_version=version, **fields)
    if as_json:
        screen.print_json(done)
    else:
        text = f"{screen.GOOD} version {done['version']} is in force"
        screen.console().print(Text(text, style="green"))
