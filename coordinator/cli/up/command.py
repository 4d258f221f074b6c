"""``fleetbus up``: start everything, say where it is, keep it running, stop it in order."""

import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from typing import Annotated, Final

import typer

from coordinator import settings
from coordinator.cli import screen
from coordinator.cli.options import (
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
    WsPort,
)
from coordinator.cli.up.data import end_leftovers, held
from coordinator.cli.up.fleet import Fleet
from coordinator.cli.up.supervisor import Stopped, Supervisor
from protocol.errors import FleetBusError

ONE_REQUEST_S: Final = 0.5


def up(
    *,
    plan: Plan = None,
    data: Data = None,
    host: Host = None,
    mqtt_port: MqttPort = None,
    ws_port: WsPort = None,
    http_port: HttpPort = None,
    broker: Broker = None,
    root: Root = None,
    durable: Durable = None,
    require_credentials: RequireCredentials = None,
    insecure_network: InsecureNetwork = None,
    no_agents: Annotated[
        bool, typer.Option("--no-agents", help="Leave the plan's auto_start agents alone.")
    ] = False,
    no_web: Annotated[
        bool, typer.Option("--no-web", help="Leave out the HTTP API and the dashboard.")
    ] = False,
) -> None:
    """Start a broker, a coordinator, the control room and the plan's agents, until Ctrl-C.

    Example: fleetbus up --plan config/fleet_plan.json --mqtt-port 1884
    """
    chosen = settings.load(
        {
            "plan": plan,
            "data": data,
            "host": host,
            "mqtt_port": mqtt_port,
            "ws_port": ws_port,
            "http_port": http_port,
            "broker": broker,
            "root": root,
            "durable": durable,
            "require_credentials": require_credentials,
            "insecure_network": insecure_network,
            "no_agents": no_agents or None,
            "no_web": no_web or None,
        }
    )
    # The store takes a quarter of a second to import, and other commands have no use for it.
    from coordinator.cli.up.plan import plan_in_force

    in_force = plan_in_force(chosen)
    with held(chosen.data):
        if left := end_leftovers(chosen.data):
            say(f"{screen.WARN} ended what an earlier `fleetbus up` left: {', '.join(left)}")
        if in_force.note is not None:
            say(f"{screen.WARN} {in_force.note}")
        raise typer.Exit(_run(Fleet(chosen, in_force, say)))


def say(line: str) -> None:
    """Tell the person at the terminal; whether anybody is still there does not matter."""
    with contextlib.suppress(OSError, ValueError):
        print(line, flush=True)


def _run(fleet: Fleet) -> int:
    with _signals(fleet.supervisor):
        try:
            fleet.start()
            fleet.supervisor.supervise()
        except Stopped:
            return 0
        except FleetBusError as error:
            screen.complain(str(error))
            return 1
        else:
            return 0
        finally:
            # Whatever happened, a bug of ours included, no process is left behind.
            _stop(fleet)


def _stop(fleet: Fleet) -> None:
    began = time.monotonic()
    if killed := fleet.supervisor.stop_all():
        say(f"{screen.WARN} did not end in time and was killed: {', '.join(killed)}")
    say(f"stopped in {time.monotonic() - began:.1f} s; the store and logs are in {fleet.data}")


@contextlib.contextmanager
def _signals(supervisor: Supervisor) -> Iterator[None]:
    """Count requests to stop; the second one is impatient."""
    last = -1.0

    def ask(_number: int, _frame: object) -> None:
        nonlocal last
        now = time.monotonic()
        # Wrappers such as make pass on a signal that the terminal has sent to us as well.
        if now - last > ONE_REQUEST_S:
            supervisor.stop_asked += 1
        last = now

    names = ["SIGINT", "SIGTERM"] + ([] if sys.platform == "win32" else ["SIGHUP"])
    before = {getattr(signal, name): signal.getsignal(getattr(signal, name)) for name in names}
    for number in before:
        signal.signal(number, ask)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
