"""The broker at work: its listeners, its connections, and how both end."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from broker.access import Access
from broker.connection import Connection, Outgoing
from broker.hub import Hub
from broker.limits import Limits
from broker.settings import BrokerSettings
from broker.websocket import WebSocketLayer

BACKLOG: Final = 4096
"""Connections that the system completes before they are accepted here.

When a whole fleet comes back at once, whoever finds this full has its SYN dropped and tries again
after a second or more; asyncio's own 100 is soon full.
"""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports that are really open."""

    mqtt: int
    ws: int | None


class Engine:
    """A hub, and the listeners through which clients reach it."""

    def __init__(self, settings: BrokerSettings, access: Access, limits: Limits) -> None:
        self._settings = settings
        self._limits = limits
        self._hub = Hub(access, limits)
        self._loop = asyncio.get_running_loop()
        self._outgoing = Outgoing(self._loop)
        self._connections: set[Connection] = set()
        self._servers: list[asyncio.Server] = []
        self._all_closed = asyncio.Event()

    @property
    def ports(self) -> Ports:
        """The ports of a started broker."""
        numbers = [server.sockets[0].getsockname()[1] for server in self._servers]
        return Ports(mqtt=numbers[0], ws=numbers[1] if len(numbers) > 1 else None)

    async def start(self) -> None:
        """Listen; raise :class:`OSError` when that is not to be had, and then leave nothing."""
        settings = self._settings
        wanted: list[tuple[int, Callable[[], asyncio.Protocol]]] = [
            (settings.mqtt_port, self._accept)
        ]
        if settings.ws_port is not None:
            wanted.append((settings.ws_port, self._accept_websocket))
        try:
            for port, accept in wanted:
                self._servers.append(await self._listen(port, accept, None))
        except OSError:
            self._close_listeners()
            raise

    async def publish_figures(self) -> None:
        """Say how the broker is doing, again and again, until cancelled."""
        started = self._loop.time()
        while True:
            self._hub.publish_figures(int(self._loop.time() - started))
            await asyncio.sleep(self._settings.figures_every.total_seconds())

    async def shutdown(self) -> None:
        """Close everything and return once no connection is left."""
        self._close_listeners()
        for connection in tuple(self._connections):
            connection.abort()
        while self._connections:
            self._all_closed.clear()
            await self._all_closed.wait()

    async def _listen(
        self, port: int, accept: Callable[[], asyncio.Protocol], tls: ssl.SSLContext | None
    ) -> asyncio.Server:
        return await self._loop.create_server(
            accept, self._settings.address, port, backlog=BACKLOG, ssl=tls
        )

    def _accept(self) -> asyncio.Protocol:
        if len(self._connections) >= self._limits.connections:
            return _Full()
        connection = Connection(
            self._hub,
            self._outgoing,
            connect_within_s=self._settings.connect_within.total_seconds(),
            closed=self._closed,
        )
        self._connections.add(connection)
        return connection

    def _accept_websocket(self) -> asyncio.Protocol:
        accepted = self._accept()
        if isinstance(accepted, Connection):
            return WebSocketLayer(accepted, self._limits.packet_bytes)
        return accepted

    def _closed(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._all_closed.set()

    def _close_listeners(self) -> None:
        for server in self._servers:
            server.close()


class _Full(asyncio.Protocol):
    """Closes a connection that is one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
