"""What the embedded broker gives to one client at most, and what happens beyond that."""

import itertools
import socket
from collections.abc import Iterator
from typing import Final

import psutil
import pytest

from tests.support.brokers import BrokerAddress, open_broker
from tests.support.mqtt import TestClient
from tests.support.open_broker import REFUSED_WILL
from tests.support.wire import (
    CONNACK,
    PUBACK,
    PUBLISH,
    PUBREC,
    Delivered,
    Will,
    acknowledge,
    connect,
    on_wire,
    publish,
    subscribe,
)

LIMITS: Final = {
    "packet_bytes": 100_000,
    "connect_bytes": 2_000,
    "client_id_bytes": 64,
    "topic_bytes": 100,
    "topic_levels": 8,
    "filters": 5,
    "unreleased": 4,
    "window": 10,
    "queue": 50,
    "queue_at_most_once": 20,
    "retained": 10,
    "retained_bytes": 10_000,
    "absent_sessions": 3,
    "connections": 40,
}
_TOPICS = itertools.count(1)


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerAddress]:
    with open_broker(tmp_path_factory.mktemp("limits"), LIMITS) as address:
        yield address


@pytest.fixture
def topic() -> str:
    return f"test/{next(_TOPICS)}"


@pytest.mark.parametrize("protocol", [b"\x00\x04MQTT\x05", b"\x00\x06MQIsdp\x03"])
def test_another_version_of_mqtt_is_told_so(at: BrokerAddress, protocol: bytes) -> None:
    with on_wire(at) as client:
        client.send(connect("other", protocol=protocol))
        assert client.expect(CONNACK) == b"\x00\x01"
        assert client.is_closed()


def test_a_client_id_of_any_reasonable_length_is_taken_and_a_longer_one_rejected(
    at: BrokerAddress,
) -> None:
    with on_wire(at, "x" * 64):
        pass
    with on_wire(at) as client:
        client.send(connect("x" * 65))
        assert client.expect(CONNACK) == b"\x00\x02"
        assert client.is_closed()


def test_a_connect_too_large_is_not_even_read(at: BrokerAddress) -> None:
    with on_wire(at) as client:
        client.send(connect("large", will=Will("a", bytes(2_000))))
        assert client.is_closed()


def test_a_packet_too_large_ends_the_connection_as_soon_as_it_is_announced(
    at: BrokerAddress, name: str, topic: str
) -> None:
    with on_wire(at, name) as client:
        client.publish(topic, bytes(99_900), 1)
        client.send(publish(topic, bytes(100_001))[:4])
        assert client.is_closed()


@pytest.mark.parametrize("wrong", ["x" * 101, "/".join("abcdefghi")])
def test_a_topic_too_long_or_too_deep_ends_the_connection(
    at: BrokerAddress, name: str, wrong: str
) -> None:
    with on_wire(at, name) as client:
        assert client.subscribe(wrong, 0) == 0x80
        client.send(publish(wrong))
        assert client.is_closed()


def test_a_filter_too_many_is_refused_and_one_given_back_may_be_had_again(
    at: BrokerAddress, name: str, topic: str
) -> None:
    with on_wire(at, name) as client:
        assert [client.subscribe(f"{topic}/{n}", 0) for n in range(6)] == [0, 0, 0, 0, 0, 0x80]
        assert client.subscribe(f"{topic}/0", 1) == 1
        client.send(b"\xa2\x05\x00\x01\x00\x01x")
        client.receive()
        assert client.subscribe("x", 0) == 0x80


def test_qos_2_messages_that_are_never_released_end_the_connection(
    at: BrokerAddress, name: str, topic: str
) -> None:
    with on_wire(at, name) as client:
        client.send(*(publish(topic, b"said", 2, n) for n in range(1, 5)))
        assert [found.first for found in client.heard()] == [PUBREC] * 4
        client.send(publish(topic, b"said", 2, 5))
        assert client.is_closed()


def test_a_connection_too_many_is_closed_at_once(at: BrokerAddress) -> None:
    strangers = [socket.create_connection((at.host, at.port), 5) for _ in range(41)]
    try:
        assert strangers[-1].recv(1) == b""
    finally:
        for stranger in strangers:
            stranger.close()


def test_no_more_than_a_window_is_in_flight_and_the_rest_follows_its_acknowledgements(
    at: BrokerAddress, name: str, topic: str
) -> None:
    with on_wire(at, name) as reader, on_wire(at, f"{name}-writer") as writer:
        reader.subscribe(topic, 1)
        for n in range(30):
            writer.publish(topic, b"%d" % n, 1)
        first = [Delivered.of(found) for found in reader.heard()]
        assert [m.payload for m in first] == [b"%d" % n for n in range(10)]
        for message in first:
            reader.send(acknowledge(PUBACK, message.packet_id))
        # An answer to a ping may overtake them, so they are counted before one is asked for.
        second = [reader.delivered() for _ in range(10)]
        assert [m.payload for m in second] == [b"%d" % n for n in range(10, 20)]
        assert reader.heard() == [], "the window is full again"


def test_one_that_never_acknowledges_is_disconnected_with_its_will(
    at: BrokerAddress, name: str, topic: str
) -> None:
    with (
        on_wire(at, f"{name}-watcher") as watcher,
        on_wire(at, name, will=Will(f"{topic}/will")) as reader,
        on_wire(at, f"{name}-writer") as writer,
    ):
        watcher.subscribe(f"{topic}/will", 0)
        reader.subscribe(topic, 1)
        for n in range(60):
            writer.publish(topic, b"%d" % n, 1)
        assert reader.heard(), "a full queue is no reason yet"
        writer.publish(topic, b"the one too many", 1)
        assert reader.is_closed()
        assert watcher.delivered() == Delivered(f"{topic}/will", b"gone")


def test_a_slow_reader_of_qos_0_loses_messages_and_nobody_else_does(
    at: BrokerAddress, name: str, topic: str
) -> None:
    count, payload = 400, bytes(50_000)
    memory = psutil.Process(at.process.pid).memory_info
    before = memory().rss
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect((at.host, at.port))
    slow.sendall(connect(f"{name}-slow") + subscribe(topic, 0))
    with on_wire(at, name) as reader, on_wire(at, f"{name}-writer") as writer:
        reader.subscribe(topic, 0)
        for n in range(count):
            writer.publish(topic, payload, 1)
            assert reader.delivered().payload == payload, n
        assert memory().rss - before < 10 * len(payload) * 20
        reader.subscribe("$SYS/broker/publish/messages/dropped", 0)
        reader.delivered()  # as it was; and as it is
        assert int(reader.delivered().payload) > count / 2
    slow.close()


def test_what_was_dropped_is_counted(at: BrokerAddress, name: str, topic: str) -> None:
    with on_wire(at, name, clean=False) as client:
        client.subscribe(topic, 1)
    with on_wire(at, f"{name}-writer") as writer:
        for _ in range(55):
            writer.publish(topic, b"said", 1)
        writer.subscribe("$SYS/broker/publish/messages/dropped", 0)
        writer.delivered()
        assert int(writer.delivered().payload) >= 5
    with on_wire(at, name, clean=False) as client:
        got = client.heard()
        assert len(got) == 10
        assert {found.first & 0xF0 for found in got} == {PUBLISH}
    with on_wire(at, name):
        pass


def test_of_sessions_without_a_client_the_longest_absent_makes_room(
    at: BrokerAddress, name: str
) -> None:
    for n in range(4):
        with on_wire(at, f"{name}-{n}", clean=False):
            pass
    present = []
    for n in reversed(range(4)):
        with on_wire(at) as client:
            present.append(client.connect(f"{name}-{n}", clean=False))
    assert present == [True, True, True, False]
    for n in range(4):
        with on_wire(at, f"{name}-{n}"):
            pass


def test_a_topic_too_many_is_delivered_and_not_retained(
    at: BrokerAddress, name: str, topic: str
) -> None:
    with on_wire(at, name) as client:
        client.subscribe(f"{topic}/#", 0)
        for n in range(12):
            client.send(publish(f"{topic}/{n}", b"said", retain=True))
        assert len(client.heard()) == 12
        client.subscribe(f"{topic}/#", 0)
        kept = client.heard()
        assert len(kept) < 12
        client.send(*(publish(f"{topic}/{n}", b"", retain=True) for n in range(12)))
        client.heard()


def test_a_refused_connection_does_not_touch_the_session_it_names(
    at: BrokerAddress, name: str, topic: str
) -> None:
    with on_wire(at, name, clean=False) as client:
        client.subscribe(topic, 1)
        with on_wire(at) as impostor:
            impostor.send(connect(name, will=Will(REFUSED_WILL)))
            assert impostor.expect(CONNACK) == b"\x00\x05"
            assert impostor.is_closed()
        client.send(publish(topic, b"still here"))
        assert client.delivered() == Delivered(topic, b"still here")
    with on_wire(at, name):
        pass


def test_a_client_over_websocket_is_like_any_other(at: BrokerAddress, name: str) -> None:
    client = TestClient(name, transport="websockets")
    assert client.connect(at) == "Success"
    assert client.subscribe("test/ws", 1) == 1
    client.publish("test/ws", bytes(90_000))
    assert client.receive().payload == bytes(90_000)
    client.close()


UPGRADE = (
    b"GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n"
)


def test_empty_frames_of_websocket_say_nothing(at: BrokerAddress, name: str) -> None:
    assert at.ws_port is not None
    hello = connect(name)
    unmasked = b"\0" * 4
    with socket.create_connection((at.host, at.ws_port), 5) as browser:
        browser.sendall(UPGRADE + b"\r\n")
        while b"\r\n\r\n" not in browser.recv(4096):
            pass
        for content in (b"", hello, b"", b""):
            browser.sendall(bytes((0x82, 0x80 | len(content))) + unmasked + content)
        assert browser.recv(6) == b"\x82\x04\x20\x02\x00\x00"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (b"", b"101"),
        (b"Origin: http://localhost:8080\r\n", b"101"),
        (b"Origin: http://127.0.0.1\r\n", b"101"),
        (b"Origin: http://[::1]:1\r\n", b"101"),
        (b"Origin: https://example.org\r\n", b"403"),
        (b"Origin: http://localhost.example.org\r\n", b"403"),
        (b"Origin: null\r\n", b"403"),
        (b"Origin: http://[broken\r\n", b"403"),
    ],
)
def test_a_page_from_elsewhere_may_not_open_a_websocket(
    at: BrokerAddress, origin: bytes, status: bytes
) -> None:
    assert at.ws_port is not None
    with socket.create_connection((at.host, at.ws_port), 5) as browser:
        browser.sendall(UPGRADE + origin + b"\r\n")
        answer = browser.recv(12)
    assert answer == b"HTTP/1.1 " + status


def test_garbage_on_the_websocket_port_ends_only_itself(at: BrokerAddress, name: str) -> None:
    assert at.ws_port is not None
    for garbage in (b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00\r\n\r\n", bytes(20_000)):
        with socket.create_connection((at.host, at.ws_port), 5) as stranger:
            stranger.sendall(garbage)
            try:
                while stranger.recv(4096):
                    pass
            except ConnectionResetError:
                continue
    client = TestClient(name, transport="websockets")
    assert client.connect(at) == "Success"
    client.close()
