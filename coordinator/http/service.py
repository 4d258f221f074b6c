"""One control room as a process: everything opened, wired, run, and closed in order.

It is a client of the bus and a reader of the store, beside the coordinator and not in it: nothing
that happens here can slow a decision down, and it can say that the coordinator is gone.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import secrets
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import uvicorn

from coordinator.address import BrokerAddress
from coordinator.http.app import make_app
from coordinator.http.auth.sessions import Sessions
from coordinator.http.auth.tokens import Tokens
from coordinator.http.boundary import Rules
from coordinator.http.gateway.agents import HttpAgents
from coordinator.http.link import Link
from coordinator.http.live.hub import Hub
from coordinator.http.live.mirror import Mirror
from coordinator.http.reader import Reader
from coordinator.http.reports import Reports
from coordinator.http.room import Room
from coordinator.http.views.alerts import shown_alerts
from coordinator.http.watch.watch import Watch
from coordinator.settings import CoordinatorSettings
from coordinator.shell.bus import Bus
from protocol.errors import FleetBusError
from protocol.topics import Topics

log = logging.getLogger("fleetbus.web")

HEADER_BYTES: Final = 16 * 1024
STOP_WITHIN_S: Final = 3
KEEP_ALIVE_S: Final = 30
WAITING: Final = 2048
"""How many connections may wait to be taken, as uvicorn has it."""


@dataclass(slots=True)
class Connections:
    """As whom the control room is on the bus."""

    operator: BrokerAddress
    """Asks and watches."""
    gateway: BrokerAddress | None = None
    """Speaks for agents that speak HTTP, which is a coordinator's right; None: nobody does."""


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@dataclass(slots=True)
class ControlRoom:
    """The parts of one running control room."""

    settings: CoordinatorSettings
    connections: Connections
    room: Room = field(init=False)
    _inboxes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        settings = self.settings
        mirror = Mirror(Topics(settings.root))
        link = Link(mirror, _client_name(settings, self.connections.operator))
        agents = HttpAgents(mirror, listen=self._listen)
        link.hear_inbox = agents.hear
        reader = Reader(settings.data, settings.store)
        watch = Watch(settings, mirror, link, reader)
        hub = Hub(mirror, alerts=lambda: shown_alerts(watch))
        self.room = Room(
            data=settings.data,
            mirror=mirror,
            link=link,
            reader=reader,
            hub=hub,
            watch=watch,
            reports=Reports(reader, lambda: watch.history, lambda: hub.watchers > 0),
            agents=agents,
            tokens=Tokens.in_directory(settings.data),
            sessions=Sessions.in_directory(settings.data),
            is_secure=settings.serves_tls,
        )

    def _listen(self, filters: list[str]) -> None:
        fresh = [one for one in filters if one not in self._inboxes]
        self._inboxes += fresh
        if self.room.link.bus is not None and fresh:
            self.room.link.bus.subscribe(fresh)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until *stop* is set; a fault in any part ends them all.

        Raises :class:`FleetBusError` when it would serve other machines without TLS.
        """
        _refuse_plain_text(self.settings)
        room, address = self.room, self.connections.operator
        filters = [*room.link.filters]
        room.link.bus = Bus(
            address=replace(address, username=room.link.client),
            client_id=_client_id(room.link.client, address),
            will=None,
            filters=filters,
            on_message=room.link.on_message,
            on_connected=self._on_connected,
            on_lost=lambda _silent_s: room.mirror.connected(bus=False),
            profile=self.settings.profile,
        )
        await room.watch.open()
        server = _Server(self._config())
        async with asyncio.TaskGroup() as tasks:
            parts = [
                tasks.create_task(room.link.bus.run(), name="bus"),
                tasks.create_task(room.link.ping(), name="ping"),
                tasks.create_task(room.hub.run(), name="hub"),
                tasks.create_task(room.watch.run(), name="watch"),
                tasks.create_task(room.reports.run(), name="reports"),
                tasks.create_task(self._speak_for_agents(), name="gateway"),
            ]
            serving = tasks.create_task(self._serve(server, stop), name="http")
            await serving
            room.agents.say_goodbye()
            await asyncio.sleep(0)
            for bus in (room.agents.bus, room.link.bus):
                if bus is not None:
                    with contextlib.suppress(TimeoutError):
                        await bus.disconnect()
            for part in parts:
                part.cancel()
        await room.watch.close()
        room.reader.close()

    def _on_connected(self) -> None:
        self.room.mirror.connected(bus=True)
        if self._inboxes and self.room.link.bus is not None:
            self.room.link.bus.subscribe(self._inboxes)

    async def _serve(self, server: uvicorn.Server, stop: asyncio.Event) -> None:
        with _listening(self.settings.host, self.settings.http_port) as sock:
            host, port = sock.getsockname()[:2]
            scheme = "https" if self.settings.serves_tls else "http"
            shown = f"[{host}]" if ":" in host else host
            log.info("the control room is on %s://%s:%s", scheme, shown, port)
            serving = asyncio.create_task(server.serve(sockets=[sock]), name="uvicorn")
            stopping = asyncio.create_task(stop.wait(), name="stop")
            await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            self.room.hub.stop()
            server.should_exit = True
            await serving
            stop.set()

    async def _speak_for_agents(self) -> None:
        """Connect as a coordinator's hand, once there is an agent to speak for."""
        agents, address = self.room.agents, self.connections.gateway
        if address is None:
            return
        agents.bus = Bus(
            address=address,
            client_id=f"coordinator-web-{os.urandom(6).hex()}",
            will=None,
            filters=(),
            on_message=lambda _topic, _payload, _retained: None,
            on_connected=agents.on_connected,
            on_lost=lambda _silent_s: None,
            profile=self.settings.profile,
        )
        await agents.wanted.wait()
        await agents.bus.run()

    def _config(self) -> uvicorn.Config:
        settings = self.settings
        rules = Rules.of(settings.host, settings.http_hosts)
        options: dict[str, Any] = {
            "lifespan": "off",
            "server_header": False,
            "proxy_headers": False,
            "access_log": False,
            "log_config": None,
            "ws": "none",
            "h11_max_incomplete_event_size": HEADER_BYTES,
            "timeout_keep_alive": KEEP_ALIVE_S,
            "timeout_graceful_shutdown": STOP_WITHIN_S,
            "limit_concurrency": 1_000,
        }
        if settings.serves_tls:
            options["ssl_certfile"] = settings.certs / "server.pem"
            options["ssl_keyfile"] = settings.certs / "server.key"
        return uvicorn.Config(make_app(self.room, rules), **options)


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns off what holds small answers back only where the socket says that it is TCP.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(WAITING)  # before anybody is told of it
        yield sock
    except OSError as error:
        raise FleetBusError(
            f"--http-port {port}: cannot listen on {host}: {error.strerror or error}"
        ) from None
    finally:
        sock.close()


def _refuse_plain_text(settings: CoordinatorSettings) -> None:
    """Tokens go over the wire with every request: to other machines only under TLS."""
    if settings.serves_others and not settings.serves_tls and not settings.insecure_network:
        raise FleetBusError(
            f"--host {settings.host}: the control room serves other machines only under TLS; make "
            "certificates with `fleetbus certs`, put a proxy with TLS in front of --host 127.0.0.1 "
            "(and name it with --http-host), or say --insecure-network"
        )


def _client_name(settings: CoordinatorSettings, address: BrokerAddress) -> str:
    """Name the control room on the bus, the same at every start, so that answers are remembered."""
    if address.username is not None:
        return address.username
    place = f"{socket.gethostname()}:{settings.data.absolute()}"
    return f"web-{hashlib.sha256(place.encode()).hexdigest()[:8]}"


def _client_id(name: str, address: BrokerAddress) -> str:
    # Whoever has a password may be connected several times; an unknown name is its client id.
    return f"{name}-{secrets.token_hex(6)}" if address.password else name


def run(settings: CoordinatorSettings, connections: Connections) -> int:
    """Run a control room as this process; return its exit status."""
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for chatty in ("uvicorn", "alembic"):  # they greet at every start
        logging.getLogger(chatty).setLevel(logging.WARNING)
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415 -- not on every platform

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_until_signalled(settings, connections))
    return asyncio.run(_until_signalled(settings, connections))


async def _until_signalled(settings: CoordinatorSettings, connections: Connections) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, stop.set)
    status = 0
    try:
        await ControlRoom(settings, connections).run(stop)
    except* FleetBusError as group:
        for error in group.exceptions:
            log.error("%s", error)  # noqa: TRY400 -- the message says it all
        status = 1
    return status
