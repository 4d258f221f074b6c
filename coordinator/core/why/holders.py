"""Who holds the places at a limit, by name, and when each is expected to give its place back."""

from collections.abc import Iterable
from itertools import islice
from typing import Any, Final, NamedTuple

from coordinator.core.instant import Instant
from coordinator.core.state import State
from coordinator.core.tasks import Task

SHOWN: Final = 10
_ASKED: Final = 128


class Ending(NamedTuple):
    """When a running task is expected to end (wall clock), and what that rests on."""

    at_ms: int
    basis: str


def ending_of(state: State, task: Task, now: Instant) -> Ending | None:
    """Say when *task*, which is lent to somebody, is expected to end."""
    attempt = task.attempt
    if attempt is None:
        return None
    expected = state.history.expected_ms(task.mode, attempt.agent, task.terms.estimated_ms)
    if expected is None:
        return None
    began_ms = attempt.started_ms if attempt.started_ms is not None else attempt.offered_ms
    at_ms = began_ms + expected.ms
    if at_ms <= now.wall_ms:
        return Ending(now.wall_ms, f"{expected.basis}, which it has outlasted")
    return Ending(at_ms, expected.basis)


def holders_of(state: State, names: Iterable[str], now: Instant) -> list[dict[str, Any]]:
    """Render a few of those who hold a place, the longest holder first."""
    shown = []
    for name in islice(names, SHOWN):
        task = state.tasks.get(name)
        if task is None or task.attempt is None:
            continue
        attempt, ending = task.attempt, ending_of(state, task, now)
        since_ms = attempt.started_ms if attempt.started_ms is not None else attempt.offered_ms
        shown.append(
            {
                "task": name,
                "name": task.name,
                "agent": attempt.agent,
                "phase": task.phase.value,
                "since_ms": since_ms,
                "p50_left_s": None if ending is None else (ending.at_ms - now.wall_ms) / 1000,
                "ends_ms": None if ending is None else ending.at_ms,
            }
        )
    return shown


def releases(state: State, names: Iterable[str], now: Instant) -> list[Ending]:
    """List when places are expected to come back, soonest first; unknown ones are left out."""
    endings = (
        ending_of(state, task, now)
        for name in islice(names, _ASKED)
        if (task := state.tasks.get(name)) is not None
    )
    return sorted(ending for ending in endings if ending is not None)
