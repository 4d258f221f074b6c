"""``fleetbus broker``, ``coordinator`` and ``agent``: run one part in the foreground.

Each is the same program that ``fleetbus up`` starts, for those who supervise it themselves.
"""

from pathlib import Path
from typing import Annotated

import typer

from coordinator import settings
from coordinator.cli.options import (
    AgentName,
    Broker,
    Data,
    Durable,
    Host,
    HttpPort,
    InsecureNetwork,
    MqttPort,
    Plan,
    RequireCredentials,
    Root,
    Store,
    WsPort,
)


def broker(
    *,
    context: typer.Context,
    host: Host = None,
    mqtt_port: MqttPort = None,
    ws_port: WsPort = None,
    data: Data = None,
    durable: Durable = None,
    root: Root = None,
    require_credentials: RequireCredentials = None,
    insecure_network: InsecureNetwork = None,
) -> None:
    """Run the embedded MQTT broker, for this machine or, with credentials and TLS, for others.

    Example: fleetbus broker --mqtt-port 1884
    """
    if context.invoked_subcommand is not None:
        return
    from broker.__main__ import main
    from coordinator.cli.local_secrets import enroll_here

    chosen = settings.load(
        {
            "host": host,
            "mqtt_port": mqtt_port,
            "ws_port": ws_port,
            "data": data,
            "durable": durable,
            "root": root,
            "require_credentials": require_credentials,
            "insecure_network": insecure_network,
        }
    )
    enroll_here(chosen, [])
    raise typer.Exit(main(broker_arguments(chosen)))


def coordinator(
    *,
    plan: Plan = None,
    data: Data = None,
    store: Store = None,
    strict: Annotated[
        bool | None,
        typer.Option(
            "--strict", help="End when the store is damaged, instead of staying up to say so."
        ),
    ] = None,
    host: Host = None,
    mqtt_port: MqttPort = None,
    http_port: HttpPort = None,
    broker: Broker = None,
    root: Root = None,
) -> None:
    """Run the coordinator on a broker that is already there.

    Example: fleetbus coordinator --plan plan.json --broker mqtt://127.0.0.1:1883
    """
    from coordinator.shell.service import run

    chosen = settings.load(
        {
            "plan": plan,
            "data": data,
            "store": store,
            "strict": strict,
            "host": host,
            "mqtt_port": mqtt_port,
            "http_port": http_port,
            "broker": broker,
            "root": root,
        }
    )
    raise typer.Exit(run(chosen))


def agent(
    *,
    name: AgentName,
    capability: Annotated[
        list[str] | None, typer.Option(metavar="C", help="What it can do; may be repeated.")
    ] = None,
    slots: Annotated[int, typer.Option(metavar="N", min=1, help="How many tasks at once.")] = 1,
    machine_id: Annotated[str | None, typer.Option(help="[default: the host's name]")] = None,
    window_id: Annotated[str | None, typer.Option(help="[default: default]")] = None,
    heartbeat: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds between heartbeats.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its handlers: what each mode executes.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Note the begin and end of each task here.")
    ] = None,
    state_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Remember here, through a crash, what it holds and did."),
    ] = None,
    broker: Broker = None,
    root: Root = None,
) -> None:
    """Run the ready-made agent: it does bounded work, or what its own configuration says.

    Example: fleetbus agent Main --capability quest --capability combat --slots 2
    """
    from agent_client.__main__ import main

    chosen = settings.load({"broker": broker, "root": root})
    arguments = [name, "--slots", str(slots), "--root", chosen.root]
    for ability in capability or []:
        arguments += ["--capability", ability]
    options = {
        "--machine-id": machine_id,
        "--window-id": window_id,
        "--heartbeat": heartbeat,
        "--config": config,
        "--record": record,
        "--state-dir": state_dir,
    }
    for option, value in options.items():
        if value is not None:
            arguments += [option, str(value)]
    raise typer.Exit(main(arguments, broker=chosen.broker or str(chosen.broker_address)))


def broker_arguments(chosen: settings.CoordinatorSettings) -> list[str]:
    """Spell *chosen* as the broker's own command line."""
    return [
        *("--host", chosen.host),
        *("--mqtt-port", str(chosen.mqtt_port)),
        *("--ws-port", str(chosen.ws_port)),
        *("--root", chosen.root),
        *("--secret-file", str(chosen.secret_file)),
        *("--credentials-file", str(chosen.credentials_file)),
        *("--rate", str(chosen.client_rate)),
        *("--burst", str(chosen.client_burst)),
        *(("--data", str(chosen.data / "broker")) if chosen.durable else ()),
        *(("--require-credentials",) if chosen.require_credentials else ()),
        *(("--insecure-network",) if chosen.insecure_network else ()),
        *(("--tls-cert", str(chosen.certs / "server.pem")) if chosen.serves_tls else ()),
        *(("--tls-key", str(chosen.certs / "server.key")) if chosen.serves_tls else ()),
    ]
