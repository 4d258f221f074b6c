"""What can be wrong with a fleet plan, said so that its author can put it right.

A reader of the plan gets every problem at once, each with the place, the value that stands
there, what is wrong with it and, where one is known, what would be right. Errors keep a plan
from being used; warnings do not.
"""

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from protocol.errors import FleetBusError

HIDDEN: Final = "***"

_SHORT: Final = 60
_NUMBER: Final = re.compile(r"(\d+)")


class Severity(StrEnum):
    """Whether a plan with this problem can be used."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, at one place of the plan.

    ``path`` reads like ``agents[0].heartbeat_interval`` and is empty for the plan as a whole. A
    problem travels to logs and screens, so an address, which may hold a secret, is hidden.
    """

    path: str
    value: object
    message: str
    suggestion: str | None = None
    severity: Severity = Severity.ERROR

    def __post_init__(self) -> None:
        if "://" in str(self.value):
            object.__setattr__(self, "value", HIDDEN)

    def __str__(self) -> str:
        hint = f"; {self.suggestion}" if self.suggestion else ""
        return f"{self.severity}: {self.headline}{hint}"

    @property
    def headline(self) -> str:
        """The place, the value when it is short, and what is wrong with it."""
        value = "" if self.value is None else json.dumps(self.value, default=str)
        is_short = 0 < len(value) <= _SHORT and not isinstance(self.value, dict)
        return f"{self.path or 'the plan'}{f' = {value}' if is_short else ''}: {self.message}"


class PlanError(FleetBusError):
    """A plan that cannot be used; ``problems`` holds everything that is wrong with it."""

    def __init__(self, problems: Iterable[Problem], source: str = "the fleet plan") -> None:
        self.problems = by_path(problems)
        self.source = source
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(f"{source} cannot be used:\n{lines}")


def warning(path: str, value: object, message: str, suggestion: str | None = None) -> Problem:
    """Build a problem that does not keep the plan from being used."""
    return Problem(path, value, message, suggestion, Severity.WARNING)


def by_path(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sort *problems* by path, with ``agents[10]`` after ``agents[9]``, and drop repetitions."""
    unique: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        unique.setdefault((problem.path, problem.message), problem)
    return tuple(sorted(unique.values(), key=_order))


def has_errors(problems: Iterable[Problem]) -> bool:
    """Whether any of *problems* keeps the plan from being used."""
    return any(problem.severity is Severity.ERROR for problem in problems)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return a question naming the known word nearest to *word*, if one is near."""
    choices = {choice.lower(): choice for choice in known}
    near = difflib.get_close_matches(word.lower(), choices, n=1, cutoff=0.6)
    return f"did you mean {choices[near[0]]!r}?" if near else None


def _order(problem: Problem) -> tuple[list[tuple[int, str]], str]:
    parts = _NUMBER.split(problem.path)
    natural = [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
    return natural, problem.message
