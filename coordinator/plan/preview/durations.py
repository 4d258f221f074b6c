"""How long a run is expected to take, and by what that is known."""

from enum import StrEnum
from typing import Final, NamedTuple

from coordinator.core.tasks import Task
from coordinator.plan.preview.snapshot import Snapshot

ASSUMED_MS: Final = 600_000
"""What a run is assumed to take when nothing at all is known of it: ten minutes."""


class Basis(StrEnum):
    """By what a duration is known, best first."""

    NAME = "history_of_name"
    ESTIMATE = "estimate"
    """Its author says so."""
    MODE = "history_of_mode"
    ASSUMED = "assumed"


class Expected(NamedTuple):
    """How long a run is expected to take."""

    ms: int
    basis: Basis


def expected(task: Task, snapshot: Snapshot, assumed_ms: int) -> Expected:
    """Return how long a run of *task* is expected to take, within its own limit."""
    found = _unlimited(task, snapshot, assumed_ms)
    limit_ms = task.terms.run_limit_ms
    return found if limit_ms is None or found.ms <= limit_ms else found._replace(ms=limit_ms)


def _unlimited(task: Task, snapshot: Snapshot, assumed_ms: int) -> Expected:
    usual = snapshot.usual_ms
    if (known_ms := usual.get(f"name:{task.name}")) is not None:
        return Expected(known_ms, Basis.NAME)
    if task.terms.estimated_ms is not None:
        # What its author says of this task is nearer than what others of its mode have taken.
        return Expected(task.terms.estimated_ms, Basis.ESTIMATE)
    if (known_ms := usual.get(f"mode:{task.mode}")) is not None:
        return Expected(known_ms, Basis.MODE)
    return Expected(assumed_ms, Basis.ASSUMED)
