"""Charging a run to every cap that counts it: those that tasks share, and its agent's own.

What an agent holds and has not been charged for is reserved: it may still begin. So offers at the
same time cannot overshoot the cap of an agent with several slots.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from coordinator.core.caps import cap_key, charge_gates
from coordinator.core.effects import SaveMark, SaveTask
from coordinator.core.gating import usage_of
from coordinator.core.policy import Cap

if TYPE_CHECKING:
    from coordinator.core.agents import Agent
    from coordinator.core.state import State
    from coordinator.core.tasks import Attempt, Task
    from coordinator.core.turn import Turn


def caps_of_agent(state: "State", agent: "Agent") -> Iterator[Cap]:
    """Return the caps that count what *agent* runs."""
    scope = f"agent:{agent.name}"
    return (cap for cap in state.policy.caps if cap.scope == scope)


def reserved(agent: "Agent", cap: Cap) -> int:
    """Count what *agent* holds that *cap* has not been charged for."""
    key = cap_key(cap)
    return sum(key not in task.charged for task in agent.held.values())


def charge(turn: "Turn", task: "Task", attempt: "Attempt", *, count: str) -> None:
    """Charge *task* to all caps that count ``started`` or ``completed`` runs, as *count* says."""
    charge_gates(turn, task, attempt, count=count)
    agent = turn.state.agent(attempt.agent)
    for cap in caps_of_agent(turn.state, agent):
        key = cap_key(cap)
        if cap.count != count or key in task.charged:
            continue
        used = usage_of(turn.state, key, cap.period, turn.now.wall_ms)
        if attempt.started_ms is None or attempt.started_ms >= used.period.start_ms:
            used.amount += 1
            turn.do(SaveMark("usage", key))
        task.charged |= {key}
        turn.do(SaveTask(task.id))


def judge_anew(turn: "Turn", agent: "Agent") -> None:
    """Let *agent* be judged again if what it holds, which has changed, counts for it."""
    if agent.policy.max_daily_runtime_ms is not None or any(caps_of_agent(turn.state, agent)):
        agent.judge_again_ms = 0
