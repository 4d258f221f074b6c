"""``fleetbus web`` and ``fleetbus token``: the control room, and who may enter it."""

import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coordinator import settings
from coordinator.cli import clock, screen
from coordinator.cli.local_secrets import (
    CONTROL_ROOM,
    CONTROL_ROOMS_COORDINATOR,
    is_coordinators,
    known_as,
    with_local_operator,
)
from coordinator.cli.options import AsJson, Broker, Data, Host, HttpPort, MqttPort, Root, Store
from coordinator.cli.sections import WholeLines
from coordinator.settings import CoordinatorSettings

if TYPE_CHECKING:
    from coordinator.http.auth.tokens import Scope, Token, Tokens
    from coordinator.http.service import Connections

token_app = typer.Typer(
    cls=WholeLines,
    no_args_is_help=True,
    help="Tokens for the HTTP API: make, list and revoke them.",
)


def web(
    *,
    data: Data = None,
    store: Store = None,
    host: Host = None,
    http_port: HttpPort = None,
    http_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Another name by which browsers reach it; may be repeated."
        ),
    ] = None,
    mqtt_port: MqttPort = None,
    broker: Broker = None,
    root: Root = None,
) -> None:
    """Run the control room: the HTTP API and the dashboard, beside a coordinator.

    Example: fleetbus web --data .fleetbus --broker mqtt://127.0.0.1:1883
    """
    from coordinator.http.service import run

    chosen = settings.load(
        {
            "data": data,
            "store": store,
            "host": host,
            "http_port": http_port,
            "http_hosts": tuple(http_host) if http_host else None,
            "mqtt_port": mqtt_port,
            "broker": broker,
            "root": root,
        }
    )
    raise typer.Exit(run(chosen, connections_of(chosen)))


def connections_of(chosen: CoordinatorSettings) -> "Connections":
    """Say as whom the control room is on the bus: as the local parts are, or as the URL says."""
    from coordinator.http.service import Connections

    address = chosen.broker_address
    if is_coordinators(address):  # asking is an operator's business
        nameless = address.without_credentials
        return Connections(
            known_as(chosen, nameless, CONTROL_ROOM) or nameless,
            known_as(chosen, nameless, CONTROL_ROOMS_COORDINATOR) or address,
        )
    operator = with_local_operator(chosen)
    if chosen.broker is not None or not chosen.secret_file.exists():
        return Connections(operator)
    secret = settings.read_secret(chosen.secret_file)
    return Connections(operator, replace(address, username="coordinator", password=secret))


@token_app.command("create")
def create(
    scope: Annotated[
        str, typer.Option(metavar="SCOPE", help="read, operate (read and act) or admin (all).")
    ],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who uses it; the fleet's story names it.")
    ] = None,
    days: Annotated[
        float | None, typer.Option(metavar="N", min=0.001, help="[default: it does not expire]")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a token for the HTTP API; it is the last line, and is shown only now.

    Example: fleetbus token create --scope operate --name nightly-script
    """
    tokens = _tokens(data)
    known = _scope(scope)
    now_ms = clock.now_ms()
    until_ms = None if days is None else now_ms + round(days * 86_400_000)
    chosen = name or f"{known}-{secrets.token_hex(2)}"
    token, secret = tokens.create(chosen, known, now_ms, until_ms)
    if as_json:
        screen.print_json({**_row(token), "token": secret})
        return
    print(f"{screen.GOOD} {token.name}: scope {token.scope}, prefix {token.prefix}")
    print(secret)


@token_app.command("list")
def list_(data: Data = None, as_json: AsJson = False) -> None:
    """List the tokens; what their bearers show is not kept.

    Example: fleetbus token list --json | jq '.[] | select(.scope == "admin")'
    """
    rows = [_row(token) for token in _tokens(data).all().values()]
    if as_json:
        screen.print_json(rows)
        return
    if not rows:
        print("no tokens; make one: fleetbus token create --scope read")
        return
    made = screen.table("prefix", "name", "scope", "created", "expires")
    for row in rows:
        made.add_row(*(screen.safe(str(value or "never")) for value in row.values()))
    screen.console().print(made)


@token_app.command("revoke")
def revoke(
    token: Annotated[str, typer.Argument(metavar="PREFIX", help="Its prefix, or its name.")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a token; sessions that rest on it end at once.

    Example: fleetbus token revoke 1a2b3c4d
    """
    gone = [_row(one) for one in _tokens(data).revoke(token)]
    if as_json:
        screen.print_json(gone)
        return
    for row in gone:
        print(f"{screen.GOOD} revoked {row['name']} (prefix {row['prefix']})")


@token_app.command("link")
def link(data: Data = None, http_port: HttpPort = None, as_json: AsJson = False) -> None:
    """Make a link that signs a browser in once, within ten minutes, with every right.

    Example: fleetbus token link --data .fleetbus
    """
    from coordinator.http.auth.sessions import make_link

    chosen = settings.load({"data": data, "http_port": http_port})
    found = sign_in_link(chosen, make_link(chosen.data, clock.now_ms()))
    if as_json:
        screen.print_json({"link": found})
    else:
        print(found)


def sign_in_link(chosen: CoordinatorSettings, secret: str) -> str:
    """Write the link whose secret part is *secret*."""
    return f"{chosen.http_address}/api/orchestrator/signin?link={secret}"


def _tokens(data: Path | None) -> "Tokens":
    from coordinator.http.auth.tokens import Tokens

    return Tokens.in_directory(settings.load({"data": data}).data)


def _scope(said: str) -> "Scope":
    from coordinator.http.auth.tokens import SCOPES

    if said not in SCOPES:
        raise typer.BadParameter(
            f"{said!r} should be one of {', '.join(SCOPES)}", param_hint="--scope"
        )
    return said


def _row(token: "Token") -> dict[str, Any]:
    from coordinator.http.schemas.base import instant

    return {
        "prefix": token.prefix,
        "name": token.name,
        "scope": token.scope,
        "created": instant(token.created_ms),
        "expires": instant(token.expires_ms),
    }
