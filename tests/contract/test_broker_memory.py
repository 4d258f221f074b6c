"""With ``--data`` the broker comes back as it was, whether it was stopped or killed."""

import contextlib
import signal
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broker.credentials.file import CredentialsFile
from broker.credentials.records import Book, fingerprint, new_secret
from broker.keeping.database import FILE_NAME
from protocol.access import Role
from tests.support.brokers import BrokerAddress, embedded_broker, open_broker
from tests.support.mqtt import connected
from tests.support.wire import (
    CONNACK,
    PUBACK,
    PUBCOMP,
    PUBREC,
    PUBREL,
    Closed,
    Delivered,
    Wire,
    acknowledge,
    on_wire,
    packet,
    publish,
    text,
)

End = Callable[[BrokerAddress], None]


def killed(broker: BrokerAddress) -> None:
    broker.process.kill()
    broker.process.wait(5)


def stopped(broker: BrokerAddress) -> None:
    broker.process.send_signal(signal.SIGTERM)
    assert broker.process.wait(5) == 0


@pytest.fixture(params=[killed, stopped])
def end(request: pytest.FixtureRequest) -> End:
    found: End = request.param
    return found


@contextlib.contextmanager
def keeping(folder: Path) -> Iterator[BrokerAddress]:
    with open_broker(folder, data=folder / "kept") as broker:
        yield broker


def test_what_is_retained_outlives_the_broker(tmp_path: Path, end: End) -> None:
    with keeping(tmp_path) as broker, on_wire(broker, "speaker") as speaker:
        for n in range(50):
            speaker.publish(f"kept/{n}", b"old %d" % n, 1, retain=True)
        for n in range(25):
            speaker.publish(f"kept/{n}", b"new %d" % n, n % 3, retain=True)
        for n in range(20, 30):
            speaker.publish(f"kept/{n}", b"", 1, retain=True)
        end(broker)
    with keeping(tmp_path) as broker, on_wire(broker, "late") as late:
        late.subscribe("kept/#", 0)
        late.send(publish("kept/last"))
        found = {}
        while (said := late.delivered()).topic != "kept/last":
            found[said.topic] = (said.payload, said.retain)
    expected = {f"kept/{n}": (b"new %d" % n, True) for n in range(20)}
    expected |= {f"kept/{n}": (b"old %d" % n, True) for n in range(30, 50)}
    assert found == expected


def test_a_session_with_its_filters_and_its_queue_outlives_the_broker(
    tmp_path: Path, end: End
) -> None:
    with keeping(tmp_path) as broker:
        with on_wire(broker, "reader", clean=False) as reader:
            assert reader.subscribe("news/#", 2) == 2
            assert reader.subscribe("given/back", 1) == 1
            reader.send(packet(0xA2, b"\x00\x05" + text("given/back")))
            reader.expect(0xB0)
        with on_wire(broker, "writer") as writer:
            for n in range(30):
                writer.publish(f"news/{n}", b"%d" % n, 1 + n % 2)
            writer.publish("news/passing", b"QoS 0", 0)
            writer.publish("given/back", b"no", 1)
        end(broker)
    with keeping(tmp_path) as broker, on_wire(broker) as reader:
        assert reader.connect("reader", clean=False) is True
        got = [reader.delivered() for _ in range(30)]
        assert [(m.topic, m.payload) for m in got] == [(f"news/{n}", b"%d" % n) for n in range(30)]
        assert [m.qos for m in got] == [1 + n % 2 for n in range(30)]
        with on_wire(broker, "writer") as writer:
            writer.publish("news/after", b"live", 1)
        assert reader.delivered().topic == "news/after"


def test_what_was_in_flight_comes_again_as_a_duplicate_with_its_packet_id(
    tmp_path: Path, end: End
) -> None:
    with keeping(tmp_path) as broker, on_wire(broker, "reader", clean=False) as reader:
        reader.subscribe("news/#", 2)
        with on_wire(broker, "writer") as writer:
            for n, qos in enumerate((1, 1, 2, 2)):
                writer.publish(f"news/{n}", b"%d" % n, qos)
        first = [reader.delivered() for _ in range(4)]
        reader.send(acknowledge(PUBACK, first[0].packet_id))
        reader.send(acknowledge(PUBREC, first[2].packet_id))
        assert int.from_bytes(reader.expect(PUBREL)) == first[2].packet_id
        end(broker)
    with keeping(tmp_path) as broker, on_wire(broker) as reader:
        assert reader.connect("reader", clean=False) is True
        again = reader.delivered()
        assert (again.payload, again.packet_id, again.dup) == (b"1", first[1].packet_id, True)
        assert int.from_bytes(reader.expect(PUBREL)) == first[2].packet_id
        last = reader.delivered()
        assert (last.payload, last.packet_id, last.dup) == (b"3", first[3].packet_id, True)
        reader.send(acknowledge(PUBCOMP, first[2].packet_id))
        with on_wire(broker, "writer") as writer:
            writer.publish("news/new", b"new", 1)
        new = reader.delivered()
        assert new.packet_id not in {m.packet_id for m in first}


def test_a_message_of_qos_2_that_was_taken_is_not_routed_again(tmp_path: Path, end: End) -> None:
    message = publish("once", b"said", 2, 9)
    with keeping(tmp_path) as broker:
        with on_wire(broker, "reader", clean=False) as reader:
            reader.subscribe("once", 1)
        with on_wire(broker, "writer", clean=False) as writer:
            writer.send(message)
            assert writer.expect(PUBREC) == b"\x00\x09"
            end(broker)
    with keeping(tmp_path) as broker:
        with on_wire(broker) as writer:
            assert writer.connect("writer", clean=False) is True
            writer.send(publish("once", b"said", 2, 9, dup=True))
            assert writer.expect(PUBREC) == b"\x00\x09"
            writer.send(acknowledge(PUBREL, 9))
            assert writer.expect(PUBCOMP) == b"\x00\x09"
            writer.send(publish("once", b"another", 2, 9))
            assert writer.expect(PUBREC) == b"\x00\x09"
        with on_wire(broker, "reader", clean=False) as reader:
            got = [reader.delivered(), reader.delivered()]
            assert [m.payload for m in got] == [b"said", b"another"]


def test_a_session_that_was_ended_stays_ended(tmp_path: Path, end: End) -> None:
    with keeping(tmp_path) as broker:
        with on_wire(broker, "reader", clean=False) as reader:
            reader.subscribe("news", 1)
        with on_wire(broker, "reader"):
            pass
        with on_wire(broker, "reader", clean=False) as reader:
            reader.subscribe("other", 1)
        with on_wire(broker, "writer") as writer:
            writer.publish("news", b"gone", 1)
            writer.publish("other", b"kept", 1)
        end(broker)
    with keeping(tmp_path) as broker, on_wire(broker) as reader:
        assert reader.connect("reader", clean=False) is True
        assert reader.delivered().payload == b"kept"
        assert reader.heard() == []


def test_whatever_was_acknowledged_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    """Writers publish as fast as they are acknowledged, and the broker is killed in the midst."""
    writers, promised, sent = 8, [0] * 8, [0] * 8
    with keeping(tmp_path) as broker, contextlib.ExitStack() as stack:
        with on_wire(broker, "reader", clean=False) as reader:
            reader.subscribe("count/+", 1)
        links = [stack.enter_context(on_wire(broker, f"w{n}")) for n in range(writers)]
        while sum(promised) < 2_000:
            for n, link in enumerate(links):
                for _ in range(20):
                    sent[n] += 1
                    link.send(publish(f"count/{n}", b"%d" % sent[n], 1, sent[n], retain=True))
            for n, link in enumerate(links):
                for _ in range(20):
                    promised[n] = int.from_bytes(link.expect(PUBACK))
        for n, link in enumerate(links):  # nobody waits for these to be acknowledged
            for _ in range(200):
                sent[n] += 1
                link.send(publish(f"count/{n}", b"%d" % sent[n], 1, sent[n], retain=True))
        promised = [_promised_until(link, promised[n]) if n == 0 else promised[n]
                    for n, link in enumerate(links)]  # fmt: skip
        killed(broker)
        for n, link in enumerate(links):
            promised[n] = _promised_until(link, promised[n], end=True)
    with keeping(tmp_path) as broker:
        heard = _everything_heard(broker, "reader", "count/+")
        with on_wire(broker, "late") as late:
            late.subscribe("count/+", 0)
            kept = {m.topic: int(m.payload) for m in (late.delivered() for _ in range(writers))}
    for n in range(writers):
        got = heard[f"count/{n}"]
        assert got == list(range(1, len(got) + 1)), "a gap, or out of order"
        assert promised[n] <= len(got) <= sent[n]
        assert kept[f"count/{n}"] >= promised[n]


def _promised_until(link: Wire, last: int, *, end: bool = False) -> int:
    """Read one acknowledgement, or all that came before the end; return the last of them."""
    with contextlib.suppress(Closed):
        while True:
            last = int.from_bytes(link.expect(PUBACK))
            if not end:
                break
    return last


def _everything_heard(broker: BrokerAddress, name: str, pattern: str) -> dict[str, list[int]]:
    heard: dict[str, list[int]] = {}
    with on_wire(broker) as reader:
        assert reader.connect(name, clean=False) is True
        while True:
            packets = reader.heard()
            for one in packets:
                said = Delivered.of(one)
                heard.setdefault(said.topic, []).append(int(said.payload))
                reader.send(acknowledge(PUBACK, said.packet_id))
            if not packets:
                return heard


# In a fleet: whose sessions last, and whose are forgotten.


def login(name: str, secret: str) -> bytes:
    body = b"\x00\x04MQTT\x04\xc0" + (60).to_bytes(2) + text(name) + text(name) + text(secret)
    return packet(0x10, body)


def code_of(broker: BrokerAddress, hello: bytes) -> int:
    wire = Wire(broker)
    wire.send(hello)
    code = wire.expect(CONNACK)[1]
    wire.close()
    return code


def test_in_a_fleet_a_name_may_have_a_lasting_session_and_nobody_and_the_coordinator_may_not(
    tmp_path: Path,
) -> None:
    nobody = packet(0x10, b"\x00\x04MQTT\x04\x00\x00\x3c" + text("watcher"))
    with embedded_broker(tmp_path, data=tmp_path / "kept") as broker:
        assert code_of(broker, login("Main", "")) == 0
        assert code_of(broker, nobody) == 5
        assert code_of(broker, login("coordinator", broker.coordinator_password)) == 5


def test_the_session_of_someone_revoked_meanwhile_is_forgotten(tmp_path: Path) -> None:
    file, secrets = CredentialsFile(tmp_path / "credentials.json"), {}
    for name in ("ann", "bob"):
        secrets[name] = new_secret()
        hashed = fingerprint(secrets[name])
        file.change(lambda book, n=name, h=hashed: book.grant(n, Role.OPERATOR, h))  # type: ignore[misc]  # defaults
    with embedded_broker(tmp_path, require_credentials=True, data=tmp_path / "kept") as broker:
        for name, secret in secrets.items():
            wire = Wire(broker)
            wire.send(login(name, secret))
            assert wire.expect(CONNACK) == b"\x00\x00"
            assert wire.subscribe("fleet/v1/events", 1) == 1
            wire.send(b"\xe0\x00")
            assert wire.is_closed()
            wire.close()
        with connected(broker, "coordinator") as coordinator:
            coordinator.publish("fleet/v1/events", b"news")
    file.change(lambda book: Book.revoke(book, "ann"))
    with sqlite3.connect(tmp_path / "kept" / FILE_NAME) as before:
        assert before.execute("SELECT count(*) FROM deliveries").fetchone() == (2,)
    before.close()
    with embedded_broker(tmp_path, require_credentials=True, data=tmp_path / "kept") as broker:
        wire = Wire(broker)
        wire.send(login("bob", secrets["bob"]))
        assert wire.expect(CONNACK) == b"\x01\x00"
        assert wire.delivered().payload == b"news"
        wire.close()
        assert code_of(broker, login("ann", secrets["ann"])) == 5
    with sqlite3.connect(tmp_path / "kept" / FILE_NAME) as after:
        assert after.execute("SELECT client FROM sessions").fetchall() == [("bob",)]
    after.close()
