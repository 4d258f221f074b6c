"""What a mutant is made of: named functions or attributes that are replaced while a world runs."""

from collections.abc import Callable
from typing import Any, TypeAlias

from coordinator.core.assignments import end_attempt
from coordinator.core.losses import lost_attempt
from coordinator.core.tasks import Task
from coordinator.core.turn import Turn
from tests.simulation.words import make

Patch: TypeAlias = tuple[Any, str, Any]
Mutants: TypeAlias = dict[str, Callable[[], list[Patch]]]


def never(*_args: object) -> None:
    return None


def nothing(*_args: object, **_more: object) -> None:
    return None


def altered(message: Any, **fields: Any) -> Any:
    """Return *message* with other *fields*, unchecked."""
    return make(type(message), {**message.__dict__, **fields})


def lose(turn: Turn, task: Task, outcome: str) -> None:
    """Take *task* back, and let it be lent again."""
    end_attempt(turn, task, outcome)
    lost_attempt(turn, task, "a mutant")
