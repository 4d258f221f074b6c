"""A blocking MQTT client for tests: every answer is waited for, with a deadline."""

import contextlib
import queue
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from tests.support.brokers import BrokerAddress

ANSWERS_WITHIN_S: Final = 30.0
NOT_AUTHORIZED: Final = "Not authorized"
ACCEPTED: Final = "Success"
REFUSED_FILTER: Final = 0x80


@dataclass(frozen=True)
class Received:
    """A message as it arrived."""

    topic: str
    payload: bytes
    retain: bool


class TestClient:
    """One connection; see :func:`connected`."""

    __test__ = False

    def __init__(
        self,
        client_id: str = "",
        *,
        username: str | None = None,
        password: str | None = None,
        will: tuple[str, bytes] | None = None,
        transport: Literal["tcp", "websockets"] = "tcp",
        keepalive: int = 60,
        clean: bool = True,
    ) -> None:
        self._connack: queue.Queue[str] = queue.Queue()
        self._suback: queue.Queue[list[int]] = queue.Queue()
        self._messages: queue.Queue[Received] = queue.Queue()
        self.disconnected = threading.Event()
        self._keepalive = keepalive
        self._paho = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=clean,
            transport=transport,
            reconnect_on_failure=False,
        )
        self._paho.username_pw_set(username, password)
        if will is not None:
            self._paho.will_set(will[0], will[1], qos=1, retain=True)
        self._paho.on_connect = self._on_connect
        self._paho.on_subscribe = self._on_subscribe
        self._paho.on_message = self._on_message
        self._paho.on_disconnect = self._on_disconnect

    def connect(self, broker: BrokerAddress) -> str:
        """Connect and return what the broker answered."""
        websocket = self._paho.transport == "websockets"
        port = broker.ws_port if websocket else broker.port
        if port is None:
            raise ValueError("this broker has no WebSocket listener")
        self._paho.connect(broker.host, port, keepalive=self._keepalive)
        self._paho.loop_start()
        return self._connack.get(timeout=ANSWERS_WITHIN_S)

    def subscribe(self, pattern: str, qos: int = 1) -> int:
        """Subscribe and return the broker's code, 128 for a refusal."""
        self._paho.subscribe(pattern, qos)
        return self._suback.get(timeout=ANSWERS_WITHIN_S)[0]

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish at QoS 1 and wait for the acknowledgement, which need not mean routed."""
        sent = self._paho.publish(topic, payload, qos=1, retain=retain)
        sent.wait_for_publish(ANSWERS_WITHIN_S)
        if not sent.is_published():
            raise TimeoutError(f"no acknowledgement for a message to {topic!r}")

    def receive(self, within_s: float = ANSWERS_WITHIN_S) -> Received:
        """Return the next message."""
        try:
            return self._messages.get(timeout=within_s)
        except queue.Empty:
            raise TimeoutError(f"no message within {within_s} s") from None

    def receive_until(self, last: bytes) -> list[Received]:
        """Return the messages before the one whose payload is *last*: there were no others."""
        messages = []
        while (message := self.receive()).payload != last:
            messages.append(message)
        return messages

    def vanish(self) -> None:
        """Close the connection without a word, so that a will is sent."""
        link = self._paho.socket()
        if isinstance(link, socket.socket):
            link.shutdown(socket.SHUT_RDWR)
        self._paho.loop_stop()

    def close(self) -> None:
        """Say goodbye, so that no will is sent."""
        self._paho.disconnect()
        self._paho.loop_stop()

    def _on_connect(
        self, _c: paho.Client, _u: Any, _f: Any, code: ReasonCode, _p: Properties | None
    ) -> None:
        self._connack.put(code.getName())

    def _on_subscribe(
        self, _c: paho.Client, _u: Any, _m: int, codes: list[ReasonCode], _p: Properties | None
    ) -> None:
        self._suback.put([code.value for code in codes])

    def _on_message(self, _c: paho.Client, _u: Any, message: paho.MQTTMessage) -> None:
        self._messages.put(Received(message.topic, bytes(message.payload), message.retain))

    def _on_disconnect(
        self, _c: paho.Client, _u: Any, _f: Any, _r: ReasonCode, _p: Properties | None
    ) -> None:
        self.disconnected.set()


@contextlib.contextmanager
def connected(
    broker: BrokerAddress,
    name: str | None = None,
    *,
    will: tuple[str, bytes] | None = None,
    transport: Literal["tcp", "websockets"] = "tcp",
) -> Iterator[TestClient]:
    """Connect as agent, operator or coordinator *name*, or as an observer without one."""
    coordinator = name is not None and name.startswith("coordinator")
    client = TestClient(
        name or "",
        username=name,
        password=broker.coordinator_password if coordinator else None,
        will=will,
        transport=transport,
    )
    try:
        answer = client.connect(broker)
        if answer != ACCEPTED:
            raise ConnectionRefusedError(f"{name or 'an observer'}: {answer}")
        yield client
    finally:
        client.close()
