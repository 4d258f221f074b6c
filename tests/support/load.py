"""Somebody who keeps a fleet busy, and does not let go of a request before it is answered."""

import itertools
import json
import random
from typing import Any

from tests.support.bus_client import BusClient

ASK_AGAIN_S = 2.0
AFTER = "after-"
"""Begins the names of requests that ask what became of a task."""


class Load:
    """Keeps so many tasks open; :attr:`accepted` are those that the coordinator said it has."""

    def __init__(
        self,
        client: BusClient,
        lots: random.Random,
        *,
        at_once: int,
        first: int = 0,
        ask_again_s: float = ASK_AGAIN_S,
    ) -> None:
        self.accepted: dict[str, str] = {}
        """Request to task."""
        self.refused: list[dict[str, Any]] = []
        self._client = client
        self._lots = lots
        self._at_once = at_once
        self._ask_again_s = ask_again_s
        self._asked: dict[str, tuple[float, bytes]] = {}
        self._ended: set[str] = set()
        self._read = 0
        self._asked_after = 0.0
        self._numbers = itertools.count(first)

    @property
    def open(self) -> set[str]:
        """Requests that were not answered, and tasks that were accepted and have not ended."""
        return self._asked.keys() | (set(self.accepted.values()) - self._ended)

    @property
    def is_over(self) -> bool:
        """Whether everything that was asked is answered, and everything that was accepted ended."""
        return not self.open

    def look(self) -> None:
        """Take in what was said since the last look."""
        heard = self._client.heard[self._read :]
        self._read += len(heard)
        for message in heard:
            channel, _, name = message.topic.partition("/")
            if channel == "replies" and name == self._client.name:
                self._take_answer(message.document)
            elif channel == "tasks" and message.document.get("completed_ms") is not None:
                self._ended.add(name)

    def ask(self, now: float) -> None:
        """Ask for new tasks while few are open, and again for what was not answered."""
        for _ in range(self._at_once - len(self.open)):
            self.ask_for_one(now)
        self.insist(now)

    def ask_for_one(self, now: float) -> None:
        """Ask for a new task, however many are open."""
        request = f"request-{next(self._numbers)}"
        self._asked[request] = (now, self._request(request))
        self._client.say(f"submit/{self._client.name}", self._asked[request][1])

    def ask_after(self, now: float) -> None:
        """Ask what became of tasks, now and then: who missed a card is not told again by itself."""
        if now - self._asked_after < self._ask_again_s:
            return
        self._asked_after = now
        for task in set(self.accepted.values()) - self._ended:
            request = {"request_id": f"{AFTER}{next(self._numbers)}", "op": "get", "task": task}
            self._client.say(f"submit/{self._client.name}", json.dumps(request).encode())

    def insist(self, now: float) -> None:
        """Ask again for what was not answered for long, under the same request id."""
        for request, (asked, payload) in list(self._asked.items()):
            if now - asked > self._ask_again_s:
                self._asked[request] = (now, payload)
                self._client.say(f"submit/{self._client.name}", payload)

    def _request(self, request: str) -> bytes:
        spec = {
            "name": request,
            "mode": self._lots.choice(["quest", "quest", "combat"]),
            "args": {"sleep": round(self._lots.uniform(0.02, 0.25), 3)},
            "cancel_grace_s": 0.5,
            "max_attempts": 10,
        }
        return json.dumps({"request_id": request, "op": "create", "spec": spec}).encode()

    def _take_answer(self, reply: dict[str, Any]) -> None:
        request = reply["request_id"]
        if request.startswith(AFTER):
            if reply["ok"] and reply["data"].get("completed_ms") is not None:
                self._ended.add(reply["task"])
            return
        self._asked.pop(request, None)
        if not reply["ok"]:
            self.refused.append(reply)
            return
        known = self.accepted.setdefault(request, reply["task"])
        assert known == reply["task"], f"{request} was answered with {known} and {reply['task']}"
