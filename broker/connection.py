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
from broker.entrance import Entrance
from broker.errors import Malformed
from broker.framing import Framer
from broker.gate import Gate
from broker.hub import Hub
from broker.message import PUBLISH, Message
from broker.outgoing import Outgoing
from broker.pace import Bucket
from broker.packets import ConnectPacketRead, connack
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
        "_bucket", "_closing", "_congested", "_connect_within_s", "_ended", "_entrance",
        "_figures", "_framer", "_hub", "_loop", "_outgoing", "_packets", "_patience", "_pending",
        "_registry", "_session", "_throttle", "_will",
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
        self._entrance = Entrance(hub, self)
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
            if self._session is None and self._framer.is_between:
                self._entrance.expect(data[0])  # before waiting for what may never come
            self._take(self._framer.feed(data))
        except Malformed as error:
            self._broke_protocol(error)
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
        self._entrance.close()
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

    # What the entrance does.

    def wait(self) -> None:
        """Read nothing while the broker takes its time over a CONNECT."""
        self._patience.end()
        self.hold()

    def enter(self, packet: ConnectPacketRead, gate: Gate) -> None:
        """Be the client that sent *packet* from now on."""
        self._bucket = gate.bucket
        self._session = self._hub.enter(self, packet, gate)
        self._will = packet.will
        self._framer.limit = self._hub.limits.packet_bytes
        self._patience.heard = self._loop.time()
        self._patience.begin(packet.keep_alive_s * KEEPALIVE_FACTOR)

    def turn_away(self, code: int, reason: str) -> None:
        """Say why not, and end."""
        self.write(connack(code))
        self.end(reason)

    def go_on(self, packets: list[tuple[int, bytes]]) -> None:
        """Take what came while it waited, and read on."""
        try:
            if not self._ended:
                self._take(packets)
        except Malformed as error:
            self._broke_protocol(error)
        self._read_on()

    # What the client does.

    def _take(self, packets: Iterable[tuple[int, bytes]]) -> None:
        """Do what *packets* ask; the speed of a limited client is measured by the chunk.

        What its answers make room for leaves when all of them are taken, and so in one go.
        """
        taken = answers = 0
        for first, body in packets:
            session, kind = self._session, first & 0xF0
            if session is None:
                self._entrance.take(first, body)
            elif kind == PUBLISH:
                published(self._hub, self, session, first, body)
            elif (handler := HANDLERS.get(first)) is not None:
                handler(self._hub, self, session, body)
            else:
                raise Malformed(f"no packet of a client begins with {first:#04x}")
            if self._ended:
                return
            taken += 1
            answers += kind in _ANSWERS
        if answers and self._session is not None:
            self._session.outbox.drain()
        if self._bucket is not None and taken > answers:
            self._slow_down(self._bucket, taken - answers)

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
        busy = full or self._throttle is not None or self._entrance.is_judging
        if not self._ended and not busy:
            self.release()

    def _broke_protocol(self, error: Malformed) -> None:
        self._figures.protocol_errors += 1
        self.end(str(error))

    # What there is.

    @property
    def _unread(self) -> int:
        return self._pending + self._transport.get_write_buffer_size()
