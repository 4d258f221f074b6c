"""Shapes: tasks that no rule can tell apart wait in one queue, oldest first."""

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from protocol.vocabulary import AgentHealth, Priority

if TYPE_CHECKING:
    from coordinator.core.gates import Signature
    from coordinator.core.queue.board import Board
    from coordinator.core.tasks import Task

_COMPACT_ABOVE: Final = 64

BAND: Final = {
    Priority.CRITICAL: 0,
    Priority.HIGH: 1,
    Priority.NORMAL: 1,
    Priority.LOW: 1,
    Priority.MAINTENANCE: 2,
}
"""Critical is a strict class first, maintenance a strict class last; between, age decides."""


class Key(NamedTuple):
    """The place of a task in the order of all tasks; the lowest goes first.

    Because all tasks age equally, a key does not change while its task waits.
    """

    band: int
    due_ms: int
    """When the task was enqueued, less the head start of its priority."""
    task: str


@dataclass(frozen=True, slots=True)
class Kind:
    """Everything by which a rule could tell two tasks apart: the identity of a shape."""

    mode: str
    priority: Priority
    capabilities: frozenset[str]
    min_health: AgentHealth | None
    allows_unknown_health: bool
    pin: str | None
    excluded: frozenset[str]
    """Agents that have rejected such a task."""
    type_keys: tuple[str, ...]
    """The keys under which cooldowns of an agent may hold this kind back."""
    must_fit: bool
    estimated_ms: int | None
    gates: tuple[str, ...]


class Shape:
    """One kind of task, and the queue of those that wait."""

    __slots__ = ("_heap", "boards", "head_start_ms", "kind", "live", "number", "signature")

    def __init__(self, number: int, kind: Kind, signature: "Signature") -> None:
        self.number = number
        self.kind = kind
        self.signature = signature
        self.head_start_ms = 0
        self.boards: dict[Board, None] = {}
        self.live = 0
        self._heap: list[tuple[int, str, int, Task]] = []

    def push(self, task: "Task") -> None:
        """Let *task* wait here, at the place of its age, and be seen if it is the first."""
        task.ticket += 1
        task.shape = self
        self.live += 1
        heapq.heappush(self._heap, (task.enqueued_ms, task.id, task.ticket, task))
        if self.head() is task:
            self.show()

    def show(self) -> None:
        """Let everyone who could take the head see it, or see it further ahead."""
        self.signature.line.offer(self)
        for board in self.boards:
            board.offer(self)

    def remove(self, task: "Task") -> None:
        """Let *task* wait here no longer; its entry is dropped when it comes up."""
        task.ticket += 1
        task.shape = None
        self.live -= 1
        if len(self._heap) > _COMPACT_ABOVE + 2 * self.live:
            self._heap = [entry for entry in self._heap if entry[3].ticket == entry[2]]
            heapq.heapify(self._heap)

    def head(self) -> "Task | None":
        """Return the task that has waited longest."""
        heap = self._heap
        while heap:
            _, _, ticket, task = heap[0]
            if task.ticket == ticket:
                return task
            heapq.heappop(heap)
        return None

    def key(self) -> Key | None:
        """Return the place of the head in the order of all tasks."""
        head = self.head()
        if head is None:
            return None
        return Key(BAND[self.kind.priority], head.enqueued_ms - self.head_start_ms, head.id)

    def count_before(self, key: Key, at_most: int) -> int:
        """Count those that stand before *key*, in the order of all tasks, up to *at_most*.

        Of the heap only the branches are visited that begin before *key*.
        """
        heap, band, lead_ms = self._heap, BAND[self.kind.priority], self.head_start_ms
        found, looked_at, branches = 0, 0, [0]
        while branches and found < at_most and looked_at < 2 * at_most:
            place = branches.pop()
            if place >= len(heap):
                continue
            enqueued_ms, name, ticket, task = heap[place]
            if (band, enqueued_ms - lead_ms, name) < key:
                looked_at += 1
                found += task.ticket == ticket
                branches += (2 * place + 1, 2 * place + 2)
        return found if looked_at < 2 * at_most else at_most

    def waiting(self) -> "list[Task]":
        """List those that wait, in order; for explanations, not for decisions."""
        return [entry[3] for entry in sorted(self._heap) if entry[3].ticket == entry[2]]

    def __repr__(self) -> str:
        return f"<Shape {self.number} {self.kind.mode} {self.kind.priority.value} live={self.live}>"
