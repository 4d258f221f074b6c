"""Which of several free agents is the best for a task: the lowest score.

In this order: an agent in its preferred hours, in better health, not failing at it more than
others, with the fewest abilities to spare (so that rare ones stay free), preferred by the plan,
on the machine that does least, and not slower at it than others.
Among equals the one that has idled longest comes first. The score is a pure function of the state,
so the same state always chooses the same agent.
"""

from typing import Final, NamedTuple

from coordinator.core.agents import Agent
from coordinator.core.civil.hours import hours_windows
from coordinator.core.civil.unions import any_open
from coordinator.core.civil.windows import closes_at
from coordinator.core.history import History
from coordinator.core.openings import WindowGate
from coordinator.core.queue.classes import TIER
from coordinator.core.queue.shapes import Shape
from coordinator.core.turn import Turn
from protocol.vocabulary import Priority


class Score(NamedTuple):
    """How an agent was judged, each part only deciding where all before it are equal."""

    out_of_hours: int
    ill_health: int
    failing: int
    spare_abilities: int
    rank: int
    machine_load: int
    slowness: int


_RANK: Final = {priority: rank for rank, priority in enumerate(Priority)}


def score(turn: Turn, agent: Agent, shape: Shape) -> Score:
    """Judge *agent* for a task of *shape*; the lower, the better.

    What was learnt counts against those who do worse than is usual, and for nobody: or whoever
    happened to begin would get everything. It counts coarsely: small differences are chance.
    """
    hours = agent.policy.preferred_hours
    out_of_hours = 0
    if hours:
        windows = hours_windows(hours, agent.policy.zone)
        out_of_hours = 0 if any_open(windows, turn.now.wall_ms) else 1
    return Score(
        out_of_hours,
        -TIER[agent.tier],
        _failing(turn.state.history, shape.kind.mode, agent.name),
        len(agent.capabilities),
        _RANK[agent.policy.priority],
        turn.state.loads[agent.machine] if agent.machine else 0,
        _slowness(turn.state.history, shape.kind.mode, agent.name),
    )


def _failing(history: History, mode: str, agent: str) -> int:
    """Return by how many tenths *agent* succeeds less often at *mode* than is usual."""
    return max(0, round(10 * (history.success_rate(mode) - history.success_rate(mode, agent))))


def _slowness(history: History, mode: str, agent: str) -> int:
    """Return how many times twice as long as usual *agent* takes for *mode*."""
    usual, own = history.expected_ms(mode, None), history.expected_ms(mode, agent)
    if usual is None or own is None:
        return 0
    return max(0, int(own.ms).bit_length() - int(usual.ms).bit_length())


def fits(turn: Turn, shape: Shape) -> bool:
    """Say whether a task of *shape* is expected to end before its window closes.

    Expected is the median of its mode's runs, and its author's estimate until there are some.
    """
    expected = turn.state.history.expected_ms(shape.kind.mode, None, shape.kind.estimated_ms)
    if expected is None:
        return True
    ends_ms = turn.now.wall_ms + int(expected.ms)
    for gate in shape.signature.gates:
        if isinstance(gate, WindowGate) and not gate.forbids:
            closings = [closes_at(window, turn.now.wall_ms) for window in gate.windows]
            latest = [closing for closing in closings if closing is not None]
            if latest and max(latest) < ends_ms:
                return False
    return True
