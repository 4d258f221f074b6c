"""The embedded broker without the fleet's rules, as a process: what MQTT itself asks of it.

Everyone may do everything, and sessions may outlive their connections; only what lies under
``test/nosubscribe`` may not be subscribed to, so that a refusal can be seen as well.
"""

import argparse
import asyncio
import json
import signal
import sys
from datetime import timedelta
from pathlib import Path

from broker.engine import Ports
from broker.gate import Gate
from broker.identity import Connect
from broker.limits import Limits
from broker.server import loop_factory, serve
from broker.settings import BrokerSettings
from protocol.access import Rights

EVERYTHING = Rights(publish=("#",), subscribe=("#", "$SYS/#"), will=("#",))
REFUSED_WILL = "test/nowill"


class OpenGate(Gate):
    """Lets everything through but one filter."""

    def may_subscribe(self, pattern: str) -> bool:
        return not pattern.startswith("test/nosubscribe")


class OpenAccess:
    """Lets everyone in, whose will is not the one that nobody may have."""

    def admit(self, connect: Connect) -> Gate | None:
        return None if connect.will_topic == REFUSED_WILL else OpenGate(EVERYTHING)

    def review(self) -> None:
        return None

    def recall(self, name: str) -> Gate:
        return OpenGate(EVERYTHING)

    def refused_publish(self, client_id: str, topic: str) -> None:
        sys.stderr.write(f"dropped a message of {client_id} to {topic}\n")


async def main(port: int, limits: Limits, data: Path | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def bound(ports: Ports) -> None:
        sys.stdout.write(json.dumps({"mqtt_port": ports.mqtt, "ws_port": ports.ws}) + "\n")
        sys.stdout.flush()

    await serve(
        BrokerSettings(mqtt_port=port, ws_port=0, data=data, figures_every=timedelta(seconds=0.2)),
        ready=lambda: None,
        stop=stop,
        bound=bound,
        access=OpenAccess(),
        limits=limits,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--mqtt-port", type=int, default=0)
    parser.add_argument("--limits", type=json.loads, default={}, help="fields of Limits, as JSON")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--plain-loop", action="store_true", help="asyncio's own loop")
    options = parser.parse_args()
    factory = None if options.plain_loop else loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main(options.mqtt_port, Limits(**options.limits), options.data))
