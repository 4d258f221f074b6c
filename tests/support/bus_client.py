"""A client of the bus for tests of whole fleets: it notes everything and waits with a deadline.

It knows the topics and JSON only, not the project's models: it sees what anybody would see.
"""

import itertools
import json
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

WITHIN_S: Final = 60.0
_LAST_SHOWN: Final = 12

T = TypeVar("T")


@dataclass(frozen=True)
class Where:
    """A broker as the parts of one fleet reach it; topics are below ``root``."""

    host: str
    port: int
    root: str
    coordinator_password: str = ""
    profile: str = "embedded"
    more_ports: tuple[int, ...] = ()
    """Of further servers on the same host, for the coordinator and the agents."""

    @property
    def servers(self) -> str:
        return ",".join(f"{self.host}:{port}" for port in (self.port, *self.more_ports))

    @property
    def base(self) -> str:
        return f"{self.root}/v1"

    @property
    def url(self) -> str:
        return f"mqtt://{self.servers}"

    @property
    def coordinator_url(self) -> str:
        return f"mqtt://coordinator:{self.coordinator_password}@{self.servers}"


@dataclass(frozen=True)
class Heard:
    """One message; ``topic`` is without the root, ``at`` on the monotonic clock."""

    at: float
    topic: str
    payload: bytes
    retain: bool

    @property
    def document(self) -> dict[str, Any]:
        """What was said; nothing if the topic was cleared."""
        document: dict[str, Any] = json.loads(self.payload) if self.payload else {}
        return document


class BusClient:
    """One connection, as operator *name* or, without a name, as an observer."""

    def __init__(
        self,
        where: Where,
        name: str | None = None,
        *,
        topics: str = "#",
        comes_back: bool = False,
    ) -> None:
        """Connect; with *comes_back* anew whenever the broker hangs up, to say what was not taken.

        Otherwise the connection is what a test looks at, and lost when it is lost.
        """
        self.where = where
        self.name = name
        self.heard: list[Heard] = []
        self.answers_within_s = WITHIN_S
        self._comes_back = comes_back
        self._latest: dict[str, Heard] = {}
        self._found_at: dict[str, int] = {}
        self._news = threading.Condition()
        self._run = secrets.token_hex(3)  # no other client of the name may use the same request ids
        self._requests = itertools.count(1)
        self._answered = threading.Event()
        self._paho = paho.Client(
            CallbackAPIVersion.VERSION2, name or "", reconnect_on_failure=comes_back
        )
        self._paho.reconnect_delay_set(1, 1)
        # At QoS 1 each would be a consumer of its own there, and end with the server that has it.
        self._filter = (f"{where.base}/{topics}", 0 if where.profile == "nats" else 1)
        if name is not None:
            coordinator = name.startswith("coordinator")
            self._paho.username_pw_set(name, where.coordinator_password if coordinator else None)
        self._paho.on_socket_open = _send_at_once
        self._paho.on_message = self._on_message
        self._paho.on_connect = self._on_connect
        self._paho.on_subscribe = self._on_subscribe
        self._paho.connect(where.host, where.port)
        self._paho.loop_start()
        if not self._answered.wait(WITHIN_S):
            raise TimeoutError(f"no answer to a subscription by {name or 'an observer'}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        self._paho.disconnect()
        self._paho.loop_stop()

    # --- hearing

    def latest(self, topic: str) -> dict[str, Any]:
        """Return what was last said on *topic*; nothing if nothing was, or it was cleared."""
        heard = self._latest.get(topic)
        return heard.document if heard else {}

    def on(self, topic: str) -> list[Heard]:
        """Return everything that was heard on *topic*, oldest first."""
        return [heard for heard in list(self.heard) if heard.topic == topic]

    def forget(self) -> None:
        """Count nothing that was heard until now."""
        with self._news:
            self.heard.clear()
            self._latest.clear()
            self._found_at.clear()

    def wait(self, what: str, found: Callable[[], T], within_s: float = WITHIN_S) -> T:
        """Look again after each message until *found* finds something; *what* names it."""
        deadline = time.monotonic() + within_s
        with self._news:
            while not (result := found()):
                left = deadline - time.monotonic()
                if left <= 0 or not self._news.wait(left):
                    last = "\n".join(
                        f"  {heard.topic} {heard.payload[:300]!r}"
                        for heard in self.heard[-_LAST_SHOWN:]
                    )
                    raise TimeoutError(f"not within {within_s} s: {what}; the last heard:\n{last}")
        return result

    def wait_for(self, topic: str, within_s: float = WITHIN_S, **fields: Any) -> dict[str, Any]:
        """Wait until what is said on *topic* has these fields, and return it.

        It may have been said and replaced while nobody looked. Of a task, which has its topic for
        itself, everything counts from what was found there last; elsewhere, what was said last and
        all that comes.
        """
        is_of_task = topic.startswith("tasks/")
        start = self._found_at.get(topic, 0) if is_of_task else self._last_on(topic)
        return self._wait_from(start, topic, within_s, fields)

    def wait_until_said(self, topic: str, **fields: Any) -> dict[str, Any]:
        """Wait until that was said on *topic*, however long ago, and return it."""
        return self._wait_from(0, topic, WITHIN_S, fields)

    def _wait_from(
        self, start: int, topic: str, within_s: float, fields: Mapping[str, Any]
    ) -> dict[str, Any]:
        place = start

        def found() -> dict[str, Any] | None:
            nonlocal place
            while place < len(self.heard):
                heard = self.heard[place]
                said = heard.document if heard.topic == topic else {}
                if said and all(said.get(key) == value for key, value in fields.items()):
                    self._found_at[topic] = place
                    return said
                place += 1
            return None

        said = self.wait(f"{topic} with {fields}", found, within_s)
        assert said is not None
        return said

    def _last_on(self, topic: str) -> int:
        """Return the place in what was heard of the last message on *topic*, or of the next one."""
        with self._news:
            count = len(self.heard)
            places = (place for place in reversed(range(count)) if self.heard[place].topic == topic)
            return next(places, count)

    # --- speaking

    def say(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Publish *payload* and wait until the broker has it."""
        sent = self._paho.publish(f"{self.where.base}/{topic}", payload, qos, retain)
        if self._comes_back and qos and sent.rc == MQTTErrorCode.MQTT_ERR_NO_CONN:
            sent.rc = MQTTErrorCode.MQTT_ERR_SUCCESS  # it is kept, and goes out with the next one
        sent.wait_for_publish(WITHIN_S)
        if not sent.is_published():
            raise TimeoutError(f"no acknowledgement for a message to {topic!r}")

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """Ask the coordinator, and return its answer."""
        request_id = fields.pop("request_id", f"{self.name}-{self._run}-{next(self._requests)}")
        before = len(self.heard)
        document = {"request_id": request_id, "op": op, **fields}
        self.say(f"submit/{self.name}", json.dumps(document).encode())

        def answer() -> dict[str, Any] | None:
            for heard in self.heard[before:]:
                if heard.topic == f"replies/{self.name}":
                    reply = heard.document
                    if reply["request_id"] == request_id:
                        return reply
            return None

        reply = self.wait(f"an answer to {op} {request_id}", answer, self.answers_within_s)
        assert reply is not None
        return reply

    def create(self, name: str, mode: str = "quest", **spec: Any) -> str:
        """Create a task, and return its id."""
        # A lease must be longer than its margin and the grace, and the leases here are short.
        reply = self.ask("create", spec={"name": name, "mode": mode, "cancel_grace_s": 0.5} | spec)
        assert reply["ok"], reply
        task: str = reply["task"]
        return task

    # --- paho's thread

    def _on_message(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        topic = message.topic.removeprefix(self.where.base + "/")
        heard = Heard(time.monotonic(), topic, bytes(message.payload), message.retain)
        with self._news:
            self.heard.append(heard)
            self._latest[topic] = heard
            self._news.notify_all()

    def _on_connect(self, *_said: object) -> None:
        self._paho.subscribe(*self._filter)

    def _on_subscribe(
        self, _c: object, _u: object, _mid: int, codes: list[ReasonCode], _p: object
    ) -> None:
        if not any(code.is_failure for code in codes):
            self._answered.set()


def _send_at_once(_client: object, _userdata: object, sock: Any) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
