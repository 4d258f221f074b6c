"""Two thousand clients are gone at once and come back at once, beside somebody's heartbeats."""

import contextlib
import resource
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.brokers import BrokerAddress, embedded_broker
from tests.support.mqtt import connected
from tests.support.wire import (
    CONNACK,
    PUBACK,
    PUBLISH,
    SUBACK,
    Delivered,
    Packet,
    packet,
    publish,
    subscribe,
    text,
)

CLIENTS: Final = 2_000
WITHIN_S: Final = 120.0
LATE_S: Final = 25.0
"""How late another client's heartbeat may be: at the earliest then an agent is suspected."""


@pytest.fixture(autouse=True)
def _many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 3 * CLIENTS), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def name_of(number: int) -> str:
    return f"bot-{number:04}"


def greeting(number: int) -> bytes:
    """Say all that an agent says first: hello with its will, subscription, retained presence."""
    name = name_of(number)
    presence = f"fleet/v1/agents/{name}/presence"
    body = b"\x00\x04MQTT\x04\xae" + (60).to_bytes(2)
    body += text(name) + text(presence) + text(b"lost") + text(name)
    inbox = subscribe(f"fleet/v1/inbox/{name}/#", 1)
    return packet(0x10, body) + inbox + publish(presence, b"online", 1, 7, retain=True)


class Crowd:
    """All clients, each with what the broker has said to it since it connected."""

    def __init__(self, broker: BrokerAddress) -> None:
        self.heard: list[list[Packet]] = [[] for _ in range(CLIENTS)]
        self._data = [b""] * CLIENTS
        self._poll = select.epoll()
        self._links: dict[int, tuple[int, socket.socket]] = {}
        for number in range(CLIENTS):
            link = socket.socket()
            link.setblocking(False)
            link.connect_ex((broker.host, broker.port))
            self._links[link.fileno()] = (number, link)
            self._poll.register(link, select.EPOLLOUT)

    def wait(self, packets: int) -> None:
        """Greet, and read until everyone has got so many *packets* at least."""
        deadline = time.monotonic() + WITHIN_S
        missing = {number for number in range(CLIENTS) if len(self.heard[number]) < packets}
        while missing:
            assert time.monotonic() < deadline, f"{len(missing)} of {CLIENTS} were not served"
            for descriptor, event in self._poll.poll(0.5):
                number, link = self._links[descriptor]
                if event & select.EPOLLOUT:
                    link.sendall(greeting(number))
                    self._poll.modify(link, select.EPOLLIN)
                    continue
                chunk = link.recv(65_536)
                assert chunk, f"{name_of(number)} was cut off"
                self._read(number, self._data[number] + chunk)
                if len(self.heard[number]) >= packets:
                    missing.discard(number)

    def close(self) -> None:
        """Be gone, all at once and without a word."""
        self._poll.close()
        for _, link in self._links.values():
            link.close()

    def _read(self, number: int, data: bytes) -> None:
        while len(data) > 1 and len(data) >= 2 + data[1]:
            assert data[1] < 128, "everything here is short"
            self.heard[number].append(Packet(data[0], data[2 : 2 + data[1]]))
            data = data[2 + data[1] :]
        self._data[number] = data


@contextlib.contextmanager
def heartbeats(broker: BrokerAddress) -> Iterator[list[float]]:
    """Let a client that never left beat all the time; collect how late each beat was heard."""
    late: list[float] = []
    begun, over = threading.Event(), threading.Event()

    def beat() -> None:
        topic = "fleet/v1/agents/steady/heartbeat"
        with connected(broker, "steady") as steady, connected(broker, "watcher") as watcher:
            assert watcher.subscribe(topic) == 1
            begun.set()
            while not over.wait(0.05):
                said = time.monotonic()
                steady.publish(topic, b"beat")
                watcher.receive(WITHIN_S)
                late.append(time.monotonic() - said)

    thread = threading.Thread(target=beat)
    thread.start()
    assert begun.wait(WITHIN_S)
    try:
        yield late
    finally:
        over.set()
        thread.join(WITHIN_S)


def test_two_thousand_clients_that_come_back_at_once_are_all_served_alike(tmp_path: Path) -> None:
    with (
        embedded_broker(tmp_path, rate=2000.0) as broker,
        connected(broker, "coordinator") as coordinator,
        connected(broker) as observer,  # before the crowd: paho waits for low descriptors only
        contextlib.ExitStack() as stack,
    ):
        coordinator.subscribe("fleet/v1/agents/+/presence")
        late = stack.enter_context(heartbeats(broker))
        for _ in range(2):
            with contextlib.closing(Crowd(broker)) as crowd:
                crowd.wait(3)
        crowd = stack.enter_context(contextlib.closing(Crowd(broker)))
        crowd.wait(3)
        said = [coordinator.receive(WITHIN_S) for _ in range(5 * CLIENTS)]
        assert Counter(one.payload for one in said) == {
            b"online": 3 * CLIENTS,
            b"lost": 2 * CLIENTS,
        }
        for number in range(CLIENTS):
            coordinator.publish(f"fleet/v1/inbox/{name_of(number)}/desired", b"%d" % number)
        crowd.wait(4)
        for number, heard in enumerate(crowd.heard):
            kinds = [one.first & 0xF0 for one in heard]
            assert kinds == [CONNACK, SUBACK, PUBACK, PUBLISH]
            assert Delivered.of(heard[3]).payload == b"%d" % number
        observer.subscribe("fleet/v1/agents/+/presence")
        said = [observer.receive(WITHIN_S) for _ in range(CLIENTS)]
        kept = {one.topic: one.payload for one in said}
        assert set(kept.values()) == {b"online"}
        assert len(kept) == CLIENTS
        stack.close()
        assert len(late) > 10
        assert max(late) < LATE_S
    assert "Traceback" not in (tmp_path / "broker.log").read_text()
