"""The broker at work: its listeners, its connections, and how both end."""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from typing import Final

from broker.access import Access
from broker.connection import Connection
from broker.hub import Hub
from broker.keeping.database import Database
from broker.keeping.keeper import Keeper
from broker.limits import Limits
from broker.listeners import BACKLOG, bind
from broker.outgoing import Outgoing
from broker.settings import BrokerSettings
from broker.websocket import WebSocketLayer

_REVIEW_S: Final = 0.2
"""So long after ``fleetbus revoke`` a client may still be connected; a look costs one stat()."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports that are really open."""

    mqtt: int
    ws: int | None


class Engine:
    """A hub, and the listeners through which clients reach it."""

    def __init__(
        self,
        settings: BrokerSettings,
        access: Access,
        limits: Limits,
        database: Database | None = None,
    ) -> None:
        self._settings = settings
        self._limits = limits
        self._access = access
        self._keeper = None if database is None else Keeper(database)
        self._hub = Hub(access, limits, self._keeper)
        if database is not None:
            self._hub.recall(database)
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

    async def start(self, tls: ssl.SSLContext | None) -> None:
        """Listen; raise :class:`CannotListen` when a port is not to be had."""
        listeners = bind(self._settings)
        accepting = (self._accept, self._accept_websocket)
        patience = self._settings.connect_within.total_seconds() if tls else None
        for listener, accept in zip(listeners, accepting, strict=False):
            server = await self._loop.create_server(
                accept, sock=listener, backlog=BACKLOG, ssl=tls, ssl_handshake_timeout=patience
            )
            self._servers.append(server)

    def remembering(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Keep what changes, if that is wanted, until everything else has ended."""
        return contextlib.nullcontext() if self._keeper is None else self._keeper.running()

    async def publish_figures(self) -> None:
        """Say how the broker is doing, again and again, until cancelled."""
        started = self._loop.time()
        while True:
            self._hub.publish_figures(int(self._loop.time() - started))
            await asyncio.sleep(self._settings.figures_every.total_seconds())

    async def watch_credentials(self) -> None:
        """Part from whoever loses its rights, soon after it does, until cancelled."""
        while True:
            if (is_welcome := self._access.review()) is not None:
                self._hub.dismiss(is_welcome)
            await asyncio.sleep(_REVIEW_S)

    async def shutdown(self) -> None:
        """Close everything and return once no connection is left."""
        for server in self._servers:
            server.close()
        for connection in tuple(self._connections):
            connection.abort()
        while self._connections:
            self._all_closed.clear()
            await self._all_closed.wait()

    def opened(self, connection: Connection) -> bool:
        """Take note of *connection*; return False if it is one too many."""
        if len(self._connections) >= self._limits.connections:
            return False
        self._connections.add(connection)
        return True

    def closed(self, connection: Connection) -> None:
        """Take note that *connection* is gone."""
        self._connections.discard(connection)
        if not self._connections:
            self._all_closed.set()

    def _accept(self) -> Connection:
        return Connection(
            self._hub,
            self._outgoing,
            self,
            connect_within_s=self._settings.connect_within.total_seconds(),
        )

    def _accept_websocket(self) -> WebSocketLayer:
        return WebSocketLayer(self._accept(), self._limits.packet_bytes)
