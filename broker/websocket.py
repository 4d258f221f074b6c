"""MQTT over WebSocket: a layer between the byte stream of TCP and that of a connection.

The library's protocol object does the talking, without I/O of its own; messages are taken as
pieces of one stream, as MQTT 3.1.1 §6 wants it. A browser tells on whose behalf it connects: a
page from elsewhere is refused, or any site a user of this machine visits could command the fleet.
"""

import asyncio
import http
import logging
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from websockets.exceptions import InvalidState
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from broker.connection import Connection
from broker.settings import is_loopback
from broker.turns import TurnTaking

log = logging.getLogger(__name__)

MQTT: Final = Subprotocol("mqtt")


class WebSocketLayer(TurnTaking):
    """Speaks WebSocket on a transport and MQTT with a connection."""

    def __init__(self, connection: Connection, max_bytes: int) -> None:
        self._connection = connection
        self._websocket = ServerProtocol(subprotocols=[MQTT], max_size=max_bytes)
        self._stream: _Stream

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the connection at once, so that its patience covers the handshake too."""
        super().connection_made(transport)
        self._stream = _Stream(self, self._transport, self._websocket, self._send)
        self._connection.connection_made(self._stream)

    def data_received(self, data: bytes) -> None:
        """Take frames apart, and answer what is WebSocket's own."""
        self._websocket.receive_data(data)
        for event in self._websocket.events_received():
            if isinstance(event, Request):
                self._shake_hands(event)
            elif isinstance(event, Frame):
                self._take(event)
        self._send()

    def eof_received(self) -> None:
        """Let the transport close."""
        self._websocket.receive_eof()

    def pause_writing(self) -> None:
        """Pass on that the peer reads slowly."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that the peer has read."""
        self._connection.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on that the stream is gone."""
        self._connection.connection_lost(exc)

    def _shake_hands(self, request: Request) -> None:
        origin = request.headers.get("Origin")
        if origin is not None and not is_local(origin):
            log.warning("refused a WebSocket on behalf of %.200r: not a page of here", origin)
            response = self._websocket.reject(http.HTTPStatus.FORBIDDEN, "not from this origin\n")
        else:
            response = self._websocket.accept(request)
        self._websocket.send_response(response)

    def _take(self, frame: Frame) -> None:
        if frame.opcode in {Opcode.BINARY, Opcode.CONT}:
            self._connection.data_received(bytes(frame.data))
        elif frame.opcode is Opcode.TEXT:
            self._websocket.fail(CloseCode.UNSUPPORTED_DATA, "MQTT is binary")

    def _send(self) -> None:
        for data in self._websocket.data_to_send():
            if data:
                self._transport.write(data)
            else:  # the library's sign that nothing will follow
                self._transport.close()


class _Stream(asyncio.Transport):
    """The byte stream within the frames, as a transport of its own."""

    def __init__(
        self,
        layer: WebSocketLayer,
        transport: asyncio.Transport,
        websocket: ServerProtocol,
        send: Callable[[], None],
    ) -> None:
        super().__init__()
        self._layer = layer
        self._transport = transport
        self._websocket = websocket
        self._send = send

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._websocket.state is OPEN:
            self._websocket.send_binary(bytes(data))
            self._send()

    def close(self) -> None:
        try:
            self._websocket.send_close(CloseCode.NORMAL_CLOSURE)
        except InvalidState:
            self._transport.close()
        else:
            self._send()

    def abort(self) -> None:
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._transport.set_write_buffer_limits(high, low)

    def pause_reading(self) -> None:
        self._layer.hold()

    def resume_reading(self) -> None:
        self._layer.release()


def is_local(origin: str) -> bool:
    """Say whether *origin*, as a browser states it, is a page that this machine serves."""
    try:
        return is_loopback(urlsplit(origin).hostname or "")
    except ValueError:
        return False
