"""A fleet's load: many publishers with one QoS 1 message in flight each, one wildcard subscriber.

Every delivery has the same size, so the subscriber counts and acknowledges by arithmetic.
"""

import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.broker import wire
from benchmarks.broker.servers import Server

PAYLOAD: Final = b'{"v":"1.0",' + b"x" * 288 + b"}"
_WARM_UP_S: Final = 0.5
_PACKET_ID: Final = 3 + 2  # past the fixed header and the length of the topic, plus the topic


@dataclass(frozen=True)
class Throughput:
    """Messages per second, and the processor time of each acknowledged one.

    Stock amqtt acknowledges a message before it delivers it, and under this load falls behind
    without bound: far fewer are delivered than acknowledged.
    """

    acknowledged: float
    delivered: float
    cpu_us: float


def throughput(
    server: Server, publishers: int, seconds: float, qos: int, *, retain: bool = False
) -> Throughput:
    """Let *publishers* publish as fast as they are acknowledged, to a subscriber at *qos*."""
    topic = "fleet/v1/agents/{}/heartbeat"
    names = [f"bot-{number:05}" for number in range(publishers)]
    subscriber = wire.subscribed(server.port, "watcher", topic.format("+"), qos)
    messages: dict[int, tuple[Callable[[int], bytes], Callable[[bytes], int], bytes]] = {}
    clients = []
    for name in names:
        client = wire.connected(server.port, wire.connect(name, name))
        message = wire.publish(topic.format(name), PAYLOAD, 1, retain=retain)
        messages[client.fileno()] = (client.recv, client.send, message)
        clients.append(client)
    delivery = wire.publish(topic.format(names[0]), PAYLOAD, qos)
    at = _PACKET_ID + len(topic.format(names[0])) if qos else 0
    reader = _Reader(subscriber, len(delivery), at)
    poll = select.epoll()
    for client in (subscriber, *clients):
        client.setblocking(False)  # noqa: FBT003  # its one argument
        poll.register(client, select.EPOLLIN)
    for _, send, message in messages.values():
        send(message)
    _run(poll, messages, reader, subscriber.fileno(), _WARM_UP_S)
    earlier, spent, started = reader.count, server.cpu_s(), time.perf_counter()
    acknowledged = _run(poll, messages, reader, subscriber.fileno(), seconds)
    took, spent = time.perf_counter() - started, server.cpu_s() - spent
    poll.close()
    for client in (subscriber, *clients):
        client.close()
    return Throughput(
        acknowledged / took, (reader.count - earlier) / took, spent / acknowledged * 1e6
    )


class _Reader:
    """Counts and acknowledges deliveries of *size* bytes with an id at *at*, 0 for none."""

    def __init__(self, client: socket.socket, size: int, at: int) -> None:
        self._client = client
        self._size = size
        self._at = at
        self._rest = b""
        self._acks = bytearray()
        self.count = 0

    def read(self) -> None:
        data = self._rest + self._client.recv(1 << 20)
        count = len(data) // self._size
        whole = count * self._size
        self._rest = data[whole:]
        if not count:
            return
        self.count += count
        assert data[0] & 0xF6 == (0x32 if self._at else 0x30), data[:2]
        if not self._at:
            return
        acks = bytearray(wire.PUBACK + b"\0\0") * count
        acks[2::4] = data[self._at : whole : self._size]
        acks[3::4] = data[self._at + 1 : whole : self._size]
        self._acks += acks
        sent = self._client.send(self._acks)
        del self._acks[:sent]


def _run(
    poll: select.epoll,
    messages: dict[int, tuple[Callable[[int], bytes], Callable[[bytes], int], bytes]],
    reader: _Reader,
    reader_number: int,
    seconds: float,
) -> int:
    """Publish and acknowledge for *seconds*; return how many messages were acknowledged."""
    acknowledged = 0
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        for number, _ in poll.poll(0.1, 600):
            if number == reader_number:
                reader.read()
            else:
                recv, send, message = messages[number]
                recv(64)
                send(message)
                acknowledged += 1
    return acknowledged
