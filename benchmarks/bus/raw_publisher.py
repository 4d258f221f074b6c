"""Publishes prepared MQTT packets as fast as a socket takes them.

A client library would be a good part of what is measured; these packets are made beforehand and
sent in large pieces, so that the fleet under load gets nearly all of the machine.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from typing import Final

from tests.support.bus_client import Where

_CONNECTED: Final = b"\x20\x02\x00\x00"
_CHUNK: Final = 65_536
_KEEPALIVE_S: Final = 600


def packet(topic: str, payload: bytes, packet_id: int = 0) -> bytes:
    """Make a PUBLISH packet, at QoS 1 if it has a *packet_id*."""
    body = _text(topic) + (struct.pack(">H", packet_id) if packet_id else b"") + payload
    return bytes([0x32 if packet_id else 0x30]) + _length(len(body)) + body


@contextlib.contextmanager
def raw_publisher(where: Where, name: str) -> Iterator[socket.socket]:
    """Connect as *name*; what is sent to the socket is sent to the broker, answers are ignored."""
    password = where.coordinator_password if name.startswith("coordinator") else ""
    flags = 0x02 | 0x80 | (0x40 if password else 0)
    body = _text("MQTT") + bytes([4, flags]) + struct.pack(">H", _KEEPALIVE_S) + _text(name)
    body += _text(name) + (_text(password) if password else b"")
    with socket.create_connection((where.host, where.port)) as sock:
        sock.sendall(b"\x10" + _length(len(body)) + body)
        if sock.recv(4, socket.MSG_WAITALL) != _CONNECTED:
            raise ConnectionRefusedError(f"the broker refuses {name}")
        drain = threading.Thread(target=_drain, args=(sock,), daemon=True)
        drain.start()
        try:
            yield sock
        finally:
            sock.sendall(b"\xe0\x00")
            sock.shutdown(socket.SHUT_RDWR)
            drain.join()


def send_all(sock: socket.socket, packets: Iterable[bytes]) -> None:
    """Send *packets* in pieces that a system call is worth."""
    piece = bytearray()
    for one in packets:
        piece += one
        if len(piece) >= _CHUNK:
            sock.sendall(piece)
            piece.clear()
    sock.sendall(piece)


def _drain(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while sock.recv(_CHUNK):
            pass


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack(">H", len(encoded)) + encoded


def _length(number: int) -> bytes:
    encoded = bytearray()
    while True:
        number, digit = divmod(number, 128)
        encoded.append(digit | 0x80 if number else digit)
        if not number:
            return bytes(encoded)
