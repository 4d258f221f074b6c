"""What differs between two plans, place by place, defaults included.

Agents and schedules are compared by their names: one that moved within the list has not changed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from coordinator.plan.schema import FleetPlan


class _Absent:
    """What stands on the side that does not have the place at all."""

    def __repr__(self) -> str:
        return "(absent)"


ABSENT: Final = _Absent()


@dataclass(frozen=True, slots=True)
class Change:
    """One place at which two plans differ; :data:`ABSENT` is on the side that lacks it."""

    path: str
    before: object
    after: object

    def __str__(self) -> str:
        if self.before is ABSENT:
            return f"{self.path}: added"
        if self.after is ABSENT:
            return f"{self.path}: removed"
        return f"{self.path}: {self.before!r} -> {self.after!r}"

    def document(self) -> dict[str, object]:
        """Write the change down as JSON; a side that lacks the place is left out."""
        sides = {"before": self.before, "after": self.after}
        return {"path": self.path, **{k: v for k, v in sides.items() if v is not ABSENT}}


def diff(old: FleetPlan, new: FleetPlan) -> list[Change]:
    """Return the changes from *old* to *new*, in the order of the plan's keys."""
    before, after = (plan.model_dump(mode="json", by_alias=True) for plan in (old, new))
    return list(_changes("", before, after))


def _changes(path: str, before: object, after: object) -> Iterator[Change]:
    left, right = _members(before), _members(after)
    if left is None or right is None:
        if before != after:
            yield Change(path, before, after)
        return
    named = isinstance(before, list)
    for key in {**left, **right}:
        at = f"{path}[{key}]" if named else f"{path}.{key}" if path else key
        if key not in right:
            yield Change(at, left[key], ABSENT)
        elif key not in left:
            yield Change(at, ABSENT, right[key])
        else:
            yield from _changes(at, left[key], right[key])


def _members(value: object) -> Mapping[str, Any] | None:
    """Return the parts of *value* that have a name: an object's, or a list's of named objects."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and all(isinstance(part, dict) and "name" in part for part in value):
        return {part["name"]: part for part in value}
    return None
