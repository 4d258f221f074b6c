"""``python -m broker``: the embedded broker as a process that says on which ports it listens."""

import argparse
import json
import logging
import sys
from pathlib import Path

from broker.engine import Ports
from broker.errors import BrokerError
from broker.server import run
from broker.settings import MQTT_PORT, WEBSOCKET_PORT, BrokerSettings
from protocol.errors import BadName
from protocol.topics import DEFAULT_ROOT


def main(arguments: list[str] | None = None) -> int:
    """Serve as *arguments* say; print one line of JSON with the ports when ready."""
    parser = argparse.ArgumentParser(prog="python -m broker", description="The embedded broker.")
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on")
    parser.add_argument("--mqtt-port", type=int, default=MQTT_PORT, help="0: any free port")
    parser.add_argument(
        "--ws-port", type=int, default=WEBSOCKET_PORT, help="MQTT over WebSocket; 0: any free port"
    )
    parser.add_argument("--root", default=DEFAULT_ROOT, help="root of the fleet's topics")
    parser.add_argument(
        "--secret-file", type=Path, help="file with the coordinator's password, written by it"
    )
    parser.add_argument("--tls-cert", type=Path, help="certificate of the broker, PEM")
    parser.add_argument("--tls-key", type=Path, help="its private key, PEM")
    parser.add_argument(
        "--tls-client-ca", type=Path, help="demand client certificates of this authority, PEM"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    try:
        settings = BrokerSettings(**vars(options))
    except (BrokerError, BadName) as error:
        parser.error(str(error))
    return run(settings, bound=_announce)


def _announce(ports: Ports) -> None:
    sys.stdout.write(json.dumps({"mqtt_port": ports.mqtt, "ws_port": ports.ws}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
