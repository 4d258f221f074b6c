"""A stranger's way in: its CONNECT, the judgement on it, and what it says before there is one.

Nothing but a CONNECT may come first. Most are judged at once; a password takes time, and what
arrives meanwhile is held back in its order.
"""

import asyncio
from typing import Protocol

from broker.errors import Malformed, UnsupportedProtocol
from broker.gate import Gate
from broker.hub import Hub
from broker.message import topic_name
from broker.packets import BAD_PROTOCOL, CONNECT, FORBIDDEN, ConnectPacketRead, read_connect


class Newcomer(Protocol):
    """A connection, as far as its way in is concerned."""

    def wait(self) -> None:
        """Read nothing until :meth:`go_on`; here it is the broker who takes time."""
        ...

    def enter(self, packet: ConnectPacketRead, gate: Gate) -> None:
        """Become the client that sent *packet*."""
        ...

    def turn_away(self, code: int, reason: str) -> None:
        """Answer with *code* and end."""
        ...

    def go_on(self, packets: list[tuple[int, bytes]]) -> None:
        """Take *packets*, which came while it waited, and read on."""
        ...


class Entrance:
    """Where a connection is until it is let in."""

    __slots__ = ("_admission", "_held_back", "_hub", "_newcomer")

    def __init__(self, hub: Hub, newcomer: Newcomer) -> None:
        self._hub = hub
        self._newcomer = newcomer
        self._admission: asyncio.Future[Gate | None] | None = None
        self._held_back: list[tuple[int, bytes]] = []

    @property
    def is_judging(self) -> bool:
        """Whether a CONNECT is there and the judgement on it is not."""
        return self._admission is not None

    def expect(self, first: int) -> None:
        """Raise :class:`Malformed` if what begins with *first* may not come now."""
        if self._admission is None and first != CONNECT:
            raise Malformed(f"a first packet that is no CONNECT but {first:#04x}")

    def take(self, first: int, body: bytes) -> None:
        """Judge a CONNECT, or hold back what comes after it."""
        if self._admission is not None:
            self._held_back.append((first, body))
            return
        self.expect(first)
        try:
            packet = read_connect(body)
        except UnsupportedProtocol as error:
            self._newcomer.turn_away(BAD_PROTOCOL, str(error))
            return
        if packet.will is not None:
            self._check_will(packet.will.topic)
        admission = self._hub.admit(packet)
        if not isinstance(admission, asyncio.Future):
            self._judge(packet, admission)
            return
        self._admission = admission
        self._newcomer.wait()
        admission.add_done_callback(lambda done: self._decided(packet, done))

    def close(self) -> None:
        """Want no judgement any more."""
        admission, self._admission = self._admission, None
        if admission is not None:
            admission.cancel()

    def _decided(self, packet: ConnectPacketRead, done: "asyncio.Future[Gate | None]") -> None:
        if self._admission is not done or done.cancelled():
            return  # its connection ended meanwhile
        self._admission = None
        self._judge(packet, done.result())
        self._newcomer.go_on(self._held_back)

    def _judge(self, packet: ConnectPacketRead, admitted: Gate | int | None) -> None:
        if isinstance(admitted, Gate):
            self._newcomer.enter(packet, admitted)
        else:
            code = admitted or FORBIDDEN
            self._newcomer.turn_away(code, f"refused with code {code}")

    def _check_will(self, topic: str) -> None:
        limits = self._hub.limits
        raw = topic.encode()
        if topic_name(raw, limits.topic_bytes, limits.topic_levels).startswith("$"):
            raise Malformed(f"a will on {topic[:80]!r}, which belongs to the server")
