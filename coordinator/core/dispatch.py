"""Matching: give the first runnable task to the best agent that is free for it, until none is left.

Only what something woke is looked at: the boards of an agent that became free, a shape whose head
is new, the signatures that a gate was the last to close. Nothing else can make a match possible
that was not possible before.
"""

from typing import Final

from coordinator.core.agents import Agent
from coordinator.core.assignments import assign
from coordinator.core.cooldowns import held_back
from coordinator.core.queue.shapes import Key, Shape
from coordinator.core.scoring import Score, fits, score
from coordinator.core.turn import Turn
from protocol.vocabulary import Priority

SAMPLED: Final = 8
SAMPLED_PER_BOARD: Final = 4


def dispatch(turn: Turn) -> None:
    """Assign everything that can be assigned now."""
    state = turn.state
    if not state.is_offering:
        return
    while state.awake or state.lines or state.ready:
        best = _first_match(turn, but_critical=False)
        if best is not None and _critical_has_its_share(turn, best):
            best = _first_match(turn, but_critical=True) or best
        if best is None:
            return
        task, chosen = best.head(), choose(turn, best)
        if task is None or chosen is None:
            raise AssertionError(f"{best} was offered without a task or a taker")
        agent, scored = chosen
        assign(turn, task, agent)
        if task.attempt is not None:
            task.attempt.score = scored


def _first_match(turn: Turn, *, but_critical: bool) -> Shape | None:
    """Return the shape whose head goes next, of those that somebody free may take now.

    What offers nothing any more is not looked at again until something wakes it.
    """
    state = turn.state
    best: tuple[Key, Shape] | None = None

    def takes(shape: Shape) -> bool:
        if but_critical and shape.kind.priority is Priority.CRITICAL:
            return False
        return _has_taker(turn, shape)

    def consider(found: tuple[Key, Shape] | None) -> bool:
        nonlocal best
        if found is not None and (best is None or found[0] < best[0]):
            best = found
        return found is not None or but_critical

    for board in list(state.awake):
        if not consider(board.best(takes) if board.free else None):
            del state.awake[board]
    for signature in list(state.lines):
        if not consider(signature.line.first(takes) if signature.is_open else None):
            del state.lines[signature]
    for shape in list(state.ready.values()):
        key = shape.key() if shape.signature.is_open and takes(shape) else None
        if not consider(None if key is None else (key, shape)):
            del state.ready[shape.number]
    return best[1] if best else None


def _critical_has_its_share(turn: Turn, shape: Shape) -> bool:
    """Say whether critical tasks hold as much of the fleet as they may while others wait."""
    if shape.kind.priority is not Priority.CRITICAL:
        return False
    share = turn.state.policy.ageing.critical_max_share
    if share >= 1:
        return False
    slots = held = 0
    for agent in turn.state.agents.values():
        if agent.is_present:
            slots += agent.slots
        held += sum(task.priority is Priority.CRITICAL for task in agent.held.values())
    return held >= max(1, int(slots * share))


def may_take(turn: Turn, agent: Agent, shape: Shape) -> bool:
    """Say whether *agent*, who is free, may start a task of *shape* now."""
    kind, joined = shape.kind, agent.agent_class
    if joined is None or agent.name in kind.excluded:
        return False
    if agent.cooldowns and held_back(agent, kind.type_keys, turn.now.wall_ms) is not None:
        return False
    if kind.must_fit and not fits(turn, shape):
        return False
    return kind.pin is None or joined.key.takes(shape)


def _has_taker(turn: Turn, shape: Shape) -> bool:
    for board in shape.boards:
        for agent in board.free.values():
            if may_take(turn, agent, shape):
                return True
    return False


def choose(turn: Turn, shape: Shape) -> tuple[Agent, Score] | None:
    """Return the best free agent for *shape*, of a few that have idled longest; see :func:`score`.

    The boards of a shape stand in the order of their agents' scores as far as a class knows it.
    """
    best: tuple[Agent, Score] | None = None
    sampled = 0
    for board in shape.boards:
        on_board = 0
        for agent in board.free.values():
            if not may_take(turn, agent, shape):
                continue
            scored = score(turn, agent, shape)
            if best is None or scored < best[1]:
                best = agent, scored
            on_board += 1
            if on_board >= SAMPLED_PER_BOARD:
                break
        sampled += on_board
        if sampled >= SAMPLED:
            break
    return best
