"""The options that several commands share, so that each is named and explained once."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from coordinator.cli.bus import Bus


def _without_password(
    option: str, variable: str, remedy: str
) -> Callable[[str | None], str | None]:
    """Refuse a password that every user of this machine could see in the list of processes."""

    def check(url: str | None) -> str | None:
        if url is None:
            return None
        from coordinator import settings

        if settings.holds_password(url):
            problem = (
                f"{option}: a password on the command line shows in the list of processes; put the "
                f"URL into {variable}, or {remedy}"
            )
            raise settings.BadSettings([problem])
        return url

    return check


Broker = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        callback=_without_password(
            "--broker",
            "FLEETBUS_BROKER",
            "the password into a file that FLEETBUS_PASSWORD_FILE names (mqtt://NAME@host:port)",
        ),
        help="The broker, as mqtt://host:port or mqtts://host:port for TLS. "
        "[variable: FLEETBUS_BROKER; default: our own on this machine]",
        show_default=False,
    ),
]
Root = Annotated[
    str | None,
    typer.Option(
        metavar="ROOT",
        help="The first levels of every topic. [variable: FLEETBUS_ROOT; default: fleet]",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Plan = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The fleet plan. [default: config/fleet_plan.json, else the shipped example]",
        show_default=False,
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Where the store, the secret and the logs are kept. [default: .fleetbus]",
        show_default=False,
    ),
]
Store = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        callback=_without_password(
            "--store",
            "FLEETBUS_STORE",
            "the password into PostgreSQL's ~/.pgpass (postgresql://NAME@host/DATABASE)",
        ),
        help="A store in PostgreSQL instead of the SQLite file in the data directory. "
        "[variable: FLEETBUS_STORE]",
        show_default=False,
    ),
]
Host = Annotated[
    str | None,
    typer.Option(metavar="HOST", help="Where to listen. [default: 127.0.0.1]", show_default=False),
]
RequireCredentials = Annotated[
    bool | None,
    typer.Option(
        "--require-credentials",
        help="Let our own broker refuse names that are not enrolled, on this machine as well.",
    ),
]
Durable = Annotated[
    bool | None,
    typer.Option(
        "--durable",
        help="Let our own broker keep retained messages and lasting sessions over a restart.",
    ),
]
InsecureNetwork = Annotated[
    bool | None,
    typer.Option(
        "--insecure-network",
        help="Let our own broker serve other machines without credentials or TLS: "
        "anyone may command the fleet.",
    ),
]

TaskId = Annotated[str, typer.Argument(metavar="ID", help="The task's id.")]
AgentName = Annotated[str, typer.Argument(metavar="NAME", help="The agent's name.")]
Reason = Annotated[
    str | None, typer.Option(metavar="TEXT", help="Why; it stands in the fleet's story.")
]


def _port(what: str, default: int) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        metavar="N",
        help=f"Port of {what}; 0: any free one. [default: {default}]",
        show_default=False,
        min=0,
        max=65_535,
    )
    return option


MqttPort = Annotated[int | None, _port("MQTT", 1883)]
WsPort = Annotated[int | None, _port("MQTT over WebSockets", 9001)]
HttpPort = Annotated[int | None, _port("the HTTP API and the dashboard", 8080)]


def open_bus(broker: str | None, root: str | None, *, operator: bool = False) -> "Bus":
    """Prepare the connection that the flags, variables and the settings file ask for."""
    from coordinator import settings
    from coordinator.cli.bus import Bus
    from coordinator.cli.local_secrets import with_local_operator

    chosen = settings.load({"broker": broker, "root": root})
    return Bus(with_local_operator(chosen), chosen.root, operator=operator)
