"""Matching: give the first runnable task to the best agent that is free for it, until none is left.

Only boards that something woke are looked at: an agent became free, a task became the first of
its shape, or a gate opened. Nothing else can make a match possible that was not possible before.
"""

from typing import Final

from coordinator.core.agents import Agent
from coordinator.core.assignments import assign
from coordinator.core.cooldowns import held_back
from coordinator.core.queue.shapes import Key, Shape
from coordinator.core.scoring import Score, fits, score
from coordinator.core.turn import Turn
from protocol.vocabulary import Priority

SAMPLED_PER_CLASS: Final = 8


def dispatch(turn: Turn) -> None:
    """Assign everything that can be assigned now."""
    state = turn.state
    if not state.is_offering:
        return
    while state.awake:
        best = _first_match(turn, but_critical=False)
        if best is not None and _critical_has_its_share(turn, best):
            best = _first_match(turn, but_critical=True) or best
        if best is None:
            state.awake.clear()
            return
        task, agent = best.head(), choose(turn, best)
        if task is None or agent is None:
            raise AssertionError(f"{best} was offered without a task or a taker")
        assign(turn, task, agent)


def _first_match(turn: Turn, *, but_critical: bool) -> Shape | None:
    """Return the shape whose head goes next, of those that somebody free may take now."""
    state = turn.state
    best: tuple[Key, Shape] | None = None

    def takes(shape: Shape) -> bool:
        if but_critical and shape.kind.priority is Priority.CRITICAL:
            return False
        return _has_taker(turn, shape)

    for board in list(state.awake):
        found = board.best(takes) if board.free else None
        if found is not None:
            if best is None or found[0] < best[0]:
                best = found
        elif not but_critical:
            del state.awake[board]
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
    return any(
        may_take(turn, agent, shape) for board in shape.boards for agent in board.free.values()
    )


def choose(turn: Turn, shape: Shape) -> Agent | None:
    """Return the best free agent for *shape*, of a few of each class; see :func:`score`."""
    best: Agent | None = None
    best_score: Score | None = None
    for board in shape.boards:
        sampled = 0
        for agent in board.free.values():
            if not may_take(turn, agent, shape):
                continue
            scored = score(turn, agent)
            if best_score is None or scored < best_score:
                best, best_score = agent, scored
            sampled += 1
            if sampled >= SAMPLED_PER_CLASS:
                break
    return best
