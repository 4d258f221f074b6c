"""Who stands before a task: the shapes with older work, how much of it, and what it would use.

Counts are exact up to a budget of looks; beyond it they are upper bounds, and say so. That errs on
the safe side: a task is never said to be further ahead than it is.
"""

from dataclasses import dataclass
from typing import Final

from coordinator.core.gates import CountedGate, Gate
from coordinator.core.queue.board import Board
from coordinator.core.queue.shapes import BAND, Key, Shape
from coordinator.core.state import State
from coordinator.core.tasks import Task
from protocol.vocabulary import Priority

_LOOKS: Final = 3_000
_LOOKS_AT_ONE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Rival:
    """A shape in which ``count`` tasks stand before the one in question."""

    shape: Shape
    count: int
    is_exact: bool
    closed: frozenset[str]
    """Gates that keep it from starting now."""
    uses: frozenset[str]
    """Gates at which it takes a place."""
    boards: frozenset[Board]


def uses_place(gate: Gate) -> bool:
    """Say whether whoever passes *gate* leaves less room for others."""
    return isinstance(gate, CountedGate) or gate.key.startswith("cooldown:")


def place_of(task: Task, shape: Shape, enqueued_ms: int | None = None) -> Key:
    """Return the place of *task* in the order of all tasks, if it waited in *shape*."""
    since_ms = task.enqueued_ms if enqueued_ms is None else enqueued_ms
    return Key(BAND[shape.kind.priority], since_ms - shape.head_start_ms, task.id)


def boards_of(state: State, shape: Shape) -> frozenset[Board]:
    """Return the boards of all agents that may take from *shape*, pinned or not."""
    boards = set(shape.boards)
    pinned = state.agents.get(shape.kind.pin) if shape.kind.pin is not None else None
    if pinned is not None and pinned.agent_class is not None:
        boards.add(pinned.agent_class.board)
    return frozenset(boards)


def rivals_of(state: State, shape: Shape, place: Key) -> list[Rival]:
    """List the shapes with tasks before *place*, those nearest to *shape* first."""
    shares_critical = state.policy.ageing.critical_max_share < 1
    everyone = shape.kind.priority is Priority.CRITICAL and shares_critical
    mine = set(shape.kind.gates)
    waiting = sorted(
        (other for other in state.shapes.values() if other.live),
        key=lambda other: (other.kind != shape.kind, -len(mine.intersection(other.kind.gates))),
    )
    looks = _LOOKS
    found: list[Rival] = []
    for other in waiting:
        first = other.key()
        overtakes = everyone and other.kind.priority is not Priority.CRITICAL
        if first is None or (first >= place and not overtakes):
            continue
        if overtakes:  # critical tasks may hold only their share while others wait
            count, is_exact = other.live, True
        elif looks:
            bound = min(_LOOKS_AT_ONE, looks)
            count = other.count_before(place, bound)
            looks = max(0, looks - count - 1)
            is_exact = count < bound
            count = count if is_exact else other.live
        else:
            count, is_exact = other.live, False
        found.append(
            Rival(
                other,
                count,
                is_exact,
                frozenset(gate.key for gate in other.signature.gates if not gate.is_open),
                frozenset(gate.key for gate in other.signature.gates if uses_place(gate)),
                boards_of(state, other),
            )
        )
    return found
