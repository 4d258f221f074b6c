"""What differs between two plans, place by place, defaults included.

Agents and schedules are compared by their names: one that moved within the list has not changed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from coordinator.plan.schema import FleetPlan
from coordinator.plan.values import AS_MEANT


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


class _Value(NamedTuple):
    """What stands at one place of a plan: compared as it is meant, shown as it is written."""

    meant: object
    written: object

    @property
    def members(self) -> Mapping[str, Self] | None:
        """The parts that have a name: an object's, or a list's of named objects."""
        meant, written = _named(self.meant), _named(self.written)
        if meant is None or written is None:
            return None
        return {key: type(self)(meant[key], written[key]) for key in meant}


def diff(old: FleetPlan, new: FleetPlan) -> list[Change]:
    """Return the changes from *old* to *new*, in the order of the plan's keys."""
    return list(_changes("", _value(old), _value(new)))


def _value(plan: FleetPlan) -> _Value:
    return _Value(
        plan.model_dump(mode="json", by_alias=True, context=AS_MEANT),
        plan.model_dump(mode="json", by_alias=True),
    )


def _changes(path: str, before: _Value, after: _Value) -> Iterator[Change]:
    left, right = before.members, after.members
    if left is None or right is None:
        if before.meant != after.meant:
            yield Change(path, before.written, after.written)
        return
    is_list = isinstance(before.meant, list)
    for key in {**left, **right}:
        at = f"{path}[{key}]" if is_list else f"{path}.{key}" if path else key
        if key not in right:
            yield Change(at, left[key].written, ABSENT)
        elif key not in left:
            yield Change(at, ABSENT, right[key].written)
        else:
            yield from _changes(at, left[key], right[key])


def _named(value: object) -> Mapping[str, object] | None:
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and all(isinstance(part, dict) and "name" in part for part in value):
        return {part["name"]: part for part in value}
    return None
