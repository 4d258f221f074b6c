"""An agent's standing: to which class it belongs, and whether it is free to take something."""

from coordinator.core.agents import Agent
from coordinator.core.blocks import NEVER_MS, judge
from coordinator.core.queue.classes import ClassKey
from coordinator.core.state import State
from coordinator.core.timers import Due
from coordinator.core.turn import Turn
from coordinator.core.why.obstacles import obstacles_of


def class_key(agent: Agent) -> ClassKey:
    """Say to which class *agent* belongs by what is known of it now."""
    return ClassKey(
        capabilities=agent.capabilities,
        health=agent.tier,
        in_maintenance=agent.is_in_maintenance,
    )


def can_start(turn: Turn, agent: Agent) -> bool:
    """Say whether *agent* could start something now, if there were something for it."""
    if agent.blocks or not agent.is_present or not agent.takes_work or agent.boot is None:
        return False
    if len(agent.held) >= agent.slots:
        return False
    behind = agent.behind_since_ms
    return behind is None or turn.now.mono_ms - behind <= turn.state.policy.lease.offer_timeout_ms


def refresh(turn: Turn, agent: Agent) -> None:
    """Put *agent* where it belongs now, and wake what it looks at if it can start something."""
    state = turn.state
    _weigh(state, agent)
    if turn.now.wall_ms >= agent.judge_again_ms:
        _judge(turn, agent)
    joined = agent.agent_class
    key = class_key(agent)
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
    joined.note(agent, obstacles_of(turn, agent))


def _weigh(state: State, agent: Agent) -> None:
    """Count what *agent* holds on the machine that it is on."""
    weighs = agent.machine, len(agent.held)
    if weighs != agent.weighs:
        machine, held = agent.weighs
        state.loads[machine] -= held
        state.loads[weighs[0]] += weighs[1]
        agent.weighs = weighs


def _judge(turn: Turn, agent: Agent) -> None:
    before = agent.blocks
    agent.blocks, again_ms = judge(turn.state, agent, turn.now.wall_ms)
    agent.judge_again_ms = again_ms
    if again_ms < NEVER_MS and again_ms != agent.judge_timer_ms:
        agent.judge_timer_ms = again_ms
        turn.state.timers.at_wall(again_ms, Due.AGENT, agent.name)
    if [block.code for block in before] != [block.code for block in agent.blocks]:
        turn.show(agent)
