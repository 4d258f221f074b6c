"""What a preview begins with: the records of a fleet at one moment, and how long its work takes.

The records are those of the store, so a snapshot can be taken without the running coordinator
noticing, and can be written to a file and looked at elsewhere.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median_low
from types import MappingProxyType
from typing import Any, Final, Self

from coordinator.core.records import Record

FEWEST_RUNS: Final = 3
"""Fewer runs than this say nothing about how long the next one takes."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A fleet at ``wall_ms``: its open tasks, its agents, and the small things that survive."""

    wall_ms: int
    tasks: tuple[Record, ...] = ()
    agents: tuple[Record, ...] = ()
    marks: tuple[tuple[str, str, Record], ...] = ()
    """Kind, key and record."""
    usual_ms: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """``name:<name>`` or ``mode:<mode>`` to how long such a run has taken, as a median."""

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read a snapshot back from its document."""
        return cls(
            wall_ms=document["wall_ms"],
            tasks=tuple(document.get("tasks", ())),
            agents=tuple(document.get("agents", ())),
            marks=tuple((kind, key, record) for kind, key, record in document.get("marks", ())),
            usual_ms=MappingProxyType(dict(document.get("usual_ms", {}))),
        )

    def document(self) -> dict[str, Any]:
        """Write the snapshot down as JSON."""
        fields = {part.name: getattr(self, part.name) for part in dataclasses.fields(self)}
        return {**fields, "usual_ms": dict(self.usual_ms)}


def usual_durations(runs: Iterable[tuple[str, str, int]]) -> Mapping[str, int]:
    """Learn from *runs* (name, mode and running time of each) how long such work takes."""
    found: dict[str, list[int]] = {}
    for name, mode, ran_ms in runs:
        found.setdefault(f"name:{name}", []).append(ran_ms)
        found.setdefault(f"mode:{mode}", []).append(ran_ms)
    usual = {key: median_low(ran) for key, ran in found.items() if len(ran) >= FEWEST_RUNS}
    return MappingProxyType(usual)
