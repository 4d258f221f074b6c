"""Matching: give the first runnable task to the best agent that is free for it, until none is left.

Only boards that something woke are looked at: an agent became free, a task became the first of
its shape, or a gate opened. Nothing else can make a match possible that was not possible before.
"""

from typing import Final

from coordinator.core.agents import Agent
from coordinator.core.assignments import assign
from coordinator.core.queue.shapes import Key, Shape
from coordinator.core.turn import Turn
from protocol.vocabulary import Priority

SAMPLED_PER_CLASS: Final = 8
_RANK: Final = {priority: rank for rank, priority in enumerate(Priority)}


def dispatch(turn: Turn) -> None:
    """Assign everything that can be assigned now."""
    state = turn.state
    if not state.is_offering:
        return
    while state.awake:
        best: tuple[Key, Shape] | None = None
        for board in list(state.awake):
            found = None
            if board.free:
                found = board.best(lambda shape: first_taker(shape) is not None)
            if found is None:
                del state.awake[board]
            elif best is None or found[0] < best[0]:
                best = found
        if best is None:
            return
        shape = best[1]
        task, agent = shape.head(), choose(shape)
        if task is None or agent is None:
            raise AssertionError(f"{shape} was offered without a task or a taker")
        assign(turn, task, agent)


def may_take(agent: Agent, shape: Shape) -> bool:
    """Say whether *agent*, who is free, may start a task of *shape* now."""
    joined = agent.agent_class
    if joined is None or agent.name in shape.kind.excluded:
        return False
    return shape.kind.pin is None or (shape.kind.pin == agent.name and joined.key.takes(shape))


def first_taker(shape: Shape) -> Agent | None:
    """Return some free agent that may take from *shape*."""
    for board in shape.boards:
        for agent in board.free.values():
            if may_take(agent, shape):
                return agent
    return None


def choose(shape: Shape) -> Agent | None:
    """Return the best free agent for *shape*.

    Best is, in this order: the one with the fewest abilities to spare, so that rare ones stay
    free; the one that the plan prefers; the one that has idled longest.
    """
    best: Agent | None = None
    best_score: tuple[int, int] | None = None
    for board in shape.boards:
        sampled = 0
        for agent in board.free.values():
            if not may_take(agent, shape):
                continue
            score = (len(agent.capabilities), _RANK[agent.policy.priority])
            if best_score is None or score < best_score:
                best, best_score = agent, score
            sampled += 1
            if sampled >= SAMPLED_PER_CLASS:
                break
    return best
