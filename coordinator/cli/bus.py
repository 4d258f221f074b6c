"""The command line's connection to the bus: ask, read what is retained, watch.

There is no thread: the connection is served while somebody waits on it, so nothing happens behind
the caller's back and every wait has an end. Without a name of its own it is an observer; to ask
for something it is an operator, whose username is its client id.
"""

import contextlib
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Final, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from coordinator.address import BrokerAddress
from coordinator.cli import unreachable
from protocol import codec
from protocol.errors import FleetBusError, WireError
from protocol.messages import CoordinatorPresence, Reply, Submit, TaskSpec
from protocol.topics import CoordinatorChannel, Topics
from protocol.vocabulary import CoordinatorState, SubmitOp

CONNECT_S: Final = 5.0
REPLY_S: Final = 10.0
RESEND_S: Final = 2.0
SNAPSHOT_S: Final = 5.0
QUIET_S: Final = 0.05
"""How long nothing may come after the marker: a broker may serve two subscriptions side by side."""
NO_MARKER_QUIET_S: Final = 0.5
KEEPALIVE_S: Final = 20


class BusError(FleetBusError):
    """The bus cannot be used; the message is for the person at the terminal."""


class BrokerUnreachable(BusError):
    """Nothing answers where the broker should be."""

    def __init__(self, address: BrokerAddress, why: str) -> None:
        super().__init__(
            f"no broker answers at {address} ({why}); start one with `fleetbus up`, "
            "or name another with --broker"
        )


class BrokerRefused(BusError):
    """The broker answers, and will not have us or what we ask."""

    def __init__(self, address: BrokerAddress, what: str) -> None:
        super().__init__(f"the broker at {address} refused {what}")


class CoordinatorSilent(BusError):
    """The broker works, but nobody answers requests."""


class Bus:
    """One connection to the broker; a context manager, owned by whoever opened it."""

    def __init__(self, address: BrokerAddress, root: str, *, operator: bool = False) -> None:
        self.address = address
        self.topics = Topics(root)
        suffix = secrets.token_hex(6)
        # With a password the identity is the username, and the client id must only be unique.
        self.name = address.username or f"cli-{suffix}"
        client_id = f"{self.name}-{suffix}" if address.password else self.name
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv311
        )
        self._client.connect_timeout = CONNECT_S
        if address.username or operator:
            self._client.username_pw_set(self.name, address.password)
        self._connected: ReasonCode | None = None
        self._granted: dict[int, list[ReasonCode]] = {}
        self._listeners: list[Callable[[str, bytes], None]] = []
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.on_socket_open = no_delay

    def __enter__(self) -> Self:
        if self.address.tls:
            self._client.tls_set_context(self.address.tls_context())
        reasons = []
        for server in self.address.servers:
            try:
                self._client.connect(server.host, server.port, KEEPALIVE_S)
                self.wait_for(lambda: self._connected is not None, CONNECT_S)
            except OSError as error:
                reasons.append(unreachable.reason(error))
            except BrokerUnreachable:
                reasons.append(unreachable.hung_up(tls=self.address.tls))
            if self._connected is not None:
                break
        if self._connected is None:
            silent = "it accepts connections but says nothing"
            raise BrokerUnreachable(self.address, ", ".join(reasons) or silent)
        if self._connected.is_failure:
            raise BrokerRefused(self.address, f"{self.name!r}: {str(self._connected).lower()}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()

    def request(
        self,
        op: SubmitOp,
        *,
        task: str | None = None,
        spec: TaskSpec | None = None,
        timeout: float = REPLY_S,
        **more: Any,  # noqa: ANN401 -- the other fields of Submit
    ) -> Reply:
        """Ask the coordinator and return its answer; repeated as it is, because it counts once."""
        submit = Submit(request_id=secrets.token_hex(16), op=op, task=task, spec=spec, **more)
        payload = codec.encode(submit)
        replies: list[Reply] = []

        def listen(topic: str, said: bytes) -> None:
            with contextlib.suppress(WireError):
                if topic == self.topics.replies(self.name):
                    replies.append(codec.decode(Reply, said))

        def answer() -> Reply | None:
            return next((r for r in replies if r.request_id == submit.request_id), None)

        with self._listening(listen):
            self.subscribe([self.topics.replies(self.name)], qos=1)
            end = time.monotonic() + timeout
            while (left := end - time.monotonic()) > 0:
                self._client.publish(self.topics.submit(self.name), payload, qos=1)
                if self.wait_for(lambda: answer() is not None, min(RESEND_S, left)):
                    break
        if (reply := answer()) is None:
            raise CoordinatorSilent(self._why_silent(timeout))
        return reply

    def snapshot(self, filters: Iterable[str]) -> dict[str, bytes]:
        """Read what is retained under *filters* right now.

        Retained messages come in the order of the subscriptions, so the coordinator's presence,
        asked for last, marks the end; where there is none, silence does.
        """
        marker = self.topics.coordinator(CoordinatorChannel.PRESENCE)
        found: dict[str, bytes] = {}
        heard = [time.monotonic()]
        marked: list[bool] = []

        def listen(topic: str, payload: bytes) -> None:
            heard[0] = time.monotonic()
            found[topic] = payload
            if topic == marker:
                marked.append(True)

        def settled() -> bool:
            quiet = QUIET_S if marked else NO_MARKER_QUIET_S
            return time.monotonic() - heard[0] > quiet

        with self._listening(listen):
            # QoS 0: brokers cap what is in flight at QoS 1, and lose retained messages to it.
            others = [pattern for pattern in filters if pattern != marker]
            for patterns in (others, [marker]):
                if patterns:
                    self.subscribe(patterns, qos=0)
            heard[0] = time.monotonic()
            self.wait_for(settled, SNAPSHOT_S)
        return {topic: payload for topic, payload in found.items() if payload}

    def subscribe(self, filters: Iterable[str], *, qos: int) -> None:
        """Subscribe and wait until the broker has granted every filter."""
        wanted = [(pattern, qos) for pattern in filters]
        _, mid = self._client.subscribe(wanted)
        if mid is None or not self.wait_for(lambda: mid in self._granted, CONNECT_S):
            raise BrokerUnreachable(self.address, "it did not answer a subscription")
        for (pattern, _), code in zip(wanted, self._granted.pop(mid), strict=True):
            if code.is_failure:
                raise BrokerRefused(self.address, f"{self.name!r} a subscription to {pattern}")

    def listen(self, listener: Callable[[str, bytes], None]) -> None:
        """Hand every message from now on to *listener* as well."""
        self._listeners.append(listener)

    def serve(self, seconds: float) -> None:
        """Serve the connection for *seconds*."""
        self.wait_for(lambda: False, seconds)

    @contextlib.contextmanager
    def _listening(self, listener: Callable[[str, bytes], None]) -> Iterator[None]:
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def wait_for(self, done: Callable[[], bool], seconds: float) -> bool:
        """Serve the connection until *done*, for at most *seconds*; say whether it was.

        Raises :class:`BrokerUnreachable` when the connection breaks.
        """
        end = time.monotonic() + seconds
        while not done():
            left = end - time.monotonic()
            if left <= 0:
                return False
            # Short turns, because `done` may depend on time alone.
            code = self._client.loop(min(left, QUIET_S))
            if code is not MQTTErrorCode.MQTT_ERR_SUCCESS and not done():
                raise BrokerUnreachable(self.address, "the connection broke")
        return True

    def _why_silent(self, waited: float) -> str:
        said = self.snapshot([]).get(self.topics.coordinator(CoordinatorChannel.PRESENCE))
        start = "start it with `fleetbus up` or `fleetbus coordinator`"
        if said is None:
            return f"no coordinator is on {self.address} under {self.topics.root!r}; {start}"
        try:
            presence = codec.decode(CoordinatorPresence, said)
        except WireError as error:
            return f"the coordinator on {self.address} says something unreadable: {error}"
        if presence.state is CoordinatorState.OFFLINE:
            return f"the coordinator on {self.address} is offline; {start}"
        return (
            f"the coordinator on {self.address} is {presence.state.value} "
            f"but did not answer within {waited:g} s"
        )

    def _on_connect(
        self, _client: paho.Client, _data: object, _flags: object, code: ReasonCode, _props: object
    ) -> None:
        self._connected = code

    def _on_subscribe(
        self, _client: paho.Client, _data: object, mid: int, codes: list[ReasonCode], _props: object
    ) -> None:
        self._granted[mid] = codes

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        with contextlib.suppress(UnicodeDecodeError):  # no topic of ours
            for listener in self._listeners:
                listener(message.topic, bytes(message.payload))


def no_delay(_client: paho.Client, _data: object, link: object) -> None:
    """Let the system send small packets at once, instead of gathering them for 40 ms."""
    if isinstance(link, socket.socket):
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
