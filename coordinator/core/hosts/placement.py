"""Which agents each host is to run: those of its machine that the plan, a pool or somebody wants.

A host that stands in takes the agents of machines without a host, so that one machine can play a
whole fleet. A list is stated anew only when it differs from the one before.
"""

from coordinator.core.effects import SayHostDesired
from coordinator.core.hosts.model import Host, HostedList
from coordinator.core.policy import AgentPolicy
from coordinator.core.state import State
from coordinator.core.turn import Turn
from protocol.messages import HostOrder
from protocol.vocabulary import PresenceState


def host_of(state: State, agent: AgentPolicy) -> Host | None:
    """Return the host on whose machine *agent* belongs, if there is one."""
    if agent.pool is not None:
        pool = state.pools.get(agent.pool)
        member = pool.members.get(agent.name) if pool is not None else None
        return None if member is None else state.hosts.get(member.host)
    return host_for(state, agent.machine_id)


def host_for(state: State, machine_id: str) -> Host | None:
    """Return the host of a machine, or one that stands in for it."""
    stand_ins = []
    for host in state.hosts.values():
        if host.machine_id == machine_id and host.presence is not PresenceState.OFFLINE:
            return host
        if host.stands_in:
            stand_ins.append(host)
    return min(stand_ins, key=lambda host: (not host.is_present, host.name), default=None)


def is_wanted(state: State, agent: AgentPolicy) -> bool:
    """Say whether *agent* should run."""
    if agent.pool is not None:
        pool = state.pools.get(agent.pool)
        return pool is not None and agent.name in pool.members
    order = state.orders.get(agent.name)
    return agent.auto_start if order is None else order.runs


def settle_hosts(turn: Turn) -> None:
    """State to every host that is known what it should run, where that has changed."""
    if not turn.hosts_changed:
        return
    state = turn.state
    wanted: dict[str, list[HostOrder]] = {name: [] for name in state.hosts}
    for agent in state.policy.agents.values():
        host = host_of(state, agent) if is_wanted(state, agent) else None
        if host is not None:
            wanted[host.name].append(_order(state, agent))
    for name, orders in wanted.items():
        host = state.hosts[name]
        agents = tuple(orders)
        known = host.desired
        if known is not None and (known.boot, known.agents) == (host.boot, agents):
            if name in turn.deaf_hosts:
                turn.do(SayHostDesired(known))
            continue
        host.rev += 1
        host.desired = HostedList(name, host.boot, host.rev, agents)
        turn.do(SayHostDesired(host.desired))


def _order(state: State, agent: AgentPolicy) -> HostOrder:
    order = state.orders.get(agent.name)
    return HostOrder.model_construct(
        agent=agent.name,
        start=0 if order is None else order.start,
        command=agent.command,
        capabilities=tuple(sorted(agent.capabilities)),
        slots=agent.slots,
        machine_id=agent.machine_id,
        window_id=agent.window_id,
        heartbeat_s=agent.heartbeat_ms / 1000,
        config_path=agent.config_path,
    )
