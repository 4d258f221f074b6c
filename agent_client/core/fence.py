"""The identity of one assignment: a task, and the number that makes it this agent's alone."""

from typing import NamedTuple


class Fence(NamedTuple):
    """One assignment of one task; a later assignment of the same task has a higher number."""

    task: str
    number: int
