"""The scripted coordinator's ears and mouth: it hears what the agent says and judges nothing."""

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from coordinator.cli.bus import no_delay
from protocol.codec import decode_from
from protocol.errors import WireError
from protocol.topics import AgentChannel, AgentTopic, Topics

CONNECTS_WITHIN_S: Final = 10.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Heard:
    """One message of the agent; ``fault`` says what makes it invalid."""

    at: float
    channel: AgentChannel
    said: dict[str, Any]
    retain: bool
    """Whether it is what the broker remembered."""
    fault: str = ""


class Bus:
    """One connection as the coordinator; see :class:`Stage`."""

    def __init__(self, port: int, password: str, topics: Topics) -> None:
        self.heard: list[Heard] = []
        self.on_heard: Callable[[Heard], None] = lambda _heard: None
        self._topics = topics
        self._port = port
        self._password = password
        self._news = threading.Condition()
        self._subscribed = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, "coordinator")
        self._client.username_pw_set("coordinator", password)
        self._client.on_socket_open = no_delay
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda *_given: self._subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(topics.under("agents/#"), 1)
        self._client.loop_start()
        if not self._subscribed.wait(CONNECTS_WITHIN_S):
            raise TimeoutError("the broker does not answer")

    def close(self) -> None:
        """Hang up."""
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, topic: str, document: object, *, retain: bool = True) -> None:
        """Publish *document*, as it is if it is bytes."""
        raw = document if isinstance(document, bytes) else json.dumps(document).encode()
        self._client.publish(self._topics.under(topic), raw, 1, retain)

    def remembered(self, topic: str, within_s: float = 2.0) -> dict[str, Any] | None:
        """Ask the broker what it remembers on *topic*."""
        found: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        client = paho.Client(CallbackAPIVersion.VERSION2, "coordinator-look")
        client.username_pw_set("coordinator-look", self._password)
        client.on_message = lambda _c, _u, said: found.put(bytes(said.payload))
        client.connect("127.0.0.1", self._port)
        client.subscribe(self._topics.under(topic), 1)
        client.loop_start()
        said: dict[str, Any] | None = None
        with contextlib.suppress(queue.Empty, ValueError):
            said = json.loads(found.get(timeout=within_s))
        client.disconnect()
        client.loop_stop()
        return said

    def throw_out(self, agent: str) -> None:
        """Break the agent's connection without a word, by taking its name and leaving again."""
        client = paho.Client(CallbackAPIVersion.VERSION2, agent, reconnect_on_failure=False)
        client.username_pw_set(agent)
        there = threading.Event()
        client.on_connect = lambda *_given: there.set()
        client.connect("127.0.0.1", self._port)
        client.loop_start()
        there.wait(CONNECTS_WITHIN_S)
        client.disconnect()
        client.loop_stop()

    def wait(self, found: Callable[[], T], within_s: float) -> T:
        """Look again after each message until *found* finds something or time is over."""
        until = time.monotonic() + within_s
        with self._news:
            while not (result := found()):
                left = until - time.monotonic()
                if left <= 0:
                    return result
                self._news.wait(min(left, 0.1))
        return result

    def _on_message(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        heard = self._understood(message)
        if heard is None:
            return
        with self._news:
            self.heard.append(heard)
            self._news.notify_all()
        self.on_heard(heard)

    def _understood(self, message: paho.MQTTMessage) -> Heard | None:
        raw, now = bytes(message.payload), time.monotonic()
        try:
            address = self._topics.parse(message.topic)
        except WireError:
            return None
        if not isinstance(address, AgentTopic) or not raw:
            return None
        fault = ""
        try:
            decode_from(address, raw)
        except WireError as error:
            fault = str(error)
        try:
            said = json.loads(raw)
        except ValueError:
            said = None
        known = said if isinstance(said, dict) else {}
        return Heard(now, address.channel, known, bool(message.retain), fault)
