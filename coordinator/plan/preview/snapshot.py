"""What a preview begins with: the records of a fleet at one moment.

The records are those of the store, so a snapshot can be taken without the running coordinator
noticing, and can be written to a file and looked at elsewhere.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from coordinator.core.records import Record


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A fleet at ``wall_ms``: its open tasks, its agents, and the small things that survive."""

    wall_ms: int
    tasks: tuple[Record, ...] = ()
    agents: tuple[Record, ...] = ()
    marks: tuple[tuple[str, str, Record], ...] = ()
    """Kind, key and record."""

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read a snapshot back from its document."""
        return cls(
            wall_ms=document["wall_ms"],
            tasks=tuple(document.get("tasks", ())),
            agents=tuple(document.get("agents", ())),
            marks=tuple((kind, key, record) for kind, key, record in document.get("marks", ())),
        )

    def document(self) -> dict[str, Any]:
        """Write the snapshot down as JSON."""
        return {part.name: getattr(self, part.name) for part in dataclasses.fields(self)}
