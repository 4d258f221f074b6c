"""How long a run is expected to take, and what that rests on.

What the fleet has learnt counts, then what the author of the task said, and then a time that is
assumed, and said to be. A preview does not learn from the runs that it makes up.
"""

from collections.abc import Iterable
from typing import Final

from coordinator.core.history import Expectation, History, history_from
from coordinator.core.records import Record
from coordinator.core.tasks import Task

ASSUMED: Final = "assumed"
ASSUMED_MS: Final = 600_000
"""What a run is assumed to take when nothing at all is known of it: ten minutes."""


def learnt(marks: Iterable[tuple[str, str, Record]]) -> History:
    """Return what *marks* remember of how long work takes."""
    history = History()
    for kind, key, record in marks:
        if kind == "history":
            history_from(history, key, record)
    return history


def expected(history: History, task: Task, agent: str, assumed_ms: int) -> Expectation:
    """Return how long a run of *task* on *agent* is expected to take, within its own limit."""
    found = history.expected_ms(task.mode, agent, task.terms.estimated_ms)
    if found is None:
        found = Expectation(assumed_ms, ASSUMED)
    limit_ms = task.terms.run_limit_ms
    return found if limit_ms is None or found.ms <= limit_ms else found._replace(ms=limit_ms)
