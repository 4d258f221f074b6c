"""One connection to the broker, with paho doing the packets and nothing else.

Only the loop's thread ever calls in here, paho never gets a thread or a retry of its own, and a
new connection is a new object: nothing of an old one (its will, its unacknowledged messages) can
leak into it. Callbacks only take notes; whatever they raise is caught by paho and logged.
"""

import contextlib
import logging
import select
import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from agent_client.paho import (
    MQTT_ERR_SUCCESS,
    CallbackAPIVersion,
    Client,
    ConnectFlags,
    DisconnectFlags,
    MQTTMessage,
    MQTTv311,
    Properties,
    ReasonCode,
)
from agent_client.settings import AgentSettings, BrokerAddress

log = logging.getLogger("fleetbus.agent")


def _is_news(record: logging.LogRecord) -> bool:
    """Keep paho from calling a broken connection an error; that is normal, and told by us."""
    return record.levelno < logging.WARNING or "exception" in str(record.msg)


_paho_log = logging.getLogger("fleetbus.agent.paho")
_paho_log.addFilter(_is_news)

CONNECT_TIMEOUT_S: Final = 5.0
GOODBYE_S: Final = 0.5
MAX_IN_FLIGHT: Final = 200
MAX_QUEUED: Final = 5_000
PACKETS_PER_WAKE_UP: Final = 200
_BAD_CREDENTIALS: Final = frozenset({"Bad user name or password", "Not authorized"})


class Stage(Enum):
    """How far a connection is."""

    CONNECTING = auto()
    SUBSCRIBING = auto()
    READY = auto()
    CLOSED = auto()


@dataclass(frozen=True, slots=True)
class Received:
    """One message from the broker."""

    topic: str
    payload: bytes


class Connection:
    """One CONNECT and what follows from it."""

    def __init__(
        self,
        settings: AgentSettings,
        server: BrokerAddress,
        *,
        will: tuple[str, bytes],
        topics: Sequence[str],
    ) -> None:
        self.stage = Stage.CONNECTING
        self.received: deque[Received] = deque()
        self.why_closed = ""
        self.credentials_refused = False
        self.refused_topic: str | None = None
        self._settings = settings
        self._server = server
        self._topics = list(topics)
        self._subscribe_mid: int | None = None
        self._refusal: str | None = None
        self._has_more: Callable[[], bool] = lambda: False
        self._unacknowledged: deque[tuple[int, int]] = deque()
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id or settings.name,
            clean_session=True,
            protocol=MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self._client.suppress_exceptions = True
        self._client.enable_logger(_paho_log)
        self._client.connect_timeout = CONNECT_TIMEOUT_S
        self._client.max_inflight_messages_set(MAX_IN_FLIGHT)
        self._client.max_queued_messages_set(MAX_QUEUED)
        self._client.username_pw_set(settings.username, server.password)
        self._client.will_set(will[0], will[1], qos=1, retain=True)
        self._client.on_socket_open = self._on_socket_open
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.on_disconnect = self._on_disconnect

    def open(self) -> None:
        """Connect and send CONNECT; the rest follows in :meth:`read`. Failures close."""
        server = self._server
        try:
            if server.tls:  # read anew each time: certificates are renewed
                self._client.tls_set_context(server.tls_context())
            self._client.connect(server.host, server.port, keepalive=self._settings.keepalive_s)
        except (OSError, ValueError) as error:
            self._closed(f"{type(error).__name__}: {error}")

    @property
    def socket(self) -> socket.socket | None:
        """The socket to wait for; None when there is none any more."""
        sock: Any = self._client.socket()
        return sock if self.stage is not Stage.CLOSED else None

    def wants_write(self) -> bool:
        """Say whether something waits for the socket to take it."""
        return self._client.want_write()

    def read(self) -> None:
        """Take in everything that is there already, within reason."""
        for _ in range(PACKETS_PER_WAKE_UP):
            if self.stage is Stage.CLOSED or self._client.loop_read() != MQTT_ERR_SUCCESS:
                break
            if self._refusal is not None or not self._has_more():
                break
        self._notice_loss()

    def acknowledge(self) -> None:
        """Tell the broker that everything received so far has been dealt with."""
        while self._unacknowledged and self.stage is not Stage.CLOSED:
            self._client.ack(*self._unacknowledged.popleft())
            self._notice_loss()

    def write(self) -> None:
        """Send what the socket takes."""
        self._client.loop_write()
        self._notice_loss()

    def misc(self) -> None:
        """Keep the connection alive, or find out that it is not."""
        self._client.loop_misc()
        self._notice_loss()

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> None:
        """Say something. Whether it arrives is found out by what the coordinator answers."""
        if self.stage is not Stage.CLOSED:
            self._client.publish(topic, payload, qos=qos, retain=retain)
            self._notice_loss()

    def close(self, why: str, *, gracefully: bool) -> None:
        """End the connection; not gracefully means that the broker publishes the will."""
        if self.stage is Stage.CLOSED:
            return
        sock: Any = self.socket
        if gracefully and sock is not None:
            _say_goodbye(self._client, sock)
        self._closed(why)

    def _closed(self, why: str) -> None:
        if self.stage is not Stage.CLOSED:
            self.stage, self.why_closed = Stage.CLOSED, why
        sock: Any = self._client.socket()
        if sock is not None:
            sock.close()

    def _notice_loss(self) -> None:
        if self._refusal is not None:
            self._closed(self._refusal)
        elif self.stage is not Stage.CLOSED and self._client.socket() is None:
            self._closed("the connection broke")

    # --- callbacks: they take notes

    def _on_socket_open(self, _client: Client, _userdata: object, sock: Any) -> None:  # noqa: ANN401 - paho's
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._has_more = _look_into(sock)

    def _on_connect(
        self,
        client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self.credentials_refused = reason.getName() in _BAD_CREDENTIALS
            self._refusal = f"the broker refused: {reason.getName()}"
            return
        self.stage = Stage.SUBSCRIBING
        qos = self._settings.profile.subscribe_qos
        _, self._subscribe_mid = client.subscribe([(topic, qos) for topic in self._topics])

    def _on_subscribe(
        self,
        _client: Client,
        _userdata: object,
        mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        if mid != self._subscribe_mid or self.stage is not Stage.SUBSCRIBING:
            return
        for topic, reason in zip(self._topics, reasons, strict=False):
            if reason.is_failure:
                self.refused_topic = topic
                self._refusal = f"the broker refused the subscription to {topic}"
                return
        self.stage = Stage.READY

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self.received.append(Received(message.topic, bytes(message.payload)))
        if message.qos:
            self._unacknowledged.append((message.mid, message.qos))

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if self.stage is not Stage.CLOSED:
            self.stage = Stage.CLOSED
            self.why_closed = self._refusal or self.why_closed or str(reason.getName())


def _say_goodbye(client: Client, sock: socket.socket) -> None:
    """Send the rest and DISCONNECT, and wait for the broker to hang up.

    A socket that is closed with unread bytes in it is reset, and what the broker has not read
    yet, our goodbye for instance, may be lost with that: it would send our will. paho closes its
    socket right after DISCONNECT, so a second descriptor keeps the connection open.
    """
    with contextlib.suppress(OSError), socket.fromfd(sock.fileno(), sock.family, sock.type) as kept:
        sock.settimeout(GOODBYE_S)
        client.disconnect()
        while client.want_write() and client.loop_write() == MQTT_ERR_SUCCESS:
            pass
        kept.settimeout(GOODBYE_S)
        kept.shutdown(socket.SHUT_WR)
        while kept.recv(65_536):
            pass


def _look_into(sock: Any) -> Callable[[], bool]:  # noqa: ANN401 - paho's
    """Make what says, without waiting, whether *sock* has something to read."""
    decrypted = getattr(sock, "pending", lambda: 0)  # of TLS, which holds bytes back
    if not hasattr(select, "poll"):
        return lambda: bool(decrypted() or select.select([sock], [], [], 0)[0])
    poll = select.poll()  # select() cannot watch a descriptor above 1023
    poll.register(sock, select.POLLIN)
    return lambda: bool(decrypted() or poll.poll(0))
