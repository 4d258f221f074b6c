"""Since when a kind of task waits for its reason, and which reasons it had before.

The story of a shape is the story of all its tasks, so it costs nothing per task. A reason is
written down when it changes: a graver one at once, a lesser one only when it has lasted a while,
so that a place that frees and is taken again leaves no trace.
"""

from dataclasses import dataclass, field
from typing import Final

from coordinator.core.instant import Instant
from coordinator.core.queue.shapes import Kind
from coordinator.core.why.codes import RANK

HOLD_MS: Final = 2_000
"""How long a lesser reason must last before it is one."""
KEPT: Final = 32


@dataclass(slots=True)
class Story:
    """The reasons of one shape, oldest first, each with when it began (wall clock)."""

    entries: list[tuple[int, str]] = field(default_factory=list)
    hint: tuple[int, str] | None = None
    """A lesser reason that has not lasted long enough, and since when."""

    def note(self, code: str, wall_ms: int) -> None:
        """Take in that the reason is *code* now."""
        if self.entries and code == self.entries[-1][1]:
            self.hint = None
            return
        if not self.entries or RANK[code] < RANK[self.entries[-1][1]]:
            self._begin(wall_ms, code)
        elif self.hint is None or self.hint[1] != code:
            self.hint = (wall_ms, code)
        elif wall_ms - self.hint[0] >= HOLD_MS:
            self._begin(*self.hint)

    def _begin(self, since_ms: int, code: str) -> None:
        self.hint = None
        self.entries = [*self.entries, (since_ms, code)][-KEPT:]

    def since(self, enqueued_ms: int) -> list[tuple[int, str]]:
        """Return the part of the story that a task of that age has lived through."""
        lived: list[tuple[int, str]] = []
        for at_ms, code in self.entries:
            if at_ms <= enqueued_ms:
                lived = [(enqueued_ms, code)]
            else:
                lived.append((at_ms, code))
        return lived


@dataclass(slots=True)
class Reasons:
    """The stories of all shapes in which somebody waits."""

    stories: dict[Kind, Story] = field(default_factory=dict)
    noted: Instant | None = None
    """When they were looked at last."""
