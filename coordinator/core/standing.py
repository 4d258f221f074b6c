"""An agent's standing: to which class it belongs, and whether it is free to take something."""

from coordinator.core.agents import Agent
from coordinator.core.queue.classes import ClassKey
from coordinator.core.turn import Turn
from protocol.vocabulary import AgentStatus


def class_key(agent: Agent) -> ClassKey:
    """Say to which class *agent* belongs by what is known of it now."""
    return ClassKey(
        capabilities=agent.capabilities,
        health=agent.tier,
        in_maintenance=agent.status is AgentStatus.MAINTENANCE,
    )


def can_start(turn: Turn, agent: Agent) -> bool:
    """Say whether *agent* could start something now, if there were something for it."""
    if not agent.is_present or not agent.takes_work or agent.boot is None:
        return False
    if len(agent.held) >= agent.slots:
        return False
    behind = agent.behind_since_ms
    return behind is None or turn.now.mono_ms - behind <= turn.state.policy.lease.offer_timeout_ms


def refresh(turn: Turn, agent: Agent) -> None:
    """Put *agent* where it belongs now, and wake what it looks at if it has become free."""
    state = turn.state
    key = class_key(agent)
    joined = agent.agent_class
    if joined is None or joined.key != key:
        state.leave_class(agent)
        joined = state.enter_class(agent, key)
    if can_start(turn, agent):
        if not agent.is_free:
            agent.free[agent.name] = agent
            joined.free[agent.name] = agent
        state.awake[joined.board] = None
        state.awake[agent.own_board] = None
    elif agent.is_free:
        agent.free.clear()
        joined.free.pop(agent.name, None)
