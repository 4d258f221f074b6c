"""One application message, and the PUBLISH packets that carry it in and out.

This is the hot path: nearly every packet of a fleet is a PUBLISH or its acknowledgement, so it
is read and written here in a few steps over ``bytes``, and to the letter of MQTT 3.1.1 §3.3.
The rarer packets are amqtt's (:mod:`broker.packets`).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from broker.errors import Malformed

REMEMBERED_TOPICS: Final = 4096
"""A fleet speaks on few topics, over and over; a name that is the same string is found faster."""

PUBLISH: Final = 0x30
_RETAIN: Final = 0x01
_DUP: Final = 0x08
_QOS: Final = 0x06
_ID_BYTES: Final = 2
_LENGTH_BYTES: Final = 2
_CONTINUES: Final = 0x80
_TWO_BYTES: Final = 0x4000


@dataclass(slots=True, eq=False)
class Message:
    """What one client says to whoever subscribed; treated as immutable."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    field: bytes = b""
    """The topic as it stands in a packet, behind its length; kept because it leaves as it came."""

    def __post_init__(self) -> None:
        if not self.field:
            raw = self.topic.encode()
            self.field = len(raw).to_bytes(_LENGTH_BYTES) + raw


@lru_cache(REMEMBERED_TOPICS)
def topic_name(raw: bytes, max_bytes: int, max_levels: int) -> str:
    """Read a topic that a client publishes to, or raise :class:`Malformed`."""
    if not 0 < len(raw) <= max_bytes:
        raise Malformed(f"a topic of {len(raw)} bytes; it must have 1 to {max_bytes}")
    try:
        topic = raw.decode()
    except UnicodeDecodeError:
        raise Malformed(f"a topic that is not UTF-8: {raw[:80]!r}") from None
    if "+" in topic or "#" in topic or "\0" in topic:
        raise Malformed(f"a wildcard or NUL in the topic of a message: {topic[:80]!r}")
    if topic.count("/") >= max_levels:
        raise Malformed(f"a topic of more than {max_levels} levels: {topic[:80]!r}")
    return topic


def read_publish(first: int, body: bytes, max_bytes: int, max_levels: int) -> tuple[Message, int]:
    """Read a PUBLISH; return the message and its packet id, 0 for QoS 0."""
    qos = (first & _QOS) >> 1
    start = _LENGTH_BYTES + int.from_bytes(body[:_LENGTH_BYTES])
    if len(body) < start or len(body) < _LENGTH_BYTES:
        raise Malformed("a PUBLISH shorter than its topic")
    field = body[:start]
    topic = topic_name(field[_LENGTH_BYTES:], max_bytes, max_levels)
    if not qos:
        if first & _DUP:
            raise Malformed("a duplicate of QoS 0")
        return Message(topic, body[start:], 0, bool(first & _RETAIN), field), 0
    packet_id = int.from_bytes(body[start : start + _ID_BYTES])
    if qos > 2 or not packet_id or len(body) < start + _ID_BYTES:  # noqa: PLR2004  # QoS 3 is none
        raise Malformed(f"a PUBLISH of QoS {qos} with packet id {packet_id}")
    payload = body[start + _ID_BYTES :]
    return Message(topic, payload, qos, bool(first & _RETAIN), field), packet_id


def write_publish(
    message: Message, qos: int, packet_id: int = 0, *, retain: bool = False, dup: bool = False
) -> bytes:
    """Make the PUBLISH that delivers *message* at *qos*."""
    first = PUBLISH | qos << 1 | (_RETAIN if retain else 0)
    field, payload = message.field, message.payload
    size = len(field) + len(payload)
    if not qos:
        return b"".join((header(first, size), field, payload))
    if dup:
        first |= _DUP
    identifier = packet_id.to_bytes(_ID_BYTES)
    return b"".join((header(first, size + _ID_BYTES), field, identifier, payload))


def header(first: int, size: int) -> bytes:
    """Make a fixed header: the first byte and the remaining length."""
    if size < _CONTINUES:
        return bytes((first, size))
    if size < _TWO_BYTES:
        return bytes((first, size & 0x7F | _CONTINUES, size >> 7))
    encoded = bytearray((first,))
    while size >= _CONTINUES:
        encoded.append(size & 0x7F | _CONTINUES)
        size >>= 7
    encoded.append(size)
    return bytes(encoded)
