"""A heap of shapes by the place of their heads, put right only where it is looked at.

A key may be too low (a head was taken elsewhere) and is corrected when it comes up. It is never too
high, because a shape whose head moves forward is offered again. So taking a head costs nothing on
the heaps that nobody looks at.
"""

import heapq
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coordinator.core.queue.shapes import Key, Shape


class ShapeHeap:
    """Shapes in which something waits, the first by its key on top."""

    __slots__ = ("_entries", "_keys")

    def __init__(self) -> None:
        self._entries: list[tuple[Key, int, Shape]] = []
        self._keys: dict[int, Key] = {}

    def offer(self, shape: "Shape") -> None:
        """Put *shape* up at its present place, or move it forward to it."""
        key = shape.key()
        if key is None:
            return
        known = self._keys.get(shape.number)
        if known is None or key < known:
            self._keys[shape.number] = key
            heapq.heappush(self._entries, (key, shape.number, shape))

    def first(self, takes: "Callable[[Shape], bool] | None" = None) -> "tuple[Key, Shape] | None":
        """Return the first shape that *takes* accepts, with its key."""
        entries = self._entries
        held_back: list[tuple[Key, int, Shape]] = []
        found: tuple[Key, Shape] | None = None
        while entries:
            key, number, shape = entries[0]
            if self._keys.get(number) != key:
                heapq.heappop(entries)  # offered again at an earlier place
                continue
            actual = shape.key()
            if actual is None:
                heapq.heappop(entries)
                del self._keys[number]
            elif actual != key:
                heapq.heapreplace(entries, (actual, number, shape))
                self._keys[number] = actual
            elif takes is not None and not takes(shape):
                held_back.append(heapq.heappop(entries))
            else:
                found = (key, shape)
                break
        for entry in held_back:
            heapq.heappush(entries, entry)
        return found

    def shows(self, shape: "Shape") -> bool:
        """Say whether *shape* is up at its place, or at one before it; for the audit."""
        key, known = shape.key(), self._keys.get(shape.number)
        in_order = key is not None and known is not None and known <= key
        return in_order and any(entry[:2] == (known, shape.number) for entry in self._entries)

    def __bool__(self) -> bool:
        return bool(self._entries)
