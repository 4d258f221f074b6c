"""One agent floods; it is slowed down, then cut off, and nobody else notices."""

import contextlib
import socket
import threading
import time
from pathlib import Path

from tests.support.brokers import BrokerAddress, embedded_broker
from tests.support.mqtt import connected
from tests.support.wire import CONNACK, packet, publish, text

LATE_S = 0.25


def hello(name: str) -> bytes:
    body = b"\x00\x04MQTT\x04\x82" + (60).to_bytes(2) + text(name) + text(name)
    return packet(0x10, body)


def flood(broker: BrokerAddress, name: str, cut: threading.Event) -> None:
    message = publish(f"fleet/v1/agents/{name}/report", b"x" * 20) * 100
    with socket.create_connection((broker.host, broker.port), 5) as link:
        link.sendall(hello(name))
        assert link.recv(4)[0] == CONNACK
        link.settimeout(30)
        with contextlib.suppress(ConnectionError):
            while True:
                link.sendall(message)
    cut.set()


def test_a_flood_is_throttled_and_then_cut_off_while_heartbeats_stay_on_time(
    tmp_path: Path,
) -> None:
    with (
        embedded_broker(tmp_path, rate=500.0, patience=2.0) as broker,
        connected(broker, "coordinator") as coordinator,
        connected(broker, "quiet") as quiet,
    ):
        coordinator.subscribe("fleet/v1/agents/quiet/heartbeat")
        cut = threading.Event()
        flooder = threading.Thread(target=flood, args=(broker, "loud", cut), daemon=True)
        began = time.monotonic()
        flooder.start()
        delays = []
        while not cut.wait(0.02):
            said = time.monotonic()
            quiet.publish("fleet/v1/agents/quiet/heartbeat", b"beat")
            coordinator.receive()
            delays.append(time.monotonic() - said)
            assert said - began < 30, "the flood was never cut off"
        assert time.monotonic() - began >= 1.5, "it was cut off before it was slowed down"
        delays.sort()
        assert delays[int(len(delays) * 0.95)] < LATE_S, delays[-10:]
        flooder.join(5)
    assert len(delays) > 20


def test_a_throttled_client_loses_no_message_and_keeps_its_connection(tmp_path: Path) -> None:
    with (
        embedded_broker(tmp_path, rate=2000.0) as broker,
        connected(broker, "coordinator") as coordinator,
        socket.create_connection((broker.host, broker.port), 5) as link,
    ):
        coordinator.subscribe("fleet/v1/agents/busy/report")
        link.sendall(hello("busy"))
        assert link.recv(4)[0] == CONNACK
        topic = "fleet/v1/agents/busy/report"
        link.sendall(b"".join(publish(topic, b"%d" % n) for n in range(2000)))
        link.sendall(publish(topic, b"last"))
        heard = [int(message.payload) for message in coordinator.receive_until(b"last")]
        assert heard == list(range(2000))
        link.sendall(b"\xc0\x00")
        assert link.recv(2) == b"\xd0\x00"


def test_the_coordinator_has_no_pace(tmp_path: Path) -> None:
    with (
        embedded_broker(tmp_path, rate=1.0) as broker,
        connected(broker, "coordinator") as coordinator,
        connected(broker, "listener") as listener,
    ):
        listener.subscribe("fleet/v1/events")
        began = time.monotonic()
        for n in range(500):
            coordinator.publish("fleet/v1/events", b"%d" % n)
        assert [int(listener.receive().payload) for _ in range(500)] == list(range(500))
        assert time.monotonic() - began < 30
