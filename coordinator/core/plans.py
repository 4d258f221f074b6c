"""A new plan in force: limits change at once, and everything that waits is judged by it anew."""

from coordinator.core.gates import PermitGate
from coordinator.core.policy import Policy
from coordinator.core.standing import refresh
from coordinator.core.tasks import Phase
from coordinator.core.turn import Turn
from coordinator.core.waiting import unqueue, wait


def on_plan_applied(turn: Turn, policy: Policy) -> None:
    """Put *policy* in force. Nobody loses work by it; what does not fit any more drains away."""
    state = turn.state
    state.policy = policy
    for gate in state.gates.values():
        if isinstance(gate, PermitGate):
            gate.resize(policy.limit(gate.key))
    for agent in state.agents.values():
        agent.policy = policy.agent(agent.name)
    for name in policy.agents:
        state.agent(name)
    waiting = [task for task in state.tasks.values() if task.phase is Phase.READY]
    for task in waiting:
        unqueue(task)
    state.shapes.clear()
    for agent_class in list(state.classes.values()):
        agent_class.board.withdraw()
    for agent in state.agents.values():
        agent.own_board.withdraw()
    for task in waiting:
        wait(turn, task)
    for agent in state.agents.values():
        refresh(turn, agent)
        turn.show(agent)
    turn.tell("plan_applied", None, f"plan of {policy.fleet_name} applied")
