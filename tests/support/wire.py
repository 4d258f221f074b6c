"""An MQTT client made of bytes: it says what it is told to, right or wrong, and shows all it gets.

Instead of waiting for silence it asks for a ping: what did not come before the answer was not
sent. Every wait has a deadline. A broker that answers before it acts gets the time it needs.
"""

import contextlib
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from tests.support.brokers import BrokerAddress

CONNACK: Final = 0x20
PUBLISH: Final = 0x30
PUBACK: Final = 0x40
PUBREC: Final = 0x50
PUBREL: Final = 0x62
PUBCOMP: Final = 0x70
SUBACK: Final = 0x90
UNSUBACK: Final = 0xB0
PING: Final = b"\xc0\x00"
PONG: Final = 0xD0
GOODBYE: Final = b"\xe0\x00"


class Closed(Exception):
    """The broker closed the connection."""


@dataclass(frozen=True)
class Packet:
    """A packet as it came."""

    first: int
    body: bytes


@dataclass(frozen=True)
class Delivered:
    """A PUBLISH as it came."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    dup: bool = False
    packet_id: int = 0

    @classmethod
    def of(cls, packet: Packet) -> Self:
        start = 2 + int.from_bytes(packet.body[:2])
        qos = packet.first >> 1 & 3
        end = start + 2 if qos else start
        return cls(
            topic=packet.body[2:start].decode(),
            payload=packet.body[end:],
            qos=qos,
            retain=bool(packet.first & 1),
            dup=bool(packet.first & 8),
            packet_id=int.from_bytes(packet.body[start:end]),
        )


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return len(raw).to_bytes(2) + raw


def packet(first: int, body: bytes = b"") -> bytes:
    size, encoded = len(body), bytearray((first,))
    while size >= 128:
        encoded.append(size & 127 | 128)
        size >>= 7
    encoded.append(size)
    return bytes(encoded) + body


@dataclass(frozen=True)
class Will:
    """A last will."""

    topic: str
    payload: bytes = b"gone"
    qos: int = 0
    retain: bool = False


def connect(
    client_id: str,
    *,
    clean: bool = True,
    keep_alive: int = 60,
    will: Will | None = None,
    protocol: bytes = b"\x00\x04MQTT\x04",
) -> bytes:
    flags, payload = 0x02 if clean else 0, text(client_id)
    if will is not None:
        flags |= 0x04 | will.qos << 3 | (0x20 if will.retain else 0)
        payload += text(will.topic) + text(will.payload)
    return packet(0x10, protocol + bytes((flags,)) + keep_alive.to_bytes(2) + payload)


def publish(
    topic: str | bytes,
    payload: bytes = b"",
    qos: int = 0,
    packet_id: int = 0,
    *,
    retain: bool = False,
    dup: bool = False,
) -> bytes:
    identifier = packet_id.to_bytes(2) if qos else b""
    first = PUBLISH | qos << 1 | int(retain) | int(dup) << 3
    return packet(first, text(topic) + identifier + payload)


def subscribe(pattern: str | bytes, qos: int, packet_id: int = 1) -> bytes:
    return packet(0x82, packet_id.to_bytes(2) + text(pattern) + bytes((qos,)))


def unsubscribe(pattern: str, packet_id: int = 1) -> bytes:
    return packet(0xA2, packet_id.to_bytes(2) + text(pattern))


def acknowledge(first: int, packet_id: int) -> bytes:
    return packet(first, packet_id.to_bytes(2))


class Wire:
    """One connection; see :func:`on_wire`."""

    def __init__(self, broker: BrokerAddress) -> None:
        self._broker = broker
        self._settles_s = broker.settles_s
        self._open()

    def _open(self) -> None:
        where = (self._broker.host, self._broker.port)
        self._socket = socket.create_connection(where, self._broker.answers_within_s)
        self._socket.settimeout(self._broker.answers_within_s)
        self._data = b""

    def send(self, *packets: bytes) -> None:
        """Send bytes; a connection that the broker has closed shows when receiving."""
        if self._socket.fileno() < 0:
            return  # closed by the test itself
        with contextlib.suppress(ConnectionError):
            self._socket.sendall(b"".join(packets))

    def receive(self) -> Packet:
        """Return the next packet, or raise :class:`Closed`."""
        first = self._take(1)[0]
        size = shift = 0
        while True:
            byte = self._take(1)[0]
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return Packet(first, self._take(size))

    def expect(self, first: int) -> bytes:
        """Return the body of the next packet, which begins with *first*."""
        got = self.receive()
        assert got.first == first, f"{got} instead of {first:#04x}"
        return got.body

    def delivered(self) -> Delivered:
        """Return the next packet, which is a PUBLISH."""
        got = self.receive()
        assert got.first & 0xF0 == PUBLISH, got
        return Delivered.of(got)

    def heard(self) -> list[Packet]:
        """Return all that had come when the broker answered a ping, which this sends."""
        time.sleep(self._settles_s)
        self.send(PING)
        packets = []
        while (got := self.receive()).first != PONG:
            packets.append(got)
        return packets

    def patience(self, within_s: float) -> None:
        """Wait up to *within_s* for each packet from now on."""
        self._socket.settimeout(within_s)

    def is_closed(self) -> bool:
        """Say whether the broker closes the connection, whatever it sends before that."""
        try:
            while True:
                self.receive()
        except Closed:
            return True
        except TimeoutError:
            return False

    def connect(self, client_id: str, *, clean: bool = True, keep_alive: int = 60,
                will: Will | None = None) -> bool:  # fmt: skip
        """Say hello, again where the broker keeps ids out; return whether a session was present."""
        hello = connect(client_id, clean=clean, keep_alive=keep_alive, will=will)
        for kept_out in reversed(range(self._broker.keeps_out_times + 1)):
            self.send(hello)
            try:
                present, code = self.expect(CONNACK)
            except Closed:
                if not kept_out:
                    raise
                self.close()
                self._open()
            else:
                break
        assert code == 0, code
        return bool(present)

    def subscribe(self, pattern: str, qos: int) -> int:
        """Subscribe and return the code."""
        self.send(subscribe(pattern, qos))
        body = self.expect(SUBACK)
        return body[2]

    def publish(self, topic: str, payload: bytes, qos: int, *, retain: bool = False) -> None:
        """Publish, and return once the broker has answered for it."""
        self.send(publish(topic, payload, qos, 77, retain=retain))
        if qos == 0:
            self.heard()
        elif qos == 1:
            assert self.expect(PUBACK) == b"\x00M"
        else:
            assert self.expect(PUBREC) == b"\x00M"
            self.send(acknowledge(PUBREL, 77))
            assert self.expect(PUBCOMP) == b"\x00M"
        time.sleep(self._settles_s)

    def close(self) -> None:
        """Be gone without a word."""
        self._socket.close()

    def _take(self, size: int) -> bytes:
        while len(self._data) < size:
            try:
                chunk = self._socket.recv(65536)
            except ConnectionError:
                raise Closed from None
            if not chunk:
                raise Closed
            self._data += chunk
        taken, self._data = self._data[:size], self._data[size:]
        return taken


@contextlib.contextmanager
def on_wire(
    broker: BrokerAddress,
    client_id: str | None = None,
    *,
    clean: bool = True,
    keep_alive: int = 60,
    will: Will | None = None,
) -> Iterator[Wire]:
    """Open a connection, and say hello if there is a *client_id*; say goodbye at the end."""
    wire = Wire(broker)
    try:
        if client_id is not None:
            wire.connect(client_id, clean=clean, keep_alive=keep_alive, will=will)
        yield wire
        wire.send(GOODBYE)
    finally:
        wire.close()
