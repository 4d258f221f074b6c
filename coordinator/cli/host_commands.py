"""``fleetbus host``, ``hosts``, ``agents start``: the fleet's machines and what runs on them."""

import getpass
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from coordinator import settings
from coordinator.cli import screen
from coordinator.cli.clock import now_ms
from coordinator.cli.fleet_state import FleetState
from coordinator.cli.host_unit import TASK_SCHEDULER, Unit
from coordinator.cli.host_views import hosts_table
from coordinator.cli.options import AgentName, AsJson, Broker, Reason, Root, open_bus
from coordinator.cli.sections import WholeLines
from protocol.vocabulary import SubmitOp

app = typer.Typer(cls=WholeLines)

Machine = Annotated[
    str | None,
    typer.Option(
        metavar="ID",
        help="The plan's machine_id. [default: this machine's name]",
        show_default=False,
    ),
]
StateDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Where logs and what must survive a crash are kept. [default: .fleetbus/host]",
        show_default=False,
    ),
]
Secrets = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where each agent's secret is, as NAME.secret."),
]
StandIn = Annotated[
    bool,
    typer.Option("--stand-in", help="Run the agents of machines that have no host as well."),
]


@app.callback(invoke_without_command=True)
def host(
    *,
    context: typer.Context,
    machine: Machine = None,
    state_dir: StateDir = None,
    secrets: Secrets = None,
    stand_in: StandIn = False,
    interval: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds between two statements.")
    ] = None,
    patience: Annotated[
        float | None, typer.Option(metavar="S", help="How long an agent may take to stop.")
    ] = None,
    restarts: Annotated[
        int | None, typer.Option(metavar="N", help="Starts within ten minutes, then error.")
    ] = None,
    restart_after: Annotated[
        float | None, typer.Option(metavar="S", help="The first wait; doubled each time.")
    ] = None,
    broker: Broker = None,
    root: Root = None,
) -> None:
    """Start, restart and stop this machine's agents as the coordinator asks, until Ctrl-C.

    Example: fleetbus host --machine LAPTOP --broker mqtts://hub:8883
    """
    if context.invoked_subcommand is not None:
        return
    from agent_client.host.__main__ import main

    chosen = settings.load({"broker": broker, "root": root})
    arguments = ["--root", chosen.root, "--broker", chosen.broker or str(chosen.broker_address)]
    options = {
        "--machine": machine,
        "--state-dir": state_dir,
        "--secrets": secrets,
        "--interval": interval,
        "--patience": patience,
        "--restarts": restarts,
        "--restart-after": restart_after,
    }
    for option, value in options.items():
        if value is not None:
            arguments += [option, str(value)]
    raise typer.Exit(main([*arguments, *(["--stand-in"] if stand_in else [])]))


@app.command()
def install(
    *,
    machine: Machine = None,
    state_dir: StateDir = None,
    secrets: Secrets = None,
    broker: Broker = None,
    root: Root = None,
    user: Annotated[
        str | None, typer.Option(metavar="NAME", help="As whom it runs. [default: you]")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the unit there instead of printing it."),
    ] = None,
    windows: Annotated[
        bool, typer.Option("--windows", help="Print the commands for Windows' Task Scheduler.")
    ] = False,
) -> None:
    """Make a systemd unit that runs the host of this machine from its start on.

    Example: fleetbus host install --out /etc/systemd/system/fleetbus-host.service
    """
    chosen = settings.load({"broker": broker, "root": root})
    unit = Unit(
        program=(sys.executable, "-m", "agent_client.host"),
        broker=str(chosen.broker_address.without_credentials),
        root=chosen.root,
        user=user or getpass.getuser(),
        folder=Path.cwd(),
        state_dir=(state_dir or Path(".fleetbus/host")).absolute(),
        machine=machine,
        secrets=None if secrets is None else secrets.absolute(),
        password_file=chosen.password_file,
        ca_file=chosen.ca_file,
    )
    if windows:
        print(TASK_SCHEDULER.format(command=unit.command_line))
        return
    if out is None:
        print(unit.text(), end="")
        return
    try:
        out.write_text(unit.text())
    except OSError as error:
        screen.fail(f"--out {out}: cannot be written: {error.strerror or error}")
    print(f"{screen.GOOD} {out}; now: systemctl daemon-reload && systemctl enable --now {out.stem}")


def hosts(broker: Broker = None, root: Root = None, as_json: AsJson = False) -> None:
    """List the machines: whether their hosts are there, how busy they are, and what they run.

    Example: fleetbus hosts --json | jq '.[] | {machine_id, state}'
    """
    with open_bus(broker, root) as bus:
        state = FleetState(bus.topics)
        state.apply_all(bus.snapshot([bus.topics.under("hosts/#")]))
    if as_json:
        screen.print_json([_document(state, name) for name in sorted(state.hosts)])
        return
    out = screen.console()
    if state.hosts:
        out.print(hosts_table(state.hosts, state.actual, state.machines, now_ms()))
    else:
        out.print("No hosts yet. Start one on each machine: fleetbus host --machine ID")


def _document(state: FleetState, name: str) -> dict[str, Any]:
    document = state.hosts[name].model_dump(mode="json", exclude_none=True)
    if name in state.actual:
        actual = state.actual[name].model_dump(mode="json", exclude_none=True)
        document["agents"] = actual["agents"]
    if name in state.machines:
        document["metrics"] = state.machines[name].m
    return document


def _ordering(op: SubmitOp, said: str, help_text: str) -> Callable[..., None]:
    """Make the command that asks *op* of one agent."""

    def order(
        name: AgentName,
        reason: Reason = None,
        broker: Broker = None,
        root: Root = None,
        as_json: AsJson = False,
    ) -> None:
        with open_bus(broker, root, operator=True) as bus:
            reply = bus.request(op, agent=name, reason=reason)
        if not reply.ok:
            screen.fail(f"{reply.code}: {reply.message}")
        if as_json:
            screen.print_json({"agent": name, "op": op.value})
        else:
            print(f"{screen.GOOD} {said} {name}")

    order.__name__ = op.value
    order.__doc__ = f"{help_text}\n\n    Example: fleetbus agents {op.value} Main\n    "
    return order


start = _ordering(SubmitOp.START, "starting", "Have an agent of the plan started by its host.")
stop = _ordering(SubmitOp.STOP, "stopping", "Have an agent stopped, and not started again.")
restart = _ordering(SubmitOp.RESTART, "starting anew", "Have an agent stopped and started anew.")
