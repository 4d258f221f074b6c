"""``python -m broker``: the embedded broker as a process that says on which ports it listens."""

import argparse
import json
import logging
import sys
from datetime import timedelta
from pathlib import Path

from broker.engine import Ports
from broker.errors import BrokerError
from broker.pace import Pace
from broker.server import run
from broker.settings import MQTT_PORT, PACE, WEBSOCKET_PORT, BrokerSettings
from protocol.errors import BadName
from protocol.topics import DEFAULT_ROOT


def main(arguments: list[str] | None = None) -> int:
    """Serve as *arguments* say; print one line of JSON with the ports when ready."""
    parser = argparse.ArgumentParser(prog="python -m broker", description="The embedded broker.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--mqtt-port", type=int, default=MQTT_PORT, help="0: any free port")
    parser.add_argument(
        "--ws-port", type=int, default=WEBSOCKET_PORT, help="MQTT over WebSocket; 0: any free port"
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="keep retained messages and lasting sessions here, over a restart and a crash",
    )
    parser.add_argument("--root", default=DEFAULT_ROOT, help="root of the fleet's topics")
    parser.add_argument(
        "--secret-file", type=Path, help="file with the coordinator's password, written by it"
    )
    parser.add_argument("--credentials-file", type=Path, help="who is enrolled, as JSON")
    parser.add_argument(
        "--require-credentials", action="store_true", help="believe no name, not even of here"
    )
    parser.add_argument(
        "--insecure-network",
        action="store_true",
        help="serve other machines even without credentials or TLS: anyone may read or command",
    )
    parser.add_argument(
        "--rate", type=float, default=PACE.per_second, help="packets a second of one client"
    )
    parser.add_argument(
        "--burst", type=int, default=PACE.burst, help="packets of one client at once"
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=PACE.patience.total_seconds(),
        help="seconds that a client may go on being too fast before it is cut off",
    )
    parser.add_argument("--tls-cert", type=Path, help="certificate of the broker, PEM")
    parser.add_argument("--tls-key", type=Path, help="its private key, PEM")
    parser.add_argument(
        "--tls-client-ca", type=Path, help="demand client certificates of this authority, PEM"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    try:
        given = vars(options)
        pace = Pace(
            per_second=given.pop("rate"),
            burst=given.pop("burst"),
            patience=timedelta(seconds=given.pop("patience")),
        )
        settings = BrokerSettings(**given, pace=pace)
    except (BrokerError, BadName) as error:
        parser.error(str(error))
    return run(settings, bound=_announce)


def _announce(ports: Ports) -> None:
    sys.stdout.write(json.dumps({"mqtt_port": ports.mqtt, "ws_port": ports.ws}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
