"""Who gets a message: all subscriptions, as a tree of topic levels.

Finding the holders of a topic walks the levels of that topic, so its cost depends on how deep
the topic is and how many filters select it, and not on how many clients are connected. What was
found is remembered, because a fleet speaks on the same topics over and over: not the holders but
the places where they are kept, until somebody subscribes where nobody was. Pure.
"""

from collections.abc import Hashable, Iterable
from typing import Final, Generic, TypeVar

Holder = TypeVar("Holder", bound=Hashable)

_ONE: Final = "+"
_REST: Final = "#"
REMEMBERED_TOPICS: Final = 16_384


class _Node(Generic[Holder]):
    """One level of filters: who subscribed to exactly this, or to all below it."""

    __slots__ = ("below", "children", "here")

    def __init__(self) -> None:
        self.children: dict[str, _Node[Holder]] = {}
        self.here: dict[Holder, int] = {}
        self.below: dict[Holder, int] = {}

    def is_bare(self) -> bool:
        return not (self.children or self.here or self.below)


class Subscriptions(Generic[Holder]):
    """Filters, each with its holders and the QoS granted to them."""

    def __init__(self) -> None:
        self._root: _Node[Holder] = _Node()
        self._count = 0
        self._places: dict[str, list[dict[Holder, int]]] = {}

    def __len__(self) -> int:
        return self._count

    def add(self, pattern: str, holder: Holder, qos: int) -> None:
        """Grant *holder* the filter *pattern*; the QoS replaces that of an earlier grant."""
        node = self._root
        *levels, last = pattern.split("/")
        for level in levels if last == _REST else (*levels, last):
            node = node.children.setdefault(level, _Node())
        holders = node.below if last == _REST else node.here
        self._count += holder not in holders
        if not holders:
            self._places.clear()
        holders[holder] = qos

    def discard(self, pattern: str, holder: Holder) -> None:
        """Take the filter *pattern* from *holder*, if it has it, and prune what is left bare."""
        *levels, last = pattern.split("/")
        path: list[tuple[_Node[Holder], str]] = []
        node = self._root
        for level in levels if last == _REST else (*levels, last):
            child = node.children.get(level)
            if child is None:
                return
            path.append((node, level))
            node = child
        holders = node.below if last == _REST else node.here
        if holders.pop(holder, None) is None:
            return
        self._count -= 1
        for parent, level in reversed(path):
            if not parent.children[level].is_bare():
                return
            del parent.children[level]

    def holders(self, topic: str) -> Iterable[tuple[Holder, int]]:
        """Return who gets a message on *topic*: each once, with the highest QoS granted to it.

        What is returned may be a view: use it before anything is added or discarded.
        """
        found = self._places.get(topic)
        if found is None:
            found = self._select(topic)
            if len(self._places) >= REMEMBERED_TOPICS:
                self._places.clear()
            self._places[topic] = found
        if not found:
            return ()
        if len(found) == 1:
            return found[0].items()
        merged = dict(found[0])
        for holders in found[1:]:
            for holder, qos in holders.items():
                if qos > merged.get(holder, -1):
                    merged[holder] = qos
        return merged.items()

    def _select(self, topic: str) -> list[dict[Holder, int]]:
        found: list[dict[Holder, int]] = []
        nodes = [self._root]
        # MQTT 3.1.1 §4.7.2: a filter that begins with a wildcard selects no topic of the server.
        hidden = topic.startswith("$")
        for level in topic.split("/"):
            following: list[_Node[Holder]] = []
            for node in nodes:
                children = node.children
                if (child := children.get(level)) is not None:
                    following.append(child)
                if hidden:
                    continue
                if node.below:
                    found.append(node.below)
                if (child := children.get(_ONE)) is not None:
                    following.append(child)
            hidden = False
            if not following:
                return found
            nodes = following
        for node in nodes:
            if node.here:
                found.append(node.here)
            if node.below:  # "a/#" also selects its parent "a"
                found.append(node.below)
        return found


def is_filter(pattern: str) -> bool:
    """Say whether *pattern* is a filter: wildcards stand alone, and ``#`` at the end."""
    levels = pattern.split("/")
    if _REST in pattern and (_REST in "".join(levels[:-1]) or levels[-1] != _REST):
        return False
    return all(level == _ONE or _ONE not in level for level in levels)
