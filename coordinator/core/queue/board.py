"""A board: the heads of the shapes that some agents could take, in order.

Keys on the board may be too low (a head was taken elsewhere) and are put right when they come up;
they are never too high, because a shape whose head moves forward is offered again.
"""

import heapq
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from coordinator.core.gates import Signature
from coordinator.core.queue.shapes import Key, Shape

if TYPE_CHECKING:
    from coordinator.core.agents import Agent


class Board:
    """The shapes feasible for an agent class, or pinned to one agent, by signature."""

    __slots__ = ("_heaps", "_keys", "free")

    def __init__(self, free: "Mapping[str, Agent]") -> None:
        self.free = free
        """Those of the agents looking at this board that could start something now."""
        self._heaps: dict[Signature, list[tuple[Key, int, Shape]]] = {}
        self._keys: dict[int, Key] = {}

    def offer(self, shape: Shape) -> None:
        """Put *shape* up at its present place, or move it forward to it."""
        key = shape.key()
        if key is None:
            return
        known = self._keys.get(shape.number)
        if known is not None and known <= key:
            return
        self._keys[shape.number] = key
        heap = self._heaps.get(shape.signature)
        if heap is None:
            heap = self._heaps[shape.signature] = []
        heapq.heappush(heap, (key, shape.number, shape))
        shape.signature.boards[self] = None

    def shows(self, shape: Shape) -> bool:
        """Say whether *shape* is up here at its place, or at one before it; for the audit."""
        key, known = shape.key(), self._keys.get(shape.number)
        return (
            key is not None
            and known is not None
            and known <= key
            and self in shape.signature.boards
            and any(entry[:2] == (known, shape.number) for entry in self._heaps[shape.signature])
        )

    def best(self, takes: Callable[[Shape], bool] | None = None) -> tuple[Key, Shape] | None:
        """Return the first shape that is open now and that *takes* accepts."""
        best: tuple[Key, Shape] | None = None
        for signature in list(self._heaps):
            if signature.closed:
                continue
            found = self._first(signature, takes)
            if found is not None and (best is None or found[0] < best[0]):
                best = found
        return best

    def _first(
        self, signature: Signature, takes: Callable[[Shape], bool] | None
    ) -> tuple[Key, Shape] | None:
        heap = self._heaps[signature]
        held_back: list[tuple[Key, int, Shape]] = []
        found: tuple[Key, Shape] | None = None
        while heap:
            key, number, shape = heap[0]
            if self._keys.get(number) != key:
                heapq.heappop(heap)  # offered again at an earlier place
                continue
            actual = shape.key()
            if actual is None:
                heapq.heappop(heap)
                del self._keys[number]
            elif actual != key:
                heapq.heapreplace(heap, (actual, number, shape))
                self._keys[number] = actual
            elif takes is not None and not takes(shape):
                held_back.append(heapq.heappop(heap))
            else:
                found = (key, shape)
                break
        for entry in held_back:
            heapq.heappush(heap, entry)
        if not heap:
            del self._heaps[signature]
            signature.boards.pop(self, None)
        return found

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits here; may say no when only stale entries are left."""
        return not self._heaps

    def withdraw(self) -> None:
        """Take everything down; the board is not used any more."""
        for signature in self._heaps:
            signature.boards.pop(self, None)
        self._heaps.clear()
        self._keys.clear()
