"""Reading in turns: a chunk of one client, and then it is the others' turn.

A loop hands over whatever a socket holds, and libuv reads a busy socket many times in a row. One
client that floods the broker with tiny packets would stall all the others for a tenth of a second
at a time. So a chunk is small, and after a full one the client waits for the next turn.
"""

import asyncio
from typing import Final, cast

CHUNK_BYTES: Final = 16 * 1024

_CHUNK: Final = memoryview(bytearray(CHUNK_BYTES))  # of all: a chunk is copied before the next


class TurnTaking(asyncio.BufferedProtocol):
    """A protocol whose ``data_received`` gets at most ``CHUNK_BYTES`` per turn of the loop."""

    __slots__ = ("_held", "_transport")

    _transport: asyncio.Transport
    _held: bool

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by shape only
        self._held = False

    def data_received(self, data: bytes) -> None:
        """Handle a chunk."""
        raise NotImplementedError

    def get_buffer(self, _size_hint: int) -> memoryview:
        """Say where the next chunk goes."""
        return _CHUNK

    def buffer_updated(self, size: int) -> None:
        """Take the chunk; after a full one let the others read first."""
        self.data_received(bytes(_CHUNK[:size]))
        if size == CHUNK_BYTES and not self._held:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._next_turn)

    def hold(self) -> None:
        """Read nothing more until :meth:`release`."""
        self._held = True
        self._transport.pause_reading()

    def release(self) -> None:
        """Read on."""
        if self._held:
            self._held = False
            self._transport.resume_reading()

    def _next_turn(self) -> None:
        if not self._held and not self._transport.is_closing():
            self._transport.resume_reading()
