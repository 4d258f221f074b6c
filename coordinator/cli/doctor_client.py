"""The doctor's own clients of a broker: each does one thing to it, and notes what comes of it.

A client can be cut off without a word, or stand still with its connection open, which is how
wills and queues show themselves. Nothing runs on a thread: a client that nobody serves is silent.
"""

import contextlib
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from typing import Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from coordinator.address import BrokerAddress
from coordinator.cli import unreachable
from coordinator.cli.bus import CONNECT_S, no_delay

TURN_S: Final = 0.02
REFUSED: Final = 0x80


class Unreachable(ConnectionError):
    """The broker cannot be reached, or does not answer."""


class ProbeClient:
    """One connection; ``refusal`` says why there is none."""

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str | None = None,
        *,
        will: tuple[str, bytes] | None = None,
        keepalive_s: int = 60,
        version: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv311,
    ) -> None:
        self.heard: list[tuple[str, bytes, bool]] = []
        self.refusal: str | None = None
        self.connect_s = 0.0
        self._answers: list[ReasonCode] = []
        self._granted: list[ReasonCode] = []
        self._acknowledged = 0
        clean = None if version is MQTTProtocolVersion.MQTTv5 else True
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id or f"coordinator-doctor-{secrets.token_hex(6)}",
            clean_session=clean,
            protocol=version,
            reconnect_on_failure=False,
        )
        self._client.max_inflight_messages_set(1000)
        if address.username is not None:
            self._client.username_pw_set(address.username, address.password)
        if address.tls:
            self._client.tls_set_context(address.tls_context())
        if will is not None:
            self._client.will_set(will[0], will[1], qos=1)
        self._client.on_connect = lambda *given: self._answers.append(given[3])
        self._client.on_subscribe = lambda *given: self._granted.extend(given[3])
        self._client.on_publish = self._on_publish
        self._client.on_message = lambda _c, _u, said: self.heard.append(
            (said.topic, bytes(said.payload), said.retain)
        )
        self._client.on_socket_open = no_delay
        began = time.monotonic()
        try:
            self._client.connect_timeout = CONNECT_S
            self._client.connect(address.host, address.port, keepalive_s)
            self.wait(lambda: bool(self._answers), 3 * CONNECT_S)
        except OSError as error:
            raise Unreachable(unreachable.reason(error)) from None
        self.connect_s = time.monotonic() - began
        if not self._answers:
            self.refusal = unreachable.hung_up(tls=address.tls)
        elif self._answers[0].is_failure:
            self.refusal = str(self._answers[0]).lower()

    def subscribe(self, pattern: str, qos: int = 1) -> bool:
        """Subscribe and say whether that was granted."""
        before = len(self._granted)
        self._client.subscribe(pattern, qos)
        self.wait(lambda: len(self._granted) > before, CONNECT_S)
        return len(self._granted) > before and self._granted[before].value < REFUSED

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """Publish and, at QoS 1, say whether it was acknowledged."""
        return self.publish_all([(topic, payload)], qos=qos, retain=retain)

    def publish_all(
        self, messages: list[tuple[str, bytes]], *, qos: int = 1, retain: bool = False
    ) -> bool:
        """Publish *messages* as fast as the broker takes them; say whether it took them all."""
        expected = self._acknowledged + len(messages)
        for topic, payload in messages:
            self._client.publish(topic, payload, qos=qos, retain=retain)
        return self.wait(lambda: self._acknowledged >= expected, 4 * CONNECT_S)

    def wait(self, done: Callable[[], bool], seconds: float) -> bool:
        """Serve the connection until *done*, for at most *seconds*; say whether it was."""
        end = time.monotonic() + seconds
        while not done():
            if time.monotonic() > end:
                return False
            if self._client.loop(TURN_S) is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                return done()
        return True

    def quiet(self, seconds: float, at_most: float) -> None:
        """Serve the connection until nothing has come for *seconds*."""
        end, count = time.monotonic() + at_most, -1
        while count != len(self.heard) and time.monotonic() < end:
            count = len(self.heard)
            self.wait(lambda: False, seconds)

    def vanish(self) -> None:
        """Cut the connection without a word."""
        link = self._client.socket()
        if isinstance(link, socket.socket):
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Say goodbye."""
        self._client.disconnect()

    def _on_publish(self, *_details: object) -> None:
        self._acknowledged += 1


@contextlib.contextmanager
def client(address: BrokerAddress) -> Iterator[ProbeClient]:
    """Open a connection for the length of a probe."""
    opened = ProbeClient(address)
    if opened.refusal is not None:
        raise Unreachable(f"it refuses {address.username or 'a nameless client'}: {opened.refusal}")
    try:
        yield opened
    finally:
        opened.close()
