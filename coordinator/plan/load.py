"""From bytes to a fleet plan, or to everything that is wrong with them at once.

The validator stops looking inside what it could not read. So whatever is wrong is taken out and
the rest is looked at again, until nothing new turns up: the author gets one complete list.
"""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import ValidationError

from coordinator.plan.checks import check
from coordinator.plan.document import irregularities, read_object
from coordinator.plan.problems import PlanError, Problem, by_path, has_errors
from coordinator.plan.schema import FleetPlan
from coordinator.plan.translate import Place, has_part, problems_of

_ROUNDS: Final = 8
_OF_A_FLEET: Final = frozenset({"agents", "mode", "capabilities"})


@dataclass(frozen=True, slots=True)
class Examined:
    """What came of reading a plan: the plan, unless it has errors, and every problem by path."""

    plan: FleetPlan | None
    problems: tuple[Problem, ...]


def load(path: Path) -> FleetPlan:
    """Read the plan at *path*, or raise :class:`PlanError` with all of its problems."""
    return parse(_bytes(path), str(path))


def parse(data: bytes, source: str = "the fleet plan") -> FleetPlan:
    """Read a plan from *data*, or raise :class:`PlanError` with all of its problems.

    A plan with warnings is returned; :func:`examine` tells them.
    """
    examined = examine(data, source)
    if examined.plan is None:
        raise PlanError(examined.problems, source)
    return examined.plan


def examine_file(path: Path) -> Examined:
    """Read the plan at *path* and tell every problem, warnings included; raise nothing."""
    try:
        return examine(_bytes(path), str(path))
    except PlanError as error:
        return Examined(None, error.problems)


def examine(data: bytes, source: str = "the fleet plan") -> Examined:
    """Read a plan from *data* and tell every problem, warnings included; raise nothing."""
    try:
        document = read_object(data, source)
    except PlanError as error:
        return Examined(None, error.problems)
    return examine_document(document)


def examine_document(document: dict[str, Any]) -> Examined:
    """Judge a plan that has been read from JSON already."""
    odd = by_path(irregularities(document))
    if odd:
        return Examined(None, odd)
    plan, problems, removed = _validate(document)
    # Behind a list that lost entries everything would be told under wrong numbers.
    if plan is not None and not removed & {("agents",), ("schedules",)}:
        fleet_is_known = not any(p[0] == "agents" and p[-1] in _OF_A_FLEET for p in removed if p)
        problems += check(plan, fleet_is_known=fleet_is_known)
    usable = plan is not None and not has_errors(problems)
    return Examined(plan if usable else None, by_path(problems))


def _validate(document: dict[str, Any]) -> tuple[FleetPlan | None, list[Problem], set[Place]]:
    rest = document
    problems: list[Problem] = []
    removed: set[Place] = set()
    for _ in range(_ROUNDS):
        try:
            plan = FleetPlan.model_validate_json(orjson.dumps(rest))
        except ValidationError as error:
            details = error.errors(include_url=False)
            found = [pair for detail in details for pair in problems_of(detail, rest)]
            # What an object lacks only because we took it out is no news.
            problems += [problem for place, problem in found if not _encloses(place, removed)]
            rest = copy.deepcopy(rest)
            removed |= {_take_out(rest, place) for place, _ in found}
        else:
            return plan, problems, removed
    return None, problems, removed


def _encloses(place: Place, removed: set[Place]) -> bool:
    return any(gone[: len(place)] == place for gone in removed)


def _take_out(document: dict[str, Any], place: Place) -> Place:
    """Remove what is wrong, and return what had to go.

    A missing key takes its object with it, an entry of a list the whole list.
    """
    cut = _existing(document, place)
    while cut and isinstance(cut[-1], int):
        cut = cut[:-1]
    if not cut:
        document["fleet_name"] = "unnamed"  # the only key that a plan must have
        return place
    holder: Any = document
    for part in cut[:-1]:
        holder = holder[part]
    del holder[cut[-1]]
    return cut


def _existing(document: dict[str, Any], place: Place) -> Place:
    """Return *place*, or the object that lacks it."""
    here: Any = document
    for at, part in enumerate(place):
        if not has_part(here, part):
            return place[:at]
        here = here[part]
    return place


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        problem = Problem("", str(path), f"cannot be read: {error.strerror or error}")
        raise PlanError([problem], str(path)) from None
