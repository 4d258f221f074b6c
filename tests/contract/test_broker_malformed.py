"""What no client may send: it ends the connection that it came on, and is felt by no other."""

import random
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.brokers import BrokerAddress, open_broker
from tests.support.wire import (
    Delivered,
    Will,
    Wire,
    connect,
    on_wire,
    packet,
    publish,
    subscribe,
)

CORPUS = Path(__file__).parent / "corpus" / "malformed.txt"
MIB = 1 << 20


def corpus() -> Iterator[object]:
    for line in CORPUS.read_text().splitlines():
        if line and not line.startswith("#"):
            when, why, data = (part.strip() for part in line.split("|"))
            yield pytest.param(when, bytes.fromhex(data), id=f"{when}: {why}")


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerAddress]:
    folder = tmp_path_factory.mktemp("open")
    with open_broker(folder) as address:
        yield address
        assert address.process.poll() is None
    log = (folder / "open-broker.log").read_text()
    assert "Traceback" not in log, log


@pytest.fixture(scope="module")
def bystander(at: BrokerAddress) -> Iterator[Wire]:
    """One client, the same before and after each attack."""
    with on_wire(at, "bystander") as client:
        client.subscribe("test/bystander", 1)
        yield client


def is_served(bystander: Wire) -> bool:
    bystander.send(publish("test/bystander", b"still here"))
    return bystander.heard()[0].body.endswith(b"still here")


@pytest.mark.parametrize(("when", "data"), list(corpus()))
def test_a_malformed_packet_ends_its_own_connection(
    at: BrokerAddress, bystander: Wire, name: str, when: str, data: bytes
) -> None:
    with on_wire(at, f"{name}-watcher") as watcher:
        watcher.subscribe("test/will", 0)
        admitted = when == "admitted"
        client_id = name if admitted else None
        with on_wire(at, client_id, will=Will("test/will", name.encode())) as attacker:
            attacker.send(data)
            assert attacker.is_closed()
        if admitted:
            assert watcher.delivered() == Delivered("test/will", name.encode())
    assert is_served(bystander)


def test_random_bytes_harm_nobody(at: BrokerAddress, bystander: Wire, name: str) -> None:
    chance = random.Random(311)
    for n in range(300):
        with on_wire(at, f"{name}-{n}" if n % 2 else None) as attacker:
            attacker.send(chance.randbytes(chance.randrange(1, 400)))
            attacker.close()
    assert is_served(bystander)


def test_valid_packets_with_one_byte_changed_harm_nobody(
    at: BrokerAddress, bystander: Wire, name: str
) -> None:
    chance = random.Random(312)
    script = subscribe("test/+/a", 1) + publish("test/x/a", b"said", 2, 9) + packet(0x62, b"\0\x09")
    for n in range(300):
        changed = bytearray(script)
        changed[chance.randrange(len(changed))] = chance.randrange(256)
        with on_wire(at, f"{name}-{n}") as attacker:
            attacker.send(bytes(changed))
            attacker.close()
    assert is_served(bystander)


def test_what_precedes_a_malformed_packet_in_the_same_chunk_counts(
    at: BrokerAddress, name: str
) -> None:
    with on_wire(at, f"{name}-watcher") as watcher:
        watcher.subscribe("test/before", 0)
        with on_wire(at, name) as attacker:
            attacker.send(publish("test/before", b"said") + packet(0xF0))
            assert attacker.is_closed()
        assert watcher.delivered() == Delivered("test/before", b"said")


def test_large_packets_that_never_end_take_no_more_than_their_limit(
    at: BrokerAddress, bystander: Wire, name: str
) -> None:
    memory = psutil.Process(at.process.pid).memory_info
    before = memory().rss
    attackers = []
    for n in range(20):
        attacker = Wire(at)
        attacker.connect(f"{name}-{n}")
        attacker.send(b"\x30\xff\xff\x3f" + bytes(MIB - 2))  # of 1 MiB - 1 byte
        attackers.append(attacker)
    assert is_served(bystander)
    assert memory().rss - before < 20 * 4 * MIB
    for attacker in attackers:
        attacker.close()


def test_many_filters_in_one_packet_are_read_quickly_or_refused(
    at: BrokerAddress, bystander: Wire, name: str
) -> None:
    with on_wire(at, name) as attacker:
        attacker.send(packet(0x82, b"\0\x01" + b"\0\x01a\0" * 250_000))
        assert attacker.is_closed()
    assert is_served(bystander)


def test_a_client_that_never_reads_its_answers_is_not_read_from_for_ever(
    at: BrokerAddress, bystander: Wire, name: str
) -> None:
    memory = psutil.Process(at.process.pid).memory_info
    before = memory().rss
    with socket.create_connection((at.host, at.port)) as attacker:
        attacker.sendall(connect(name))
        attacker.setblocking(False)
        pings, blocked = b"\xc0\x00" * 50_000, 0
        sent = 0
        while sent < 64 * MIB and blocked < 20:
            try:
                sent += attacker.send(pings)
            except BlockingIOError:
                blocked += 1
                assert is_served(bystander)
        assert blocked, "everything was read"
        assert memory().rss - before < 24 * MIB


def test_a_flood_of_idle_connections_costs_little(at: BrokerAddress, bystander: Wire) -> None:
    memory = psutil.Process(at.process.pid).memory_info
    before = memory().rss
    strangers = [socket.create_connection((at.host, at.port)) for _ in range(500)]
    assert is_served(bystander)
    assert (memory().rss - before) / len(strangers) < 25_000
    for stranger in strangers:
        stranger.close()


def test_a_connection_that_was_reset_is_cleaned_up(at: BrokerAddress, name: str) -> None:
    with on_wire(at, f"{name}-watcher") as watcher:
        watcher.subscribe("test/reset", 0)
        attacker = Wire(at)
        attacker.connect(name, will=Will("test/reset"))
        linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
        attacker._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        attacker.close()
        assert watcher.delivered() == Delivered("test/reset", b"gone")


def test_every_line_of_the_corpus_is_another_attack() -> None:
    lines = [
        line.split("|")[::2]
        for line in CORPUS.read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert len({(when.strip(), data.strip()) for when, data in lines}) == len(lines) > 70
