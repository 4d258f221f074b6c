"""What changed between two looks at the fleet, numbered, so that a watcher can say what it has.

Every quarter of a second at most, what has changed is rendered once for all who watch. A watcher is
a number: the last change that it was sent. What it gets next is all changes since, the newest value
of each field; so a slow watcher costs no memory, and one that is too far behind gets a snapshot.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

KEPT: Final = 240
"""A minute of changes at four a second."""
MOST_TASKS: Final = 200
MOST_EVENTS: Final = 100

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What was different at one look: by name, only the fields that are; ``None`` is gone."""

    seq: int
    agents: dict[str, Fields | None] = field(default_factory=dict)
    heat: dict[str, list[Any] | None] = field(default_factory=dict)
    tasks: dict[str, Fields | None] = field(default_factory=dict)
    events: tuple[Fields, ...] = ()
    summary: Fields | None = None
    alerts: tuple[Fields, ...] | None = None


def merged(changes: list[Change]) -> Change:
    """Put *changes*, oldest first, together."""
    if len(changes) == 1:
        return changes[0]
    agents: dict[str, Fields | None] = {}
    heat: dict[str, list[Any] | None] = {}
    tasks: dict[str, Fields | None] = {}
    events: list[Fields] = []
    summary: Fields | None = None
    alerts: tuple[Fields, ...] | None = None
    for change in changes:
        for into, more in ((agents, change.agents), (tasks, change.tasks)):
            for name, fields in more.items():
                known = into.get(name)
                into[name] = fields if fields is None or known is None else {**known, **fields}
        heat.update(change.heat)
        events += change.events
        summary = change.summary if change.summary is not None else summary
        alerts = change.alerts if change.alerts is not None else alerts
    return Change(
        changes[-1].seq, agents, heat, tasks, tuple(events[-MOST_EVENTS:]), summary, alerts
    )


@dataclass(slots=True)
class Ring:
    """The newest changes."""

    seq: int = 0
    _kept: deque[Change] = field(default_factory=lambda: deque(maxlen=KEPT))

    def add(self, change: Change) -> None:
        """Keep one more."""
        self.seq = change.seq
        self._kept.append(change)

    def since(self, seq: int) -> list[Change] | None:
        """Return the changes after *seq*; ``None`` if some are not known any more."""
        if seq > self.seq:
            return None
        missed = self.seq - seq
        if missed > len(self._kept):
            return None
        return [] if missed == 0 else list(self._kept)[-missed:]

    def clear(self) -> None:
        """Forget all: whoever comes needs a snapshot."""
        self._kept.clear()


def differing(before: Fields | None, after: Fields) -> Fields:
    """Return the fields of *after* that are not as *before*; the key fields stay."""
    if before is None:
        return after
    return {name: value for name, value in after.items() if before.get(name) != value}
