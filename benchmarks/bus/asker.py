"""A client that asks for one task after the other and waits for each to be over.

It does what a program would that uses us as a task queue, in its own thread, with paho: it listens
to the answers to it and to the cards of tasks, and to nothing else.
"""

import json
import select
import socket
from typing import Any, Final, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.bus_client import Where

NAME: Final = "bench"
_ANSWERS_WITHIN_S: Final = 30.0


class Asker:
    """One connection to the broker at *where*."""

    def __init__(self, where: Where) -> None:
        self._base = where.base
        self._requests = 0
        self._subscribed = False
        self._answers: dict[str, dict[str, Any]] = {}
        self._completed: set[str] = set()
        self._paho = paho.Client(CallbackAPIVersion.VERSION2, NAME)
        self._paho.username_pw_set(NAME)
        self._paho.on_socket_open = self._on_socket_open
        self._paho.on_connect = self._on_connect
        self._paho.on_subscribe = self._on_subscribe
        self._paho.on_message = self._on_message
        self._paho.connect(where.host, where.port)
        while not self._subscribed:
            self._take_in()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._paho.disconnect()

    def do(self, mode: str) -> str:
        """Have a task of *mode* done; return its id when it is completed."""
        self._requests += 1
        request = str(self._requests)
        asked = {"request_id": request, "op": "create", "spec": {"name": mode, "mode": mode}}
        self._paho.publish(f"{self._base}/submit/{NAME}", json.dumps(asked), qos=1)
        while request not in self._answers:
            self._take_in()
        answer = self._answers.pop(request)
        if not answer["ok"]:
            raise RuntimeError(f"refused: {answer}")
        task: str = answer["task"]
        while task not in self._completed:
            self._take_in()
        return task

    def _take_in(self) -> None:
        sock: Any = self._paho.socket()
        if not select.select([sock], [], [], _ANSWERS_WITHIN_S)[0]:
            raise TimeoutError(f"nothing was heard for {_ANSWERS_WITHIN_S:g} s")
        self._paho.loop_read()
        while self._paho.want_write():
            self._paho.loop_write()

    # --- paho's callbacks

    def _on_socket_open(self, _client: object, _userdata: object, sock: Any) -> None:  # noqa: ANN401 -- of paho
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _on_connect(self, *_said: object) -> None:
        self._paho.subscribe([(f"{self._base}/replies/{NAME}", 1), (f"{self._base}/tasks/+", 0)])

    def _on_subscribe(self, *_said: object) -> None:
        self._subscribed = True

    def _on_message(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        if not message.payload:
            return  # the card of a task that nobody needs to see any more
        said = json.loads(message.payload)
        if message.topic == f"{self._base}/replies/{NAME}":
            self._answers[said["request_id"]] = said
        elif said["status"] == "completed":
            self._completed.add(said["task"])
