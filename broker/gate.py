"""One session's rights, asked once per message and therefore remembered.

A fleet speaks on few topics, over and over. The memory is bounded because topics are chosen by
peers: when it is full it starts anew, which costs time and never an answer.
"""

from typing import Final

from broker.pace import Bucket
from protocol.access import Rights

REMEMBERED_TOPICS: Final = 4096


class Gate:
    """Answers what one connected client may do; ``credential`` is the hash that let it in."""

    __slots__ = ("_publish", "_read", "bucket", "credential", "is_coordinator", "name", "rights")

    def __init__(
        self,
        rights: Rights,
        *,
        name: str = "",
        credential: str | None = None,
        is_coordinator: bool = False,
        bucket: Bucket | None = None,
    ) -> None:
        self.rights: Final = rights
        self.name: Final = name
        self.credential: Final = credential
        self.is_coordinator: Final = is_coordinator
        self.bucket: Final = bucket
        self._publish: dict[str, bool] = {}
        self._read: dict[str, bool] = {}

    def may_publish(self, topic: str) -> bool:
        """Say whether the client's message to *topic* goes out."""
        known = self._publish.get(topic)
        if known is None:
            known = _remember(self._publish, topic, answer=self.rights.may_publish(topic))
        return known

    def may_read(self, topic: str) -> bool:
        """Say whether a message on *topic* is delivered to the client."""
        known = self._read.get(topic)
        if known is None:
            known = _remember(self._read, topic, answer=self.rights.may_read(topic))
        return known

    def may_read_all(self, pattern: str) -> bool:
        """Say whether every topic that *pattern* selects is delivered to the client."""
        return any(covers(allowed, pattern) for allowed in self.rights.subscribe)

    def may_subscribe(self, pattern: str) -> bool:
        """Say whether a subscription to *pattern* could ever deliver something."""
        return self.rights.may_subscribe(pattern)


def covers(wide: str, narrow: str) -> bool:
    """Say whether the filter *wide* selects every topic that the filter *narrow* selects."""
    if narrow.startswith("$") and wide[:1] in {"+", "#"}:
        return False
    left, right = wide.split("/"), narrow.split("/")
    for n, level in enumerate(left):
        if level == "#":
            return True
        if n >= len(right) or right[n] == "#" or level not in {"+", right[n]}:
            return False
    return len(left) == len(right)


def _remember(memory: dict[str, bool], topic: str, *, answer: bool) -> bool:
    if len(memory) >= REMEMBERED_TOPICS:
        memory.clear()
    memory[topic] = answer
    return answer
