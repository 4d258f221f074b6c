"""A board: the shapes that some agents could take, by the signature of gates they wait behind."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from coordinator.core.queue.heap import ShapeHeap

if TYPE_CHECKING:
    from coordinator.core.agents import Agent
    from coordinator.core.gates import Signature
    from coordinator.core.queue.shapes import Key, Shape


class Board:
    """The shapes feasible for an agent class, or pinned to one agent."""

    __slots__ = ("_heaps", "free", "rank")

    def __init__(self, free: "Mapping[str, Agent]", rank: tuple[int, int, int] = (0, 0, 0)) -> None:
        self.rank = rank
        """How good its agents are for any task, as far as all of them are alike: low is good."""
        self.free = free
        """Those of the agents looking at this board that could start something now."""
        self._heaps: dict[Signature, ShapeHeap] = {}

    def offer(self, shape: "Shape") -> None:
        """Put *shape* up at its present place, or move it forward to it."""
        heap = self._heaps.get(shape.signature)
        if heap is None:
            heap = self._heaps[shape.signature] = ShapeHeap()
            shape.signature.boards[self] = None
        heap.offer(shape)

    def best(self, takes: "Callable[[Shape], bool] | None" = None) -> "tuple[Key, Shape] | None":
        """Return the first shape that is open now and that *takes* accepts, with its key."""
        best: tuple[Key, Shape] | None = None
        for signature, heap in list(self._heaps.items()):
            if signature.closed:
                continue
            found = heap.first(takes)
            if found is not None and (best is None or found[0] < best[0]):
                best = found
            if not heap:
                del self._heaps[signature]
                signature.boards.pop(self, None)
        return best

    def shows(self, shape: "Shape") -> bool:
        """Say whether *shape* is up here at its place, or at one before it; for the audit."""
        heap = self._heaps.get(shape.signature)
        return heap is not None and self in shape.signature.boards and heap.shows(shape)

    def withdraw(self) -> None:
        """Take everything down; the board is not used any more."""
        for signature in self._heaps:
            signature.boards.pop(self, None)
        self._heaps.clear()
