"""Who stands before a task: the shapes with older work, how much of it, and what it would use.

Counts are exact up to a budget of looks; beyond it they are upper bounds, and say so. That errs on
the safe side: a task is never said to be further ahead than it is.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, TypeAlias

from coordinator.core.gates import CountedGate, Gate, Signature
from coordinator.core.queue.board import Board
from coordinator.core.queue.shapes import BAND, Key, Shape
from coordinator.core.state import State
from coordinator.core.tasks import Task
from protocol.vocabulary import Priority

_LOOKS: Final = 500
_LOOKS_AT_ONE: Final = 200
_LOOKS_AT_OWN: Final = 600
"""Its own place in line is what a task's author wants to know exactly."""

_Passage: TypeAlias = tuple[frozenset[str], tuple[Gate, ...], frozenset[str]]
"""What a signature says of its shapes: closed gates, gates that give places, and their keys."""


@dataclass(frozen=True, slots=True)
class Rival:
    """A shape in which ``count`` tasks stand before the one in question."""

    shape: Shape
    count: int
    is_exact: bool
    closed: frozenset[str]
    """Gates that keep it from starting now."""
    gates: tuple[Gate, ...]
    """Gates at which it takes a place."""
    uses: frozenset[str]
    """The keys of these."""
    boards: Collection[Board]
    has_free: bool
    """Whether somebody who looks at its boards is free."""


def uses_place(gate: Gate) -> bool:
    """Say whether whoever passes *gate* leaves less room for others."""
    return isinstance(gate, CountedGate) or gate.key.startswith("cooldown:")


def place_of(task: Task, shape: Shape, enqueued_ms: int | None = None) -> Key:
    """Return the place of *task* in the order of all tasks, if it waited in *shape*."""
    since_ms = task.enqueued_ms if enqueued_ms is None else enqueued_ms
    return Key(BAND[shape.kind.priority], since_ms - shape.head_start_ms, task.id)


def boards_of(state: State, shape: Shape) -> Collection[Board]:
    """Return the boards of all agents that may take from *shape*, pinned or not."""
    if shape.kind.pin is None:
        return shape.boards
    pinned = state.agents.get(shape.kind.pin)
    own = () if pinned is None or pinned.agent_class is None else (pinned.agent_class.board,)
    return {*shape.boards, *own}


def rivals_of(state: State, shape: Shape, place: Key, *, behind_too: bool = False) -> list[Rival]:
    """List the shapes with tasks before *place*, those that share most gates with *shape* first.

    With *behind_too* everybody else who waits counts: while a task cannot start yet, those behind
    it may.
    """
    shares_critical = state.policy.ageing.critical_max_share < 1
    critical = shape.kind.priority is Priority.CRITICAL and shares_critical
    mine = set(shape.kind.gates)
    waiting = sorted(
        (other for other in state.shapes.values() if other.live),
        key=lambda other: -len(mine.intersection(other.kind.gates)),
    )
    looks = _LOOKS
    known: dict[Signature, _Passage] = {}
    found: list[Rival] = []
    for other in waiting:
        first = other.key()
        # Critical tasks may hold only their share of the fleet while others wait.
        overtakes = behind_too or (critical and other.kind.priority is not Priority.CRITICAL)
        if first is None or (first >= place and not overtakes):
            continue
        if overtakes:
            count, is_exact = other.live, True
        elif other.kind == shape.kind:
            count = other.count_before(place, _LOOKS_AT_OWN)
            is_exact = count < _LOOKS_AT_OWN
            count = count if is_exact else other.live
        elif looks:
            bound = min(_LOOKS_AT_ONE, looks)
            count = other.count_before(place, bound)
            looks = max(0, looks - count - 1)
            is_exact = count < bound
            count = count if is_exact else other.live
        else:
            count, is_exact = other.live, False
        found.append(_rival(state, other, count, known, is_exact=is_exact))
    return found


def _rival(
    state: State, shape: Shape, count: int, known: dict[Signature, _Passage], *, is_exact: bool
) -> Rival:
    signature = shape.signature
    passage = known.get(signature)
    if passage is None:
        using = tuple(gate for gate in signature.gates if uses_place(gate))
        closed = frozenset(gate.key for gate in signature.gates if not gate.is_open)
        passage = known[signature] = closed, using, frozenset(gate.key for gate in using)
    boards = boards_of(state, shape)
    return Rival(shape, count, is_exact, *passage, boards, any(board.free for board in boards))
