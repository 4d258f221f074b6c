"""``fleetbus broker``, and ``fleetbus broker config``: our own broker, and the files of others."""

from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coordinator import settings
from coordinator.cli import screen
from coordinator.cli.local_secrets import (
    CONTROL_ROOM,
    CONTROL_ROOMS_COORDINATOR,
    COORDINATOR,
    DOCTOR,
    DOCTORS_COORDINATORS,
    LOCAL_OPERATOR,
    LOCAL_STARTER,
    secret_file,
    write_secret,
)
from coordinator.cli.options import Data, MqttPort, Plan, Root
from coordinator.cli.part_commands import broker
from coordinator.cli.sections import WholeLines
from coordinator.settings import CoordinatorSettings, read_secret
from protocol.access import Role
from protocol.errors import FleetBusError
from protocol.topics import Topics

if TYPE_CHECKING:
    from broker.others.people import Person

app = typer.Typer(cls=WholeLines, rich_markup_mode=None)
app.callback(invoke_without_command=True)(broker)


class Kind(StrEnum):
    """The brokers that we know how to set up."""

    MOSQUITTO = "mosquitto"
    NATS = "nats"
    EMQX = "emqx"


Names = Annotated[list[str] | None, typer.Option(metavar="NAME", help="Repeatable.")]


@app.command()
def config(
    *,
    kind: Annotated[Kind, typer.Argument(metavar="mosquitto|nats|emqx", help="Which broker.")],
    agent: Names = None,
    operator: Names = None,
    observer: Names = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="[default: config/<broker>]")
    ] = None,
    plan: Plan = None,
    mqtt_port: MqttPort = None,
    root: Root = None,
    data: Data = None,
) -> None:
    """Write another broker's configuration: who may do what, and everyone's secret.

    The plan's agents are let in, who is enrolled, and who is named. Secrets are kept in the data
    directory, so that running this again changes none.

    Example: fleetbus broker config mosquitto --operator ann
    """
    from broker.others.people import Site

    flags = {"plan": plan, "mqtt_port": mqtt_port, "root": root, "data": data}
    chosen = settings.load(flags)
    roles = _roles(chosen, agent or [], operator or [], observer or [])
    people = [_person(chosen, name, role) for name, role in roles.items()]
    folder = (out or Path("config") / kind.value).absolute()
    certs = chosen.certs.absolute() if (chosen.certs / "server.pem").exists() else None
    site = Site(folder=folder, port=chosen.mqtt_port, certs=certs)
    made: dict[str, str] = import_module(f"broker.others.{kind.value}").files(
        Topics(chosen.root), people, site
    )
    try:
        site.store.mkdir(parents=True, exist_ok=True)
        for name, content in made.items():
            write_secret(folder / name, content.rstrip("\n"))
    except OSError as error:
        raise FleetBusError(f"--out {folder}: cannot be written: {error}") from None
    print(f"{screen.GOOD} {', '.join(made)} in {folder}, for {len(people)} names")
    print(f"{screen.GOOD} secrets in {secret_file(chosen, 'NAME')}")
    if certs is None:
        print(f"{screen.WARN} without certificates it listens on 127.0.0.1 only: fleetbus certs")
    print(
        f"point the fleet at it:  FLEETBUS_BROKER={'mqtts' if certs else 'mqtt'}://"
        f"coordinator@HOST:{chosen.mqtt_port} FLEETBUS_PASSWORD_FILE="
        f"{secret_file(chosen, COORDINATOR)}"
    )


def _roles(
    chosen: CoordinatorSettings, agents: list[str], operators: list[str], observers: list[str]
) -> dict[str, Role]:
    from agent_client.settings import machine_id_of
    from broker.credentials.file import CredentialsFile
    from coordinator.plan.load import load
    from coordinator.plan.pools import member_names
    from protocol.names import host_name

    plan = load(chosen.plan_file)
    roles = {COORDINATOR: Role.COORDINATOR, LOCAL_OPERATOR: Role.OPERATOR, DOCTOR: Role.AGENT}
    roles |= dict.fromkeys((*DOCTORS_COORDINATORS, CONTROL_ROOMS_COORDINATOR), Role.COORDINATOR)
    roles |= dict.fromkeys((LOCAL_STARTER, CONTROL_ROOM), Role.OPERATOR)
    roles |= {agent.name: Role.AGENT for agent in plan.agents}
    machines = {agent.machine_id for agent in plan.agents if agent.machine_id}
    for pool, its in plan.pools.items():
        roles |= dict.fromkeys(member_names(pool, its.max), Role.AGENT)
        machines.update(its.machines)
    machines.add(machine_id_of(None))  # `fleetbus up` runs a host here
    roles |= {host_name(machine): Role.HOST for machine in sorted(machines)}
    for entry in CredentialsFile(chosen.credentials_file).load().entries.values():
        if entry.is_revoked:
            roles.pop(entry.name, None)
        else:
            roles[entry.name] = entry.role
    for role, named in (
        (Role.AGENT, agents),
        (Role.OPERATOR, operators),
        (Role.OBSERVER, observers),
    ):
        roles |= dict.fromkeys(named, role)
    return roles


def _person(chosen: CoordinatorSettings, name: str, role: Role) -> "Person":
    from broker.credentials.records import new_secret
    from broker.others.people import Person

    file = secret_file(chosen, name)
    if not file.exists():
        Person(name, role, "")  # a name that nobody may bear makes no file
        write_secret(file, new_secret())
    return Person(name, role, read_secret(file))
