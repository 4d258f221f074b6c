"""MQTT 3.1.1 packets as bytes, as far as a client of QoS 0 and 1 needs them; nothing is awaited.

Written for streams: whatever has arrived is read in one go, and a packet that is longer than the
bus allows is cut to that size while it passes, so that it costs no memory and is still
acknowledged. Section numbers are those of the MQTT 3.1.1 standard.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, NamedTuple

LONGEST_BODY: Final = 1024 * 1024
"""Of a packet that is kept whole: four times the largest message of the protocol."""
MAX_PACKET_ID: Final = 65_535
_MOST_LENGTH_BYTES: Final = 4
_RETAIN: Final = 0x01
_QOS_1: Final = 0x02
_QOS_BITS: Final = 0x06


class Kind(IntEnum):
    """The packets that a broker sends to such a client (§2.2.1)."""

    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBACK = 9
    UNSUBACK = 11
    PINGRESP = 13


class BadPacket(ValueError):
    """What a broker sent is not MQTT, or not what this client asked for."""


class Packet(NamedTuple):
    """One packet: its kind, the flags of its first byte, and what follows its length."""

    kind: int
    flags: int
    body: bytes


class Delivery(NamedTuple):
    """A message from the broker; ``packet_id`` 0: nothing is to be acknowledged."""

    topic: str
    payload: bytes
    is_retained: bool
    packet_id: int


@dataclass(slots=True)
class Reader:
    """Cuts a stream of bytes into packets."""

    _buffer: bytearray = field(default_factory=bytearray)
    _skip: int = 0
    """How many bytes of an overlong packet are still to pass."""

    def feed(self, data: bytes) -> "list[Packet | Delivery]":
        """Take in *data*; return the packets that are complete now, or raise :class:`BadPacket`.

        A PUBLISH comes read: it is nearly all there is.
        """
        if self._skip:
            passed = min(self._skip, len(data))
            self._skip -= passed
            data = data[passed:]
        buffer = self._buffer
        buffer += data
        packets: list[Packet | Delivery] = []
        view = bytes(buffer)
        at, end = 0, len(view)
        while end - at >= 2:  # noqa: PLR2004 -- the shortest packet
            length, body = view[at + 1], at + 2
            if length >= 0x80:  # noqa: PLR2004 -- more than one digit
                length, body = _length(view, at + 1)
                if body == 0:
                    break
            kept = min(LONGEST_BODY, length)
            stop = body + kept
            if end < stop:
                break
            first = view[at]
            if first >> 4 == Kind.PUBLISH:
                packets.append(_delivery(view, first, body, stop))
            else:
                packets.append(Packet(first >> 4, first & 0x0F, view[body:stop]))
            passed = min(length - kept, end - stop)
            self._skip = length - kept - passed
            at = stop + passed
        del buffer[:at]
        return packets


def _length(view: bytes, at: int) -> tuple[int, int]:
    """Read a remaining length (§2.2.3); return it and where the body starts, 0 if not known yet."""
    length, shift = 0, 0
    for n in range(_MOST_LENGTH_BYTES):
        if at + n >= len(view):
            return 0, 0
        byte = view[at + n]
        length |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 -- the last digit
            return length, at + n + 1
        shift += 7
    raise BadPacket("a remaining length of more than four bytes")


def _delivery(view: bytes, first: int, body: int, stop: int) -> Delivery:
    """Read the PUBLISH in ``view[body:stop]`` (§3.3); this client subscribes at QoS 1 at most."""
    qos = first & _QOS_BITS
    if qos > _QOS_1:
        raise BadPacket(f"a message at QoS {qos >> 1}, which nobody asked for")
    if stop - body < 2:  # noqa: PLR2004 -- the length of a topic
        raise BadPacket("a PUBLISH without a topic")
    after_topic = body + 2 + (view[body] << 8 | view[body + 1])
    payload = after_topic + 2 if qos else after_topic
    if payload > stop:
        raise BadPacket("a PUBLISH that is shorter than its topic")
    try:
        topic = view[body + 2 : after_topic].decode()
    except UnicodeDecodeError as error:
        raise BadPacket(f"a PUBLISH that cannot be read: {error}") from None
    packet_id = view[after_topic] << 8 | view[after_topic + 1] if qos else 0
    if qos and packet_id == 0:
        raise BadPacket("a PUBLISH at QoS 1 without a packet id")
    return Delivery(topic, view[payload:stop], bool(first & _RETAIN), packet_id)


def packet_id_of(packet: Packet) -> int:
    """Read the packet id with which a PUBACK, SUBACK or UNSUBACK begins."""
    if len(packet.body) < 2:  # noqa: PLR2004 -- two bytes
        raise BadPacket("an acknowledgement without a packet id")
    return packet.body[0] << 8 | packet.body[1]


# --- what a client says


def connect(
    client_id: str,
    *,
    keepalive_s: int,
    will: tuple[str, bytes] | None,
    username: str | None,
    password: str | None,
) -> bytes:
    """Write a CONNECT with a clean session and a retained last *will* at QoS 1 (§3.1)."""
    flags = 0x02
    fields = _text(client_id)
    if will is not None:
        topic, payload = will
        flags |= 0x04 | 0x08 | 0x20
        fields += _text(topic) + struct.pack(">H", len(payload)) + payload
    if username is not None:
        flags |= 0x80
        fields += _text(username)
        if password is not None:
            flags |= 0x40
            fields += _text(password)
    return _packet(0x10, _text("MQTT") + struct.pack(">BBH", 4, flags, keepalive_s) + fields)


def publish(topic: str, payload: bytes, packet_id: int, *, retain: bool) -> bytes:
    """Write a PUBLISH, at QoS 1 if it has a *packet_id* and at QoS 0 with 0 (§3.3)."""
    name = topic.encode()
    first = 0x31 if retain else 0x30
    if packet_id:
        body = len(name) + len(payload) + 4
        head = bytes((first | _QOS_1,)) + _digits(body) + len(name).to_bytes(2)
        return b"".join((head, name, packet_id.to_bytes(2), payload))
    head = bytes((first,)) + _digits(len(name) + len(payload) + 2) + len(name).to_bytes(2)
    return b"".join((head, name, payload))


def puback(packet_id: int) -> bytes:
    """Write a PUBACK (§3.4)."""
    return b"\x40\x02" + packet_id.to_bytes(2)


def subscribe(filters: Sequence[str], packet_id: int, qos: int) -> bytes:
    """Write a SUBSCRIBE to *filters*, all at *qos* (§3.8)."""
    asked = b"".join(_text(pattern) + bytes((qos,)) for pattern in filters)
    return _packet(0x82, packet_id.to_bytes(2) + asked)


def unsubscribe(filters: Sequence[str], packet_id: int) -> bytes:
    """Write an UNSUBSCRIBE from *filters* (§3.10)."""
    return _packet(0xA2, packet_id.to_bytes(2) + b"".join(map(_text, filters)))


PING: Final = b"\xc0\x00"
GOODBYE: Final = b"\xe0\x00"


def _packet(first: int, body: bytes) -> bytes:
    return bytes((first,)) + _digits(len(body)) + body


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack(">H", len(encoded)) + encoded


def _digits(length: int) -> bytes:
    if length < 0x80:  # noqa: PLR2004 -- one digit
        return bytes((length,))
    if length < 0x4000:  # noqa: PLR2004 -- two digits: nearly all the others
        return bytes((length & 0x7F | 0x80, length >> 7))
    digits = bytearray()
    while True:
        length, digit = length >> 7, length & 0x7F
        digits.append(digit | 0x80 if length else digit)
        if not length:
            return bytes(digits)
