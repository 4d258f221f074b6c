"""The coordinator's connection to the broker: paho, driven by the event loop.

Everything runs in the loop's thread; nothing is called from another. A lost connection is made
again with jitter, at the next server of the broker if it has several. Whoever listens is told that
it was lost and for how long, because the broker may have forgotten everything and nobody else is
to blame for the silence.
"""

import asyncio
import logging
import random
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from coordinator.address import BrokerAddress
from protocol.broker_profiles import BROKER_PROFILES, DEFAULT_PROFILE, BrokerProfile
from protocol.errors import FleetBusError

log = logging.getLogger("fleetbus.bus")

KEEPALIVE_S: Final = 20
CONNECT_TIMEOUT_S: Final = 15.0
RECONNECT_MIN_S: Final = 0.2
RECONNECT_MAX_S: Final = 10.0
UNLIMITED: Final = 0
"""Of messages in flight: with a limit, paho walks all of them at every acknowledgement."""
PACKETS_PER_WAKE: Final = 200


class BusRefused(FleetBusError):
    """The broker does not let the coordinator in; trying again would not help."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says for the coordinator when its connection is lost."""

    topic: str
    payload: bytes


@dataclass(slots=True)
class Bus:
    """One connection to the broker, kept alive until :meth:`run` is cancelled."""

    address: BrokerAddress
    client_id: str
    will: Will | None
    """None for whoever the fleet does not miss."""
    filters: Sequence[str]
    on_message: Callable[[str, bytes, bool], None]
    """Called with topic, payload and the retain flag, in the order of arrival."""
    on_connected: Callable[[], None]
    on_lost: Callable[[], None]
    profile: BrokerProfile = BROKER_PROFILES[DEFAULT_PROFILE]
    _turn: int = 0
    """Which server is tried; the next one after each failure and each loss."""
    _client: Client | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _lost: asyncio.Event = field(default_factory=asyncio.Event)
    _connected: "asyncio.Future[None] | None" = None

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection that was accepted and not lost yet."""
        return self._client is not None and self._client.is_connected()

    @property
    def server(self) -> BrokerAddress:
        """The one server whose turn it is."""
        servers = self.address.servers
        return self.address.at(servers[self._turn % len(servers)])

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> None:
        """Say *payload* if there is a connection; what is retained is said again after the next."""
        if self._client is not None and self._client.is_connected():
            self._client.publish(topic, payload, qos=qos, retain=retain)

    def subscribe(self, filters: Sequence[str]) -> None:
        """Listen to *filters* as well, until the connection is lost."""
        if self._client is not None:
            self._client.subscribe([(pattern, self.profile.subscribe_qos) for pattern in filters])

    def unsubscribe(self, filters: Sequence[str]) -> None:
        """Listen to *filters* no longer."""
        if self._client is not None and self._client.is_connected():
            self._client.unsubscribe(list(filters))

    async def run(self) -> None:
        """Connect, and connect again whenever the connection is lost.

        Raises :class:`BusRefused` when the broker refuses the coordinator's name or password.
        """
        self._loop = asyncio.get_running_loop()
        delay = RECONNECT_MIN_S
        while True:
            try:
                await self._connect()
            except (OSError, TimeoutError, ConnectionError) as error:
                log.warning("cannot reach the broker at %s: %s", self.server, error)
            else:
                delay = RECONNECT_MIN_S
                self.on_connected()
                await self._keep()
                self.on_lost()
                log.warning("the connection to the broker at %s was lost", self.server)
            self._drop()
            self._turn += 1
            await asyncio.sleep(random.uniform(delay / 2, delay))
            delay = min(delay * 2, RECONNECT_MAX_S)

    async def disconnect(self) -> None:
        """Say goodbye, so that the will is not sent."""
        if self._client is not None and self._client.is_connected():
            self._client.disconnect()
            await asyncio.sleep(0)
        self._drop()

    async def _connect(self) -> None:
        loop, server = asyncio.get_running_loop(), self.server
        self._lost = asyncio.Event()
        self._connected = loop.create_future()
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self.client_id,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        if self.address.username is not None:
            client.username_pw_set(self.address.username, self.address.password)
        if self.address.tls:  # read anew each time: certificates are renewed
            client.tls_set_context(self.address.tls_context())
        client.max_inflight_messages_set(UNLIMITED)
        if self.will is not None:
            client.will_set(self.will.topic, self.will.payload, qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        self._client = client
        # Resolving and connecting block; they touch nothing that the loop's thread looks at yet.
        await asyncio.wait_for(
            loop.run_in_executor(
                None, lambda: client.connect(server.host, server.port, KEEPALIVE_S)
            ),
            CONNECT_TIMEOUT_S,
        )
        sock = client.socket()
        if not isinstance(sock, socket.socket):
            raise ConnectionError("the connection was closed at once")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop.add_reader(sock.fileno(), self._readable, client)
        client.on_socket_register_write = self._want_write
        client.on_socket_unregister_write = self._no_write
        client.on_socket_close = self._socket_closed
        if client.want_write():
            loop.add_writer(sock.fileno(), client.loop_write)
        await asyncio.wait_for(self._connected, self.profile.answers_within_s)

    async def _keep(self) -> None:
        while not self._lost.is_set():
            try:
                # Not `wait_for`: in Python 3.11 it swallows a cancellation that meets a result.
                async with asyncio.timeout(1.0):
                    await self._lost.wait()
            except TimeoutError:
                if (
                    self._client is None
                    or self._client.loop_misc() != MQTTErrorCode.MQTT_ERR_SUCCESS
                ):
                    return

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        sock = client.socket()
        if sock is not None:
            self._socket_closed(client, None, sock)
            sock.close()

    # --- paho's callbacks, all in the loop's thread

    def _readable(self, client: Client) -> None:
        for _ in range(PACKETS_PER_WAKE):
            if client.socket() is None or client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                break
            if not _has_more(client):
                break

    def _on_connect(
        self,
        client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        waiter = self._connected
        if waiter is None or waiter.done():
            return
        if reason.is_failure:
            waiter.set_exception(
                BusRefused(f"the broker at {self.server} refuses {self.client_id}: {reason}")
            )
            return
        client.subscribe([(pattern, self.profile.subscribe_qos) for pattern in self.filters])
        waiter.set_result(None)

    def _on_disconnect(self, *_details: object) -> None:
        self._lost.set()
        if self._connected is not None and not self._connected.done():
            self._connected.set_exception(ConnectionError("the broker closed the connection"))

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        try:
            self.on_message(message.topic, bytes(message.payload), message.retain)
        except Exception:  # a fault of ours with one message must not end the connection
            log.exception("a message on %r could not be taken in", message.topic[:200])

    def _want_write(self, client: Client, _userdata: object, sock: Any) -> None:  # noqa: ANN401
        if self._loop is not None:
            self._loop.add_writer(sock.fileno(), client.loop_write)

    def _no_write(self, _client: Client, _userdata: object, sock: Any) -> None:  # noqa: ANN401
        if self._loop is not None and sock.fileno() >= 0:
            self._loop.remove_writer(sock.fileno())

    def _socket_closed(self, _client: Client, _userdata: object, sock: Any) -> None:  # noqa: ANN401
        if self._loop is not None and sock.fileno() >= 0:
            self._loop.remove_reader(sock.fileno())
            self._loop.remove_writer(sock.fileno())


def _has_more(client: Client) -> bool:
    """Say whether more bytes can be read at once; paho reads one packet at a time."""
    sock = client.socket()
    if isinstance(sock, ssl.SSLSocket):
        return sock.pending() > 0
    if not isinstance(sock, socket.socket):
        return False
    try:
        return bool(sock.recv(1, socket.MSG_PEEK))
    except OSError:  # nothing there at present, or closed: the loop will tell
        return False
