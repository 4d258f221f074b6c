"""The packets of a session's life, read and written with amqtt's packet classes.

amqtt reads leniently: it takes broken UTF-8 for text and stops where bytes are missing. So each
packet read is written again and must come out as it came in; what does not is malformed. That
keeps amqtt's codec and MQTT's strictness, for the packets that are rare enough to afford it
(a PUBLISH is read in :mod:`broker.message`).
"""

from dataclasses import dataclass
from typing import Any, Final

from amqtt.adapters import BufferReader  # type: ignore[import-untyped]  # no type marker
from amqtt.errors import (  # type: ignore[import-untyped]  # no type marker
    AMQTTError,
    CodecError,
    MQTTError,
    NoDataError,
)
from amqtt.mqtt.connack import (  # type: ignore[import-untyped]  # no type marker
    CONNECTION_ACCEPTED,
    IDENTIFIER_REJECTED,
    NOT_AUTHORIZED,
    UNACCEPTABLE_PROTOCOL_VERSION,
    ConnackPacket,
)
from amqtt.mqtt.connect import ConnectPacket  # type: ignore[import-untyped]  # no type marker
from amqtt.mqtt.packet import MQTTFixedHeader  # type: ignore[import-untyped]  # no type marker
from amqtt.mqtt.suback import SubackPacket  # type: ignore[import-untyped]  # no type marker
from amqtt.mqtt.subscribe import SubscribePacket  # type: ignore[import-untyped]  # as above
from amqtt.mqtt.unsuback import UnsubackPacket  # type: ignore[import-untyped]  # as above
from amqtt.mqtt.unsubscribe import UnsubscribePacket  # type: ignore[import-untyped]  # as above

from broker.errors import Malformed, UnsupportedProtocol
from broker.message import Message

__all__ = ["ACCEPTED", "BAD_CLIENT_ID", "BAD_PROTOCOL", "FORBIDDEN"]

ACCEPTED: Final[int] = CONNECTION_ACCEPTED
BAD_PROTOCOL: Final[int] = UNACCEPTABLE_PROTOCOL_VERSION
BAD_CLIENT_ID: Final[int] = IDENTIFIER_REJECTED
FORBIDDEN: Final[int] = NOT_AUTHORIZED
REFUSED_FILTER: Final = 0x80

CONNECT: Final = 0x10
PUBACK: Final = 0x40
PUBREC: Final = 0x50
PUBREL: Final = 0x62
PUBCOMP: Final = 0x70
SUBSCRIBE: Final = 0x82
UNSUBSCRIBE: Final = 0xA2
PINGREQ: Final = 0xC0
DISCONNECT: Final = 0xE0
PINGRESP: Final = b"\xd0\x00"

MAX_SUBSCRIBE_BYTES: Final = 32 * 1024
"""amqtt writes a list of filters in quadratic time, so the list must be short."""

_MQTT_311: Final = b"\x00\x04MQTT\x04"
_OTHER_VERSIONS: Final = (b"\x00\x04MQTT", b"\x00\x06MQIsdp")
_MAX_QOS: Final = 2
_ID_BYTES: Final = 2


@dataclass(frozen=True, slots=True)
class ConnectPacketRead:
    """A CONNECT, well-formed; whether it is welcome is decided elsewhere."""

    client_id: str
    clean_session: bool
    keep_alive_s: int
    username: str | None
    password: str | None
    will: Message | None


def read_connect(body: bytes) -> ConnectPacketRead:
    """Read a CONNECT; raise :class:`UnsupportedProtocol` for another version of MQTT."""
    if not body.startswith(_MQTT_311):
        if body.startswith(_OTHER_VERSIONS):
            raise UnsupportedProtocol
        raise Malformed(f"a CONNECT of no known protocol: {body[:10]!r}")
    packet = _read(ConnectPacket, CONNECT, body)
    if packet.client_id_is_random:
        packet.client_id = ""
    _must_equal(packet, body)
    fields = packet.payload
    for promised, value in (
        (packet.will_flag, fields.will_message),
        (packet.username_flag, fields.username),
        (packet.password_flag, fields.password),
    ):
        if promised and value is None:
            raise Malformed("a CONNECT without a field that its flags promise")
    if packet.reserved_flag or (packet.password_flag and not packet.username_flag):
        raise Malformed("a CONNECT with flags that contradict each other")
    qos, retain = packet.variable_header.will_qos, packet.will_retain_flag
    if qos > _MAX_QOS or (not packet.will_flag and (qos or retain)):
        raise Malformed(f"a CONNECT with a will of QoS {qos}")
    for text in (fields.client_id, fields.username, fields.will_topic):
        if text is not None and "\0" in text:
            raise Malformed(f"NUL in {text[:80]!r}")
    will = None
    if packet.will_flag:
        will = Message(fields.will_topic, bytes(fields.will_message), qos, retain)
    return ConnectPacketRead(
        client_id=fields.client_id,
        clean_session=packet.clean_session_flag,
        keep_alive_s=packet.keep_alive,
        username=fields.username,
        password=fields.password,
        will=will,
    )


def read_subscribe(body: bytes) -> tuple[int, list[tuple[str, int]]]:
    """Read a SUBSCRIBE; return its packet id and each filter with the QoS asked for."""
    packet = _read_filters(SubscribePacket, SUBSCRIBE, body)
    filters: list[tuple[str, int]] = packet.payload.topics
    for pattern, qos in filters:
        if not pattern or "\0" in pattern or qos > _MAX_QOS:
            raise Malformed(f"a SUBSCRIBE to {pattern[:80]!r} at QoS {qos}")
    return packet.variable_header.packet_id, filters


def read_unsubscribe(body: bytes) -> tuple[int, list[str]]:
    """Read an UNSUBSCRIBE; return its packet id and filters."""
    packet = _read_filters(UnsubscribePacket, UNSUBSCRIBE, body)
    filters: list[str] = packet.payload.topics
    for pattern in filters:
        if not pattern or "\0" in pattern:
            raise Malformed(f"an UNSUBSCRIBE from {pattern[:80]!r}")
    return packet.variable_header.packet_id, filters


def read_packet_id(body: bytes) -> int:
    """Read the packet id that is all of an acknowledgement."""
    packet_id = int.from_bytes(body)
    if len(body) != _ID_BYTES or not packet_id:
        raise Malformed(f"an acknowledgement of packet id {packet_id} in {len(body)} bytes")
    return packet_id


def acknowledgement(first: int, packet_id: int) -> bytes:
    """Make a PUBACK, PUBREC, PUBREL or PUBCOMP."""
    return bytes((first, _ID_BYTES, packet_id >> 8, packet_id & 0xFF))


def connack(code: int, *, session_present: bool = False) -> bytes:
    """Make the answer to a CONNECT."""
    return bytes(ConnackPacket.build(int(session_present), code).to_bytes())


def suback(packet_id: int, codes: list[int]) -> bytes:
    """Make the answer to a SUBSCRIBE."""
    return bytes(SubackPacket.build(packet_id, codes).to_bytes())


def unsuback(packet_id: int) -> bytes:
    """Make the answer to an UNSUBSCRIBE."""
    return bytes(UnsubackPacket.build(packet_id).to_bytes())


def _read_filters(kind: Any, first: int, body: bytes) -> Any:  # noqa: ANN401  # amqtt is untyped
    if len(body) > MAX_SUBSCRIBE_BYTES:
        raise Malformed(f"filters of {len(body)} bytes; at most {MAX_SUBSCRIBE_BYTES} are taken")
    packet = _read(kind, first, body)
    _must_equal(packet, body)
    if not packet.variable_header.packet_id or not packet.payload.topics:
        raise Malformed("a SUBSCRIBE or UNSUBSCRIBE without packet id or filter")
    return packet


def _read(kind: Any, first: int, body: bytes) -> Any:  # noqa: ANN401  # amqtt is untyped
    """Let amqtt read *body*; its readers are coroutines, but over a buffer they never wait."""
    header = MQTTFixedHeader(first >> 4, first & 0x0F, len(body))
    reading = kind.from_stream(BufferReader(body), fixed_header=header)
    try:
        reading.send(None)
    except StopIteration as finished:
        return finished.value
    except (AMQTTError, CodecError, MQTTError, NoDataError, ValueError) as error:
        raise Malformed(f"{kind.__name__}: {error}") from error
    reading.close()
    raise Malformed(f"{kind.__name__}: cut short")


def _must_equal(packet: Any, body: bytes) -> None:  # noqa: ANN401  # amqtt is untyped
    header, payload = packet.variable_header, packet.payload
    try:
        same = header.to_bytes() + payload.to_bytes(packet.fixed_header, header) == body
    except ValueError as error:
        raise Malformed(str(error)) from error
    if not same:
        raise Malformed(f"{type(packet).__name__} with missing, broken or surplus fields")
