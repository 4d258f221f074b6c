"""Every command of ``fleetbus``, put together; and what becomes of an error."""

import importlib.metadata
import io
import sys
from typing import Annotated

import typer

from coordinator.cli import (
    alert_commands,
    broker_commands,
    doctor_command,
    enroll_commands,
    fleet_commands,
    host_commands,
    part_commands,
    plan_commands,
    screen,
    store_commands,
    task_commands,
    verb_commands,
    web_commands,
    why_commands,
)
from coordinator.cli.conformance import command as conformance_command
from coordinator.cli.init import command as init_command
from coordinator.cli.report import command as report_command
from coordinator.cli.sections import Sections
from coordinator.cli.up import command as up_command
from coordinator.settings import BadSettings
from protocol.errors import FleetBusError

app = typer.Typer(
    name="fleetbus",
    cls=Sections,
    help="A fleet bus over MQTT: one coordinator, many agents, work under leases.\n\n"
    "To look around: fleetbus up. For a fleet of your own: fleetbus init, then fleetbus up.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"fleetbus {importlib.metadata.version('fleetbus')}")
        raise typer.Exit


@app.callback()
def fleetbus(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Set up nothing: each command does what it needs."""


for one in (
    init_command.init,
    up_command.up,
    web_commands.web,
    part_commands.coordinator,
    part_commands.agent,
    fleet_commands.tasks,
    fleet_commands.watch,
    host_commands.hosts,
    store_commands.backup,
    store_commands.restore,
    store_commands.export,
    enroll_commands.enroll,
    enroll_commands.rotate,
    enroll_commands.revoke,
    enroll_commands.enrolled,
    enroll_commands.certs,
    doctor_command.doctor,
    conformance_command.conformance,
    why_commands.why,
    why_commands.summary,
    report_command.report,
):
    app.command()(one)
app.add_typer(broker_commands.app, name="broker")
app.add_typer(host_commands.app, name="host")
for one in (host_commands.start, host_commands.stop, host_commands.restart):
    why_commands.agents_app.command(one.__name__)(one)
for verb in (verb_commands.cordon, verb_commands.drain, verb_commands.maintenance):
    why_commands.agents_app.command(verb.__name__)(verb)
why_commands.agents_app.command("return")(verb_commands.give_back)
why_commands.agents_app.command()(verb_commands.forget)
app.add_typer(verb_commands.fleet_app, name="fleet")
app.add_typer(alert_commands.app, name="alerts")
app.add_typer(why_commands.agents_app, name="agents")
task_commands.app.command("why")(why_commands.task_why)
app.command("import")(store_commands.import_)
app.add_typer(task_commands.app, name="task")
app.add_typer(plan_commands.app, name="plan")
app.add_typer(web_commands.token_app, name="token")


def run() -> None:
    """Run the command line; an error of ours is one clear message, a bug keeps its traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a symbol shows a question mark, and lines are never held.
            stream.reconfigure(errors="replace", line_buffering=True)
    try:
        app()
    except BadSettings as error:
        screen.complain(str(error))
        sys.exit(2)
    except FleetBusError as error:
        screen.complain(str(error))
        sys.exit(1)
