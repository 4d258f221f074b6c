"""One connection to a broker: an :class:`asyncio.Protocol` that lives from CONNECT to its loss.

Everything that one read brings is handed over in one turn of the loop, and everything that is said
in one turn leaves in one write: what a message costs is then what it means, not its system calls.
Nothing is sent twice: what is retained is stated anew on every connection, and whoever misses an
answer asks again. A connection that takes nothing any more is ended, not waited for.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast

from coordinator.shell.mqtt import packets
from coordinator.shell.mqtt.packets import BadPacket, Delivery, Kind, Packet, Reader
from coordinator.shell.mqtt.refusal import refusal

log = logging.getLogger("fleetbus.bus")

WAITING_BYTES: Final = 64 * 1024 * 1024
"""So much may wait for a broker that is slow to take it; more, and the connection is given up."""
NOT_GRANTED: Final = 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """With what a client introduces itself."""

    client_id: str
    keepalive_s: int
    will: tuple[str, bytes] | None = None
    """Topic and payload of what the broker says, retained, when the connection is lost."""
    username: str | None = None
    password: str | None = None


class Link(asyncio.Protocol):
    """One connection; made by :meth:`open`, and used in the loop's thread only."""

    def __init__(self, hello: Hello, on_message: Callable[[str, bytes, bool], None]) -> None:
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the connection is lost or was closed."""
        self._hello = hello
        self._on_message = on_message
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = Reader()
        self._accepted: asyncio.Future[None] = self._loop.create_future()
        self._out: list[bytes] = []
        self._last_id = 1
        self._unheard_ids: set[int] = set()
        """Packet ids that the broker has not acknowledged yet."""
        self._asked: dict[int, asyncio.Future[bytes]] = {}
        """Subscriptions that the broker has not answered yet."""
        self._heard_at = self._said_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    async def open(
        cls,
        host: str,
        port: int,
        hello: Hello,
        on_message: Callable[[str, bytes, bool], None],
        tls: ssl.SSLContext | None = None,
    ) -> "Link":
        """Connect to a broker and be accepted by it.

        Raises :class:`OSError` if that fails and :class:`.Refused`, which is one, if it said no.
        Whoever cancels this leaves no connection behind.
        """
        loop = asyncio.get_running_loop()
        _, link = await loop.create_connection(lambda: cls(hello, on_message), host, port, ssl=tls)
        try:
            await link._accepted  # noqa: SLF001 -- its own class
        except BaseException:
            link.abort()
            raise
        return link

    @property
    def is_open(self) -> bool:
        """Whether something said now can reach the broker."""
        return not self.lost.done() and self._accepted.done()

    @property
    def silent_s(self) -> float:
        """For how long nothing has been heard from the broker."""
        return self._loop.time() - self._heard_at

    # --- speaking

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> None:
        """Say *payload* at :meth:`flush`, or at the end of this turn of the loop."""
        packet_id = self._next_id() if qos else 0
        self._send(packets.publish(topic, payload, packet_id, retain=retain))

    def subscribe(self, filters: Sequence[str], qos: int = 1) -> "asyncio.Future[bytes]":
        """Ask for *filters*; the future holds a code for each, and nothing if the link is lost.

        A code of :data:`NOT_GRANTED` refuses one. Nobody has to wait for the future.
        """
        return self._ask(lambda packet_id: packets.subscribe(filters, packet_id, qos))

    def unsubscribe(self, filters: Sequence[str]) -> "asyncio.Future[bytes]":
        """Take back a subscription; the future is done when the broker knows."""
        return self._ask(lambda packet_id: packets.unsubscribe(filters, packet_id))

    def _ask(self, write: Callable[[int], bytes]) -> "asyncio.Future[bytes]":
        packet_id = self._next_id()
        answer = self._asked[packet_id] = self._loop.create_future()
        self._send(write(packet_id))
        return answer

    def flush(self) -> None:
        """Let what was said leave; it leaves by itself at the end of the loop's turn."""
        out, self._out = self._out, []
        transport = self._transport
        if not out or transport is None or transport.is_closing():
            return
        self._said_at = self._loop.time()
        transport.write(b"".join(out))
        if transport.get_write_buffer_size() > WAITING_BYTES:
            log.warning("the broker takes nothing any more; hanging up")
            transport.abort()

    def close(self) -> None:
        """Say goodbye, so that the will is not sent, and hang up when all is said."""
        self._send(packets.GOODBYE)
        self.flush()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Hang up at once; the broker will send the will."""
        if self._transport is not None:
            self._transport.abort()

    def _send(self, packet: bytes) -> None:
        if not self._out:
            self._loop.call_soon(self.flush)
        self._out.append(packet)

    def _next_id(self) -> int:
        """Choose a packet id that is not in use (§2.3.1)."""
        if len(self._unheard_ids) >= packets.MAX_PACKET_ID:
            log.warning("the broker acknowledges nothing any more; hanging up")
            self.abort()
            return self._last_id
        packet_id = self._last_id % packets.MAX_PACKET_ID + 1
        while packet_id in self._unheard_ids:
            packet_id = packet_id % packets.MAX_PACKET_ID + 1
        self._last_id = packet_id
        self._unheard_ids.add(packet_id)
        return packet_id

    # --- the transport speaks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Introduce ourselves."""
        # Not by isinstance: the transports of other event loops are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        hello = self._hello
        greeting = packets.connect(
            hello.client_id,
            keepalive_s=hello.keepalive_s,
            will=hello.will,
            username=hello.username,
            password=hello.password,
        )
        self._transport.write(greeting)
        self._keep_alive()

    def data_received(self, data: bytes) -> None:
        """Take in whatever is there."""
        self._heard_at = self._loop.time()
        try:
            for packet in self._reader.feed(data):
                if isinstance(packet, Delivery):
                    self._deliver(packet)
                else:
                    self._take(packet)
        except BadPacket as error:
            log.warning("the broker sent what cannot be read: %s; hanging up", error)
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Let everybody who waits know."""
        if self._timer is not None:
            self._timer.cancel()
        broken = ConnectionError(f"the connection broke: {error or 'the broker hung up'}")
        if not self._accepted.done():
            self._accepted.set_exception(broken)
        for answer in self._asked.values():
            if not answer.done():
                answer.set_result(b"")
        if not self.lost.done():
            self.lost.set_result(None)

    def _deliver(self, message: Delivery) -> None:
        try:
            self._on_message(message.topic, message.payload, message.is_retained)
        except Exception:  # a fault of ours with one message must not end the connection
            log.exception("a message on %r could not be taken in", message.topic[:200])
        if message.packet_id:
            self._send(packets.puback(message.packet_id))

    def _take(self, packet: Packet) -> None:
        match packet.kind:
            case Kind.PUBACK:
                self._unheard_ids.discard(packets.packet_id_of(packet))
            case Kind.SUBACK | Kind.UNSUBACK:
                packet_id = packets.packet_id_of(packet)
                self._unheard_ids.discard(packet_id)
                answer = self._asked.pop(packet_id, None)
                if answer is not None and not answer.done():
                    answer.set_result(packet.body[2:])
            case Kind.CONNACK:
                self._judge(packet.body)
            case Kind.PINGRESP:
                pass
            case _:
                raise BadPacket(f"a packet of kind {packet.kind}")

    def _judge(self, body: bytes) -> None:
        if len(body) < 2 or self._accepted.done():  # noqa: PLR2004 -- flags and code
            raise BadPacket("a CONNACK that nobody waits for")
        code = body[1]
        if code == 0:
            self._accepted.set_result(None)
            return
        self._accepted.set_exception(refusal(code))
        self.abort()

    def _keep_alive(self) -> None:
        """Ask for a sign of life in time; without one, the connection is lost (§3.1.2.10)."""
        now, keepalive_s = self._loop.time(), self._hello.keepalive_s
        if self._timer is not None and now - self._timer.when() > keepalive_s / 4:
            self._heard_at = now  # we stood still: what was said meanwhile is not read yet
        if now - self._heard_at > 1.5 * keepalive_s:
            log.warning("nothing was heard from the broker for %.0f s", now - self._heard_at)
            self.abort()
            return
        if now - min(self._said_at, self._heard_at) >= keepalive_s / 2:
            self._send(packets.PING)
        self._timer = self._loop.call_later(keepalive_s / 4, self._keep_alive)
