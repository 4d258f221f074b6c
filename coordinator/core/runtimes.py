"""How long agents have worked: today's running time, and when continuous work calls for rest."""

from typing import TYPE_CHECKING

from coordinator.core.blocks import runtime_key
from coordinator.core.effects import SaveAgent, SaveMark
from coordinator.core.gating import usage_of
from coordinator.core.usage import DAY

if TYPE_CHECKING:
    from coordinator.core.agents import Agent
    from coordinator.core.tasks import Attempt
    from coordinator.core.turn import Turn


def note_busy(turn: "Turn", agent: "Agent") -> None:
    """Note that *agent* is given something; a short gap before it counts as work."""
    now_ms = turn.now.wall_ms
    if agent.held:
        return
    merge_gap_ms = max((rest.merge_gap_ms for rest in turn.state.policy.rests), default=0)
    idle_ms = now_ms - agent.idle_since_ms if agent.idle_since_ms is not None else None
    if agent.busy_since_ms is None or idle_ms is None or idle_ms > merge_gap_ms:
        agent.busy_since_ms = now_ms


def note_ran(turn: "Turn", agent: "Agent", attempt: "Attempt") -> int:
    """Count the running time of *attempt*, which is over, to today; return it in ms.

    What ran before the day began is of the day before; it is split to the millisecond.
    """
    now_ms = turn.now.wall_ms
    _call_for_rest(turn, agent)
    if attempt.started_ms is None:
        return 0
    if agent.policy.max_daily_runtime_ms is not None:
        used = usage_of(turn.state, runtime_key(agent), DAY, now_ms)
        used.amount += used.period.overlap_ms(attempt.started_ms, now_ms)
        turn.do(SaveMark("usage", used.key))
    return max(0, now_ms - attempt.started_ms)


def _call_for_rest(turn: "Turn", agent: "Agent") -> None:
    now_ms = turn.now.wall_ms
    for rest in turn.state.policy.rests:
        since_ms = agent.busy_since_ms
        if since_ms is not None and now_ms - since_ms >= rest.after_ms:
            agent.resting_until_ms = now_ms + rest.rest_ms
            agent.busy_since_ms = None
            agent.judge_again_ms = 0
            turn.do(SaveAgent(agent.name))
    if not agent.held:
        agent.idle_since_ms = now_ms
