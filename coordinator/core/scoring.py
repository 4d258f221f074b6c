"""Which of several free agents is the best for a task: the lowest score.

In this order: an agent in its preferred hours, in better health, less likely to fail at it, with
the fewest abilities to spare (so that rare ones stay free), preferred by the plan, and quickest.
Among equals the one that has idled longest comes first. The score is a pure function of the state,
so the same state always chooses the same agent.
"""

from typing import Final, TypeAlias

from coordinator.core.agents import Agent
from coordinator.core.civil.hours import hours_windows
from coordinator.core.civil.unions import any_open
from coordinator.core.civil.windows import closes_at
from coordinator.core.openings import WindowGate
from coordinator.core.queue.classes import TIER
from coordinator.core.queue.shapes import Shape
from coordinator.core.turn import Turn
from protocol.vocabulary import Priority

Score: TypeAlias = tuple[int, int, int, int]

_RANK: Final = {priority: rank for rank, priority in enumerate(Priority)}


def score(turn: Turn, agent: Agent) -> Score:
    """Judge *agent*; the lower, the better."""
    hours = agent.policy.preferred_hours
    out_of_hours = 0
    if hours:
        windows = hours_windows(hours, agent.policy.zone)
        out_of_hours = 0 if any_open(windows, turn.now.wall_ms) else 1
    return (
        out_of_hours,
        -TIER[agent.tier],
        len(agent.capabilities),
        _RANK[agent.policy.priority],
    )


def fits(turn: Turn, shape: Shape) -> bool:
    """Say whether a task of *shape* is expected to end before its window closes."""
    expected_ms = shape.kind.estimated_ms
    if expected_ms is None:
        return True
    ends_ms = turn.now.wall_ms + expected_ms
    for gate in shape.signature.gates:
        if isinstance(gate, WindowGate) and not gate.forbids:
            closings = [closes_at(window, turn.now.wall_ms) for window in gate.windows]
            latest = [closing for closing in closings if closing is not None]
            if latest and max(latest) < ends_ms:
                return False
    return True
