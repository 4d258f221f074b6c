"""One client's connection: packets in, packets out, and an end for every reason there is.

What arrives is handled at once, a chunk at a time; what leaves is gathered and handed to the
system once per turn of the loop. A connection ends when its client says so, breaks the protocol,
is silent for one and a half keep-alives, is too slow, is taken over, or is gone; in all cases
but the first its will is published.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Final, Protocol

from broker.conversation import HANDLERS, published
from broker.errors import Malformed, UnsupportedProtocol
from broker.framing import Framer
from broker.gate import Gate
from broker.hub import Hub
from broker.message import PUBLISH, Message, topic_name
from broker.outgoing import Outgoing
from broker.pace import Bucket
from broker.packets import (
    BAD_PROTOCOL,
    CONNECT,
    FORBIDDEN,
    ConnectPacketRead,
    connack,
    read_connect,
)
from broker.patience import KEEPALIVE_FACTOR, Patience
from broker.session import Session
from broker.turns import TurnTaking

log = logging.getLogger(__name__)

_ANSWERS: Final = frozenset((0x40, 0x50, 0x60, 0x70))
"""Acknowledgements, whose number is that of our own messages: they cost no token."""


class Registry(Protocol):
    """Who knows which connections there are; told only of those whose TLS, if any, succeeded."""

    def opened(self, connection: "Connection") -> bool:
        """Take note of *connection*; return False if it is one too many."""
        ...

    def closed(self, connection: "Connection") -> None:
        """Take note that *connection* is gone."""
        ...


class Connection(TurnTaking):
    """An MQTT client over a byte stream."""

    __slots__ = (
        "_admission", "_bucket", "_closing", "_congested", "_connect_within_s", "_ended",
        "_figures", "_framer", "_held_back", "_hub", "_loop", "_outgoing", "_packets",
        "_patience", "_pending", "_registry", "_session", "_throttle", "_will",
    )  # fmt: skip

    def __init__(
        self,
        hub: Hub,
        outgoing: Outgoing,
        registry: Registry,
        *,
        connect_within_s: float,
    ) -> None:
        self._hub = hub
        self._outgoing = outgoing
        self._registry = registry
        self._figures = hub.figures
        self._framer = Framer(hub.limits.connect_bytes)
        self._loop = asyncio.get_running_loop()
        self._session: Session | None = None
        self._will: Message | None = None
        self._packets: list[bytes] = []
        self._pending = 0
        self._congested = False
        self._ended = False
        self._connect_within_s = connect_within_s
        self._patience = Patience(self._loop, self.end)
        self._closing: asyncio.TimerHandle | None = None
        self._admission: asyncio.Future[Gate | None] | None = None
        self._held_back: list[tuple[int, bytes]] = []
        self._bucket: Bucket | None = None
        self._throttle: asyncio.TimerHandle | None = None

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a CONNECT, but not for long."""
        super().connection_made(transport)
        if not self._registry.opened(self):
            self._ended = True
            transport.close()
            return
        self._transport.set_write_buffer_limits(self._hub.limits.unsent_bytes)
        self._patience.begin(self._connect_within_s)

    def data_received(self, data: bytes) -> None:
        """Handle every packet that is complete now; a frame of WebSocket may be empty."""
        if self._ended or not data:
            return
        self._patience.heard = self._loop.time()
        self._figures.bytes_received += len(data)
        try:
            if self._is_stranger and self._framer.is_between:
                self._must_connect(data[0])  # before waiting for what may never come
            self._take(self._framer.feed(data))
        except Malformed as error:
            self._figures.protocol_errors += 1
            self.end(str(error))
            return
        if self._ended:
            return
        if self._congested and self._unread > self._hub.limits.unread_bytes:
            self.hold()

    def pause_writing(self) -> None:
        """Let deliveries wait: the client reads more slowly than it is sent to."""
        self._congested = True

    def resume_writing(self) -> None:
        """Go on with what waits."""
        self._congested = False
        if self._ended:
            return
        self._read_on()
        if self._session is not None:
            self._session.outbox.drain()

    def connection_lost(self, exc: Exception | None) -> None:
        """Part from a client that went without a word, unless the end came from here."""
        self.end(f"connection lost: {exc}" if exc else "connection lost")
        if self._closing is not None:
            self._closing.cancel()
        self._registry.closed(self)

    # What the hub does.

    @property
    def room(self) -> bool:
        """Whether deliveries should be written now."""
        return not self._congested and self._pending < self._hub.limits.unsent_bytes

    def write(self, packet: bytes) -> None:
        """Send *packet* in the next turn of the loop, after the ones before it."""
        if self._ended:
            return  # an answer that had to wait until it could be given
        if not self._packets:
            self._outgoing.add(self)
        self._packets.append(packet)
        self._pending += len(packet)

    def flush(self) -> None:
        """Hand everything to the system, and then go on with what waits for room."""
        packets = self._packets
        if not packets:
            return
        self._figures.bytes_sent += self._pending
        full = self._pending >= self._hub.limits.unsent_bytes
        self._pending = 0
        self._packets = []
        self._transport.write(packets[0] if len(packets) == 1 else b"".join(packets))
        if full and self._session is not None and not self._ended:
            self._session.outbox.drain()

    def end_soon(self, reason: str) -> None:
        """End the connection once the present event has been handled."""
        self._loop.call_soon(self.end, reason)

    def end(self, reason: str, *, goodbye: bool = False) -> None:
        """Close the connection after its last words; publish the will unless it said goodbye."""
        if self._ended:
            return
        self._ended = True
        session, self._session = self._session, None
        log.info("%.80r: %s", session.client_id if session else "a stranger", reason)
        self.flush()
        self._patience.end()
        if self._throttle is not None:
            self._throttle.cancel()
        if self._admission is not None:
            self._admission.cancel()
        self._transport.close()
        self._closing = self._loop.call_later(
            self._hub.limits.close_within.total_seconds(), self._transport.abort
        )
        if session is not None:
            self._hub.leave(session, None if goodbye else self._will)

    def abort(self) -> None:
        """Cut the connection without a will: the broker itself is about to be gone."""
        self._will = None
        self.end("the broker stops")
        self._transport.abort()

    # What the client does.

    def _take(self, packets: Iterable[tuple[int, bytes]]) -> None:
        """Do what *packets* ask; the speed of a limited client is measured by the chunk."""
        counted = 0
        for first, body in packets:
            if self._admission is not None:
                self._held_back.append((first, body))
                continue
            kind = first & 0xF0
            if kind == PUBLISH and self._session is not None:
                published(self._hub, self, self._session, first, body)
            else:
                self._handle(first, body)
            if self._ended:
                return
            counted += kind not in _ANSWERS
        if self._bucket is not None and counted:
            self._slow_down(self._bucket, counted)

    def _slow_down(self, bucket: Bucket, packets: int) -> None:
        """Read nothing for as long as the client was too fast."""
        now = self._loop.time()
        pause = bucket.take(packets, now)
        if not pause:
            return
        if bucket.is_flooding(now):
            self._figures.floods += 1
            self.end("flooding: too many packets for too long")
            return
        self.hold()
        if self._throttle is not None:
            self._throttle.cancel()
        self._throttle = self._loop.call_later(pause, self._throttled_enough)

    def _throttled_enough(self) -> None:
        self._throttle = None
        self._patience.heard = self._loop.time()  # its silence was our doing
        self._read_on()

    def _read_on(self) -> None:
        """Read again, unless there is another reason not to."""
        full = self._congested and self._unread > self._hub.limits.unread_bytes
        if not self._ended and not full and self._throttle is None and self._admission is None:
            self.release()

    def _handle(self, first: int, body: bytes) -> None:
        if self._session is None:
            self._must_connect(first)
            self._connect(body)
            return
        handler = HANDLERS.get(first)
        if handler is None:
            raise Malformed(f"no packet of a client begins with {first:#04x}")
        handler(self._hub, self, self._session, body)

    def _must_connect(self, first: int) -> None:
        if first != CONNECT:
            raise Malformed(f"a first packet that is no CONNECT but {first:#04x}")

    def _connect(self, body: bytes) -> None:
        limits = self._hub.limits
        try:
            packet = read_connect(body)
        except UnsupportedProtocol as error:
            self.write(connack(BAD_PROTOCOL))
            self.end(str(error))
            return
        if packet.will is not None:
            _check_will(packet.will.topic, limits.topic_bytes, limits.topic_levels)
        admission = self._hub.admit(packet)
        if not isinstance(admission, asyncio.Future):
            self._enter(packet, admission)
            return
        self._admission = admission
        self._patience.end()  # from here on we are the ones who take time, and not long
        self.hold()
        admission.add_done_callback(lambda done: self._decided(packet, done))

    def _decided(self, packet: ConnectPacketRead, done: "asyncio.Future[Gate | None]") -> None:
        """Go on with a client whose password took time, and with what it said meanwhile."""
        if self._ended or done.cancelled():
            return
        self._admission = None
        self._patience.heard = self._loop.time()
        self._enter(packet, done.result() or FORBIDDEN)
        held_back, self._held_back = self._held_back, []
        try:
            if not self._ended:
                self._take(held_back)
        except Malformed as error:
            self._figures.protocol_errors += 1
            self.end(str(error))
        self._read_on()

    def _enter(self, packet: ConnectPacketRead, admitted: "Gate | int | None") -> None:
        limits = self._hub.limits
        if not isinstance(admitted, Gate):
            code = admitted or FORBIDDEN
            self.write(connack(code))
            self.end(f"refused with code {code}")
            return
        self._bucket = admitted.bucket
        entered = self._hub.enter(self, packet, admitted)
        self._session = entered
        self._will = packet.will
        self._framer.limit = limits.packet_bytes
        self._patience.begin(packet.keep_alive_s * KEEPALIVE_FACTOR)

    # What there is.

    @property
    def _is_stranger(self) -> bool:
        return self._session is None and self._admission is None

    @property
    def _unread(self) -> int:
        return self._pending + self._transport.get_write_buffer_size()


def _check_will(topic: str, max_bytes: int, max_levels: int) -> None:
    if topic_name(topic.encode(), max_bytes, max_levels).startswith("$"):
        raise Malformed(f"a will on {topic[:80]!r}, which belongs to the server")
