"""What hosts say: who is there, what each runs, and which processes are dead for good."""

from typing import Final

from coordinator.core.agents import Agent
from coordinator.core.hosts.model import Host
from coordinator.core.hosts.placement import host_of
from coordinator.core.hosts.proofs import take_proof
from coordinator.core.timers import Due
from coordinator.core.turn import Turn
from protocol.messages import FromHost, HostActual, HostedAgent, HostMetrics, HostPresence
from protocol.vocabulary import HostedState, PresenceState

SILENT_AFTER: Final = 3
"""After so many intervals without a word a host counts as lost."""
_SHOWN_LINES: Final = 5


def on_host_presence(turn: Turn, said: HostPresence, *, retained: bool) -> None:
    """Take in what a host, or its last will, says of its being there."""
    host = _current(turn, said)
    if host is None or said.conn < host.conn:
        return
    host.conn, host.stands_in = said.conn, said.stands_in
    before, host.presence = host.presence, said.state
    if said.state is PresenceState.LOST and not retained:
        _lose(turn, host, "its connection was lost")
    elif said.state is PresenceState.ONLINE and not retained:
        _heard(turn, host)
    elif said.state is PresenceState.OFFLINE and before is not said.state:
        turn.tell("host_offline", host.name, f"{host.name} has stopped: {said.reason or ''}")
    turn.rehost()


def on_host_actual(turn: Turn, said: HostActual, *, retained: bool) -> None:
    """Take in the list of what a host runs; what it proves is true whoever remembers it."""
    host = _current(turn, said)
    if host is None or said.seq <= host.seq:
        return
    host.seq, host.interval_ms = said.seq, int(said.interval_s * 1000)
    if not retained:
        if host.presence is PresenceState.LOST and said.conn >= host.conn:
            host.presence = PresenceState.ONLINE
        _heard(turn, host)
    host.agents = {hosted.agent: hosted for hosted in said.agents}
    for hosted in said.agents:
        agent = turn.state.agents.get(hosted.agent)
        if agent is None:
            continue
        if host_of(turn.state, agent.policy) is not host and agent.host != host.name:
            turn.drop("foreign_agent")
            continue
        agent.host = host.name
        _note(turn, agent, hosted)
        for boot in hosted.dead_boots:
            take_proof(turn, agent, boot)
    desired = host.desired
    if desired is not None and (said.seen.term, said.seen.rev) < (turn.state.term, desired.rev):
        turn.rehost(host)


def on_host_metrics(turn: Turn, said: HostMetrics) -> None:
    """Keep the latest numbers of a machine."""
    host = _current(turn, said)
    if host is not None:
        host.metrics = said.m


def on_host_timer(turn: Turn, name: str) -> None:
    """Judge whether a host has been silent for too long."""
    host = turn.state.hosts.get(name)
    if host is None or host.timer_ms is None or turn.now.mono_ms < host.timer_ms:
        return
    host.timer_ms = None
    if host.heard_ms is None or host.lost or host.presence is PresenceState.OFFLINE:
        return
    if turn.now.mono_ms - host.heard_ms >= SILENT_AFTER * host.interval_ms:
        _lose(turn, host, f"silent for {(turn.now.mono_ms - host.heard_ms) / 1000:.0f} s")
    else:
        _watch(turn, host)


def _current(turn: Turn, said: FromHost) -> Host | None:
    """Return the host if *said* is of its newest boot, which it may have just become."""
    hosts = turn.state.hosts
    host = hosts.get(said.host)
    if host is not None and said.boot == host.boot:
        return host
    if host is not None and said.epoch <= host.epoch:
        turn.drop("old_boot")
        return None
    rev = 0 if host is None else host.rev
    hosts[said.host] = host = Host(said.host, said.machine_id, said.boot, said.epoch, rev=rev)
    turn.rehost()
    return host


def _heard(turn: Turn, host: Host) -> None:
    first = host.heard_ms is None
    if first or host.lost:
        verb = "is there" if first else "was heard again"
        turn.tell("host_online", host.name, f"the host of {host.machine_id} {verb}")
        turn.rehost()
    host.heard_ms, host.lost = turn.now.mono_ms, False
    _watch(turn, host)


def _watch(turn: Turn, host: Host) -> None:
    if host.timer_ms is None and host.heard_ms is not None:
        host.timer_ms = host.heard_ms + SILENT_AFTER * host.interval_ms
        turn.state.timers.at_mono(host.timer_ms, Due.HOST, host.name)


def _lose(turn: Turn, host: Host, why: str) -> None:
    """Note that a host is not heard. Its agents speak for themselves: nothing else follows."""
    if not host.lost and host.heard_ms is not None:
        turn.tell("host_lost", host.name, f"the host of {host.machine_id} is lost: {why}")
    host.lost = True
    turn.rehost()


def _note(turn: Turn, agent: Agent, hosted: HostedAgent) -> None:
    """Show on the agent's card what its host says of its process."""
    before, agent.hosted = agent.hosted, hosted
    if before is not None and (before.state, before.exit) == (hosted.state, hosted.exit):
        return
    if hosted.exit is not None and hosted.state in {HostedState.WAITING, HostedState.ERROR}:
        agent.last_error = "\n".join([hosted.exit, *hosted.last_lines])[:1000]
    if hosted.state is HostedState.ERROR and (before is None or before.state is not hosted.state):
        tail = " | ".join(hosted.last_lines[-_SHOWN_LINES:])
        turn.tell(
            "agent_gave_up",
            agent.name,
            f"{agent.name} is not started again: {hosted.exit}; it said last: {tail}"[:1000],
            restarts=hosted.restarts,
            last_lines=list(hosted.last_lines),
        )
    turn.show(agent)
