"""The last retained message of each topic, found again by filter.

A topic that is exact is one look-up; a filter with wildcards walks a tree of levels and touches
only what it selects. Pure; bounded by :class:`broker.limits.Limits`.
"""

from collections.abc import Iterator
from typing import Any, Final

from broker.limits import Limits
from broker.message import Message

_ONE: Final = "+"
_REST: Final = "#"
_HERE: Final = ""  # a level's own message; as the key of a child it would be ambiguous
_CHILD: Final = "/"  # put before each child's key, so that it never is


class RetainedMessages:
    """Messages by topic."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._by_topic: dict[str, Message] = {}
        self._tree: dict[str, Any] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._by_topic)

    def keep(self, message: Message) -> bool:
        """Make *message* its topic's last, or clear the topic if it is empty.

        Return False if there was no room for it; its topic is then cleared, because a state
        that is known to be old is worse than none.
        """
        topic, known = message.topic, self._by_topic.get(message.topic)
        size = self._bytes + len(message.payload) - (len(known.payload) if known else 0)
        fits = size <= self._limits.retained_bytes and (
            known is not None or len(self._by_topic) < self._limits.retained
        )
        if not message.payload or not fits:
            if known is not None:
                self._clear(topic, known)
            return fits
        self._bytes = size
        self._by_topic[topic] = message
        if known is None:
            node = self._tree
            for level in topic.split("/"):
                node = node.setdefault(_CHILD + level, {})
            node[_HERE] = topic
        return True

    def select(self, pattern: str) -> Iterator[Message]:
        """Yield the retained messages that the filter *pattern* selects."""
        if _ONE not in pattern and _REST not in pattern:
            if (message := self._by_topic.get(pattern)) is not None:
                yield message
            return
        for topic in self._topics(pattern):
            yield self._by_topic[topic]

    def _topics(self, pattern: str) -> Iterator[str]:
        nodes = [self._tree]
        for depth, wanted in enumerate(pattern.split("/")):
            if wanted == _REST:
                for node in nodes:
                    yield from _below(node, hide=depth == 0)
                return
            following: list[dict[str, Any]] = []
            for node in nodes:
                if wanted == _ONE:
                    following.extend(
                        child
                        for key, child in node.items()
                        if key and not (depth == 0 and key.startswith("/$"))
                    )
                elif (child := node.get(_CHILD + wanted)) is not None:
                    following.append(child)
            nodes = following
        for node in nodes:
            if _HERE in node:
                yield node[_HERE]

    def _clear(self, topic: str, known: Message) -> None:
        del self._by_topic[topic]
        self._bytes -= len(known.payload)
        path = [self._tree]
        levels = topic.split("/")
        for level in levels:
            path.append(path[-1][_CHILD + level])
        del path.pop()[_HERE]
        for parent, level in zip(reversed(path), reversed(levels), strict=True):
            if parent[_CHILD + level]:
                return
            del parent[_CHILD + level]


def _below(node: dict[str, Any], *, hide: bool) -> Iterator[str]:
    """Yield every topic at or below *node*; *hide* leaves out the server's own, ``$...``."""
    waiting = [node]
    if hide:
        waiting = [child for key, child in node.items() if not key.startswith("/$")]
    while waiting:
        for key, child in waiting.pop().items():
            if key:
                waiting.append(child)
            else:
                yield child
