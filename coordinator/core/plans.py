"""A new plan in force: limits change at once, and everything that waits is judged by it anew.

Nobody loses work by it: what runs keeps its place at the new gates, even beyond a lower limit, and
what does not fit any more drains away.
"""

from coordinator.core.budgets import judge_budget
from coordinator.core.cooldowns import narrow
from coordinator.core.policy import Policy
from coordinator.core.pools.scaling import take_pools
from coordinator.core.recurrence.runs import take_schedules
from coordinator.core.standing import refresh
from coordinator.core.state import State
from coordinator.core.tasks import Phase, Task
from coordinator.core.turn import Turn
from coordinator.core.waiting import unqueue, wait


def on_plan_applied(turn: Turn, policy: Policy) -> None:
    """Put *policy* in force."""
    state = turn.state
    waiting = [task for task in state.tasks.values() if task.phase is Phase.READY]
    for task in waiting:
        unqueue(task)
    state.policy = policy
    _forget_derived(state)
    narrow(state, turn.now.wall_ms)
    judge_budget(turn)
    for name in policy.agents:
        state.agent(name)
    for agent in state.agents.values():
        agent.policy = policy.agent(agent.name)
        agent.judge_again_ms = 0
        for task in agent.held.values():
            take_places(state, task, turn.now.wall_ms)
    for agent in state.agents.values():
        refresh(turn, agent)
        turn.show(agent)
    for task in waiting:
        wait(turn, task)
    take_schedules(turn)
    take_pools(turn)
    turn.rehost()
    turn.tell("plan_applied", None, f"the plan of {policy.fleet_name} is in force")


def _forget_derived(state: State) -> None:
    """Drop every gate, shape and class: they follow from the plan and are made again."""
    for agent in state.agents.values():
        state.leave_class(agent)
        agent.own_board.withdraw()
    state.gates.clear()
    state.signatures.clear()
    state.shapes.clear()
    state.fitting.clear()
    state.classes.clear()
    state.awake.clear()
    state.lines.clear()
    state.ready.clear()


def take_places(state: State, task: Task, wall_ms: int) -> None:
    """Let *task*, which is assigned, hold its places at the gates of the plan in force."""
    task.permits = state.shape_of(task, wall_ms).signature.counted
    for gate in task.permits:
        gate.acquire(task.id)
