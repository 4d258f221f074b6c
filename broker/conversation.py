"""What each packet of an admitted client does, by its first byte.

The table is the protocol: a first byte without an entry, with flags that must not be, a packet
only servers send, or a second CONNECT, is malformed and ends the connection.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from broker.errors import Malformed
from broker.hub import Hub
from broker.message import read_publish
from broker.packets import (
    DISCONNECT,
    PINGREQ,
    PINGRESP,
    PUBACK,
    PUBCOMP,
    PUBREC,
    PUBREL,
    REFUSED_FILTER,
    SUBSCRIBE,
    UNSUBSCRIBE,
    acknowledgement,
    read_packet_id,
    read_subscribe,
    read_unsubscribe,
    suback,
    unsuback,
)
from broker.session import Connected, Session

_EXACTLY_ONCE: Final = 2

Handler: TypeAlias = Callable[[Hub, Connected, Session, bytes], None]


def published(hub: Hub, connection: Connected, session: Session, first: int, body: bytes) -> None:
    """Route a message, and acknowledge it once it is on its way, and kept if it is to be."""
    limits = hub.limits
    message, packet_id = read_publish(first, body, limits.topic_bytes, limits.topic_levels)
    if message.qos != _EXACTLY_ONCE:
        hub.publish(session, message)
        if packet_id:
            hub.answer(connection, acknowledgement(PUBACK, packet_id))
        return
    if session.is_new(packet_id, limits):
        hub.publish(session, message)
    hub.answer(connection, acknowledgement(PUBREC, packet_id))


def _acknowledged(_hub: Hub, _connection: Connected, session: Session, body: bytes) -> None:
    session.outbox.acknowledged(read_packet_id(body))


def _received(hub: Hub, connection: Connected, session: Session, body: bytes) -> None:
    hub.answer(connection, session.outbox.received(read_packet_id(body)))


def _released(hub: Hub, connection: Connected, session: Session, body: bytes) -> None:
    packet_id = read_packet_id(body)
    session.release(packet_id)
    hub.answer(connection, acknowledgement(PUBCOMP, packet_id))


def _completed(_hub: Hub, _connection: Connected, session: Session, body: bytes) -> None:
    session.outbox.completed(read_packet_id(body))


def _subscribe(hub: Hub, connection: Connected, session: Session, body: bytes) -> None:
    packet_id, wanted = read_subscribe(body)
    codes = hub.subscribe(session, wanted)
    _promise(hub, connection, session, suback(packet_id, codes))
    answered = zip(wanted, codes, strict=True)
    hub.replay(session, [pattern for (pattern, _), code in answered if code != REFUSED_FILTER])


def _unsubscribe(hub: Hub, connection: Connected, session: Session, body: bytes) -> None:
    packet_id, patterns = read_unsubscribe(body)
    hub.unsubscribe(session, patterns)
    _promise(hub, connection, session, unsuback(packet_id))


def _promise(hub: Hub, connection: Connected, session: Session, packet: bytes) -> None:
    """Answer a subscription, which only a session that is kept has to wait for."""
    if session.notes is None:
        connection.write(packet)
    else:
        hub.answer(connection, packet)


def _ping(_hub: Hub, connection: Connected, _session: Session, body: bytes) -> None:
    _must_be_empty(body)
    connection.write(PINGRESP)


def _disconnect(_hub: Hub, connection: Connected, _session: Session, body: bytes) -> None:
    _must_be_empty(body)
    connection.end("said goodbye", goodbye=True)


def _must_be_empty(body: bytes) -> None:
    if body:
        raise Malformed(f"{len(body)} bytes in a packet that has none")


HANDLERS: Final[dict[int, Handler]] = {
    PUBACK: _acknowledged,
    PUBREC: _received,
    PUBREL: _released,
    PUBCOMP: _completed,
    SUBSCRIBE: _subscribe,
    UNSUBSCRIBE: _unsubscribe,
    PINGREQ: _ping,
    DISCONNECT: _disconnect,
}
