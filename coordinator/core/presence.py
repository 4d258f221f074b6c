"""Who is there: boots, presence, silence.

A last will is a hint: it makes an agent suspect at once and frees nothing. A boot with a higher
epoch replaces the one before; messages of a lower epoch are ignored. What the broker only
remembered teaches that an agent exists, never that it is alive.
"""

from typing import Final

from coordinator.core.agents import Agent
from coordinator.core.assignments import end_attempt, lease_terms
from coordinator.core.effects import ClearAgent, SaveAgent, ShowAgent
from coordinator.core.losses import lost_attempt
from coordinator.core.standing import refresh
from coordinator.core.tasks import Phase
from coordinator.core.timers import Due
from coordinator.core.turn import Turn
from coordinator.core.verbs import settle_mode
from protocol.messages import Heartbeat, Info, Presence, Report
from protocol.messages.base import FromAgent
from protocol.vocabulary import AgentMode, PresenceState

GONE: Final = frozenset({PresenceState.OFFLINE, PresenceState.LOST})


def on_presence(turn: Turn, said: Presence, *, retained: bool) -> None:
    """Take in what an agent, or its last will, says of its being there."""
    if said.state in GONE and is_leftover(turn, said):
        turn.do(ClearAgent(said.agent))  # late words of whichever boot
        return
    agent = current_boot(turn, said)
    if agent is None:
        return
    if said.epoch <= agent.forgotten_epoch:
        turn.do(ClearAgent(agent.name))
        return
    if said.state is PresenceState.LOST:
        if retained:
            if agent.heard_ms is None:
                agent.presence = said.state
        elif said.conn >= agent.conn and not (agent.suspect or agent.lost):
            _suspect(turn, agent, "its connection was lost")
        return
    if said.conn < agent.conn:
        turn.drop("old_connection")
        return
    agent.conn = said.conn
    agent.prev_boot = said.prev_boot or agent.prev_boot
    if agent.presence is not said.state:
        agent.presence = said.state
        turn.do(SaveAgent(agent.name))
        turn.show(agent)
    if said.state is not PresenceState.OFFLINE and agent.heard_ms is None:
        watch(turn, agent)  # what was only remembered proves nothing and must be followed by words
    refresh(turn, agent)


def on_info(turn: Turn, said: Info) -> None:
    """Take in what an agent says it is."""
    agent = current_boot(turn, said)
    if agent is None:
        return
    agent.conn = max(agent.conn, said.conn)
    before, agent.info = agent.info, said
    if before is None or _what_matters(before) != _what_matters(said):
        turn.do(SaveAgent(agent.name))
        turn.show(agent)
        refresh(turn, agent)


def _what_matters(info: Info) -> Info:
    return info.model_copy(update={"ts_ms": 0, "seq": 0, "conn": 0})


def is_leftover(turn: Turn, said: FromAgent) -> bool:
    """Say whether *said* is of a forgotten agent, by a process of before it was forgotten."""
    agent = turn.state.agents.get(said.agent)
    return agent is not None and agent.is_forgotten and said.epoch <= agent.forgotten_epoch


def current_boot(turn: Turn, said: FromAgent) -> Agent | None:
    """Return the agent if *said* is of its newest boot, which it may have just become."""
    agent = turn.state.agent(said.agent)
    if isinstance(said, Report):
        return agent  # reports are judged by their fence, whatever boot they come from
    if said.boot == agent.boot:
        if said.boot == agent.dead_boot:
            turn.drop("dead_boot")
            return None
        return agent
    if said.epoch <= max(agent.epoch, agent.forgotten_epoch):
        turn.drop("old_boot")
        heard = agent.heard_ms
        lease_ms, margin_ms = lease_terms(turn.state.policy, agent.interval_ms)
        if heard is None or turn.now.mono_ms - heard > lease_ms + margin_ms:
            if said.epoch == agent.epoch:
                _raise_epoch(turn, agent)
            # States the known epoch, also of a forgotten agent, so that the boot can raise its own.
            turn.do(ShowAgent(agent.name))
        return None
    _new_boot(turn, agent, said)
    return agent


def _raise_epoch(turn: Turn, agent: Agent) -> None:
    """Part the known boot of *agent* from another of the same epoch, who is to outbid it."""
    agent.epoch += 1
    if agent.forgotten_epoch:
        agent.forgotten_epoch = max(agent.epoch, agent.forgotten_epoch)
    turn.do(SaveAgent(agent.name))


def _new_boot(turn: Turn, agent: Agent, said: FromAgent) -> None:
    if agent.boot is not None:
        turn.tell("agent_restarted", agent.name, f"{agent.name} started anew", epoch=said.epoch)
    agent.boot, agent.epoch = said.boot, said.epoch
    agent.prev_boot = said.prev_boot if isinstance(said, Presence) else None
    agent.conn, agent.seq, agent.metrics_seq = said.conn, 0, 0
    agent.heard_ms, agent.desired, agent.behind_since_ms = None, None, None
    agent.awaited_ms = turn.now.mono_ms
    agent.seen = (0, 0)
    agent.measured_ms = None
    agent.health.forget()
    agent.suspect = agent.lost = False
    agent.presence = PresenceState.ONLINE
    if agent.desired_mode is AgentMode.STOP:
        settle_mode(turn, agent)  # it was forgotten, and comes back by intent
    for task in agent.held.values():
        if task.attempt is not None and task.attempt.boot != said.boot:
            turn.move(task, Phase.UNKNOWN)
    watch(turn, agent)
    turn.do(SaveAgent(agent.name))
    turn.show(agent)
    refresh(turn, agent)


def watch(turn: Turn, agent: Agent) -> None:
    """Expect a sign of life of *agent* within its silence limit."""
    if agent.suspect_timer_ms is None:
        agent.awaited_ms = turn.now.mono_ms
        _judge_at(turn, agent, turn.now.mono_ms + _silence_limit_ms(turn, agent))


def watch_anew(turn: Turn, agent: Agent) -> None:
    """Expect the next sign of life of *agent*, who has just given one."""
    due_ms = turn.now.mono_ms + _silence_limit_ms(turn, agent)
    if agent.suspect_timer_ms is None or due_ms < agent.suspect_timer_ms:
        _judge_at(turn, agent, due_ms)  # its heart beats faster than was known, or it was suspect
    else:
        agent.suspect_timer_ms = due_ms
        turn.state.timers.put_off_silence(agent.name, due_ms)


def _judge_at(turn: Turn, agent: Agent, due_ms: int) -> None:
    """Judge the silence of *agent* at *due_ms*, and not when it would have been judged before."""
    agent.suspect_timer_ms = due_ms
    turn.state.timers.at_mono(due_ms, Due.SUSPECT, agent.name)


def on_silence_timer(turn: Turn, name: str) -> None:
    """Judge whether an agent has been silent for too long."""
    agent = turn.state.agents.get(name)
    if agent is None or agent.suspect_timer_ms is None:
        return
    if turn.now.mono_ms < agent.suspect_timer_ms:
        return  # another one is set for later
    limit_ms = _silence_limit_ms(turn, agent)
    lease_ms, margin_ms = lease_terms(turn.state.policy, agent.interval_ms)
    heard = agent.heard_ms if agent.heard_ms is not None else agent.awaited_ms
    silent_ms = turn.now.mono_ms - heard
    if agent.lost or agent.presence is PresenceState.OFFLINE:
        agent.suspect_timer_ms = None
        return
    if silent_ms >= lease_ms + margin_ms:
        agent.suspect_timer_ms = None
        _lose(turn, agent)
        return
    if silent_ms >= limit_ms and not agent.suspect:
        _suspect(turn, agent, f"silent for {silent_ms / 1000:.1f} s")
    _judge_at(turn, agent, heard + (lease_ms + margin_ms if agent.suspect else limit_ms))


def _silence_limit_ms(turn: Turn, agent: Agent) -> int:
    return int(agent.interval_ms * turn.state.policy.lease.suspect_after_intervals)


def _suspect(turn: Turn, agent: Agent, why: str) -> None:
    agent.suspect = True
    turn.tell("agent_suspect", agent.name, f"{agent.name} is suspect: {why}")
    for task in agent.held.values():
        if task.phase in {Phase.OFFERED, Phase.RUNNING}:
            turn.move(task, Phase.UNKNOWN)
    watch(turn, agent)
    turn.show(agent)
    refresh(turn, agent)


def _lose(turn: Turn, agent: Agent) -> None:
    agent.lost = agent.suspect = True
    agent.health.forget()
    turn.tell("agent_lost", agent.name, f"{agent.name} is lost: its lease ran out")
    turn.do(SaveAgent(agent.name))
    turn.show(agent)
    refresh(turn, agent)


def came_back(turn: Turn, agent: Agent) -> None:
    """Note that a suspect or lost agent was heard again."""
    agent.suspect = agent.lost = False
    if agent.presence in GONE:
        agent.presence = PresenceState.ONLINE
    turn.tell("agent_back", agent.name, f"{agent.name} was heard again")
    turn.show(agent)


def release_predecessor(turn: Turn, agent: Agent, said: Heartbeat) -> None:
    """Take back what the boot before held, now that its successor says that it is dead.

    Asked at every heartbeat, because the first may have overtaken the presence that says so.
    """
    if agent.prev_boot is None:
        return
    listed = {(holding.task, holding.fence) for holding in said.holding}
    for task in list(agent.held.values()):
        attempt = task.attempt
        if attempt is None or attempt.boot != agent.prev_boot:
            continue
        if (task.id, attempt.fence) not in listed:
            end_attempt(turn, task, "predecessor_dead")
            lost_attempt(turn, task, "the process that ran it died")
