"""Letting agents of a pool come and go: the load measured, the decision carried out and told.

Whoever is to go is drained: it is given nothing new and stopped when it holds nothing. No work is
ever killed for it. One that drains comes back before another is started.
"""

from coordinator.core.effects import SaveMark
from coordinator.core.gates import CountedGate
from coordinator.core.hosts.model import Host
from coordinator.core.hosts.placement import host_for
from coordinator.core.pools.decision import Decision, Load, PoolPolicy, decide
from coordinator.core.pools.model import Member, Pool
from coordinator.core.queue.shapes import Shape
from coordinator.core.standing import refresh
from coordinator.core.state import State
from coordinator.core.timers import Due
from coordinator.core.turn import Turn
from coordinator.core.verbs import settle_mode


def take_pools(turn: Turn) -> None:
    """Begin to look after the pools of the plan in force; those of no pool any more are let go."""
    state = turn.state
    for name in [name for name in state.pools if name not in state.policy.pools]:
        del state.pools[name]
        turn.do(SaveMark("pool", name))
        turn.tell("pool_scaled", name, f"the pool {name} is no more")
    for name, policy in state.policy.pools.items():
        pool = state.pools.setdefault(name, Pool(name))
        for member in [member for member in pool.members if member not in policy.members]:
            del pool.members[member]
        _watch(turn, pool, 0)
    for agent in state.agents.values():
        own = state.pools.get(agent.policy.pool or "")
        its = None if own is None else own.members.get(agent.name)
        _leave(
            turn, agent.name, leaving=agent.policy.pool is not None and (its is None or its.leaving)
        )


def on_pool_due(turn: Turn, name: str) -> None:
    """Decide anew how many agents the pool *name* should have."""
    state = turn.state
    policy, pool = state.policy.pools.get(name), state.pools.get(name)
    if policy is None or pool is None or pool.timer_ms is None:
        return
    if turn.now.mono_ms < pool.timer_ms:
        return  # another timer is set for later
    pool.timer_ms = None
    _watch(turn, pool, policy.decide_every_ms)
    if not state.hosts or not state.is_offering:
        pool.text = "no host is there that could start an agent"
        return
    _let_go(turn, pool)
    load = load_of(state, policy, pool, turn.now.wall_ms)
    pool.waiting, pool.wait_ms = load.waiting, load.oldest_wait_ms
    decision, pool.memory = decide(policy, load, pool.memory, turn.now.mono_ms)
    if decision.size > load.size:
        _grow(turn, policy, pool, decision)
    elif decision.size < load.size:
        _shrink(turn, policy, pool, decision)
    else:
        pool.text = decision.text


def load_of(state: State, policy: PoolPolicy, pool: Pool, wall_ms: int) -> Load:
    """Measure what *pool* has to do; tasks behind a closed gate do not wait for agents."""
    held = ready = 0
    for name, member in pool.members.items():
        agent = state.agents.get(name)
        if agent is not None and not member.leaving:
            held += len(agent.held)
            ready += agent.is_present
    waiting, oldest_ms, run_ms = 0, 0, 0
    is_known = True
    room: dict[str, int] = {}
    for shape in state.shapes.values():
        head = shape.head() if shape.live and could_take(state, policy, shape) else None
        if head is None or not shape.signature.is_open:
            continue
        count = _startable(shape, room)
        waiting += count
        oldest_ms = max(oldest_ms, wall_ms - head.enqueued_ms)
        expected = state.history.expected_ms(shape.kind.mode, None, shape.kind.estimated_ms)
        is_known = is_known and expected is not None
        run_ms += 0 if expected is None else expected.ms * count
    usual_ms = run_ms / waiting if is_known and waiting else None
    return Load(pool.size, ready, held, waiting, oldest_ms, usual_ms)


def could_take(state: State, policy: PoolPolicy, shape: Shape) -> bool:
    """Say whether a member of the pool, in good health, could run tasks of *shape*."""
    kind = shape.kind
    if kind.pin is not None:
        return kind.pin in policy.members
    return kind.capabilities <= state.policy.agents[policy.members[0]].capabilities


def _startable(shape: Shape, room: dict[str, int]) -> int:
    """Count those of *shape* for which the limits leave room, and take that room."""
    limited = [
        gate
        for gate in shape.signature.gates
        if isinstance(gate, CountedGate) and gate.limit is not None
    ]
    for gate in limited:
        room.setdefault(gate.key, max(0, (gate.limit or 0) - gate.used))
    count = min([shape.live, *(room[gate.key] for gate in limited)])
    for gate in limited:
        room[gate.key] -= count
    return count


# --- coming


def _grow(turn: Turn, policy: PoolPolicy, pool: Pool, decision: Decision) -> None:
    started: list[str] = []
    for _ in range(decision.size - pool.size):
        name = _come_back(turn, policy, pool) or _start(turn, policy, pool)
        if name is None:
            break
        started.append(name)
    pool.text = decision.text
    if not started:
        pool.text += f"; but no host is there of {', '.join(policy.machines)}"
        return
    where = ", ".join(f"{name} on {pool.members[name].host}" for name in started)
    turn.tell(
        "pool_scaled",
        pool.name,
        f"{pool.name}: {decision.text} ({where})"[:1000],
        size=pool.size,
        started=started,
    )
    _changed(turn, pool)


def _come_back(turn: Turn, policy: PoolPolicy, pool: Pool) -> str | None:
    for name in policy.members:
        if name in pool.members and pool.members[name].leaving:
            pool.members[name].leaving = False
            _leave(turn, name, leaving=False)
            return name
    return None


def _start(turn: Turn, policy: PoolPolicy, pool: Pool) -> str | None:
    """Let the next member start where least is to do, if a host is there."""
    name = next((name for name in policy.members if name not in pool.members), None)
    found = (host_for(turn.state, machine) for machine in policy.machines)
    hosts = {host.name: host for host in found if host is not None and host.is_present}
    if name is None or not hosts:
        return None
    best = min(hosts.values(), key=lambda host: _business(turn.state, host))
    pool.members[name] = Member(best.name)
    _leave(turn, name, leaving=False)
    return name


def _business(state: State, host: Host) -> tuple[int, float, str]:
    """Say how much a host has to do: the agents that it runs or will run, then its processor."""
    coming = sum(
        member.host == host.name and name not in host.agents
        for pool in state.pools.values()
        for name, member in pool.members.items()
    )
    runs = len(host.desired.agents) if host.desired is not None else 0
    return max(runs, len(host.agents)) + coming, host.metrics.get("cpu_usage", 0.0), host.name


# --- going


def _shrink(turn: Turn, policy: PoolPolicy, pool: Pool, decision: Decision) -> None:
    """Let those go that are missed least: who is not there, who is idle, who came last."""
    state = turn.state

    def missed(name: str) -> tuple[bool, int, int]:
        agent = state.agents.get(name)
        place = policy.members.index(name) if name in policy.members else len(policy.members)
        if agent is None:
            return False, 0, -place
        return agent.is_present, len(agent.held), -place

    staying = [name for name, member in pool.members.items() if not member.leaving]
    going = sorted(staying, key=missed)[: pool.size - decision.size]
    for name in going:
        pool.members[name].leaving = True
        _leave(turn, name, leaving=True)
    pool.text = decision.text
    turn.tell(
        "pool_scaled",
        pool.name,
        f"{pool.name}: {decision.text} ({', '.join(going)} will go)"[:1000],
        size=pool.size,
        leaving=going,
    )
    _changed(turn, pool)
    _let_go(turn, pool)


def _let_go(turn: Turn, pool: Pool) -> None:
    """Stop those that leave and hold nothing, and give up those whose machine is lost."""
    state, gone = turn.state, []
    for name, member in pool.members.items():
        agent, host = state.agents.get(name), state.hosts.get(member.host)
        is_idle = agent is None or not agent.held
        is_lost = host is not None and host.lost and (agent is None or not agent.is_present)
        if (member.leaving and is_idle) or (is_lost and is_idle):
            gone.append(name)
    for name in gone:
        del pool.members[name]
        _leave(turn, name, leaving=True)  # until it is started again: it may live for a moment
    if gone:
        _changed(turn, pool)


def _leave(turn: Turn, name: str, *, leaving: bool) -> None:
    agent = turn.state.agents.get(name)
    if agent is not None and agent.leaving is not leaving:
        agent.leaving = leaving
        settle_mode(turn, agent)
        refresh(turn, agent)


def _changed(turn: Turn, pool: Pool) -> None:
    turn.do(SaveMark("pool", pool.name))
    turn.rehost()


def _watch(turn: Turn, pool: Pool, in_ms: int) -> None:
    if pool.timer_ms is None:
        pool.timer_ms = turn.now.mono_ms + in_ms
        turn.state.timers.at_mono(pool.timer_ms, Due.POOL, pool.name)
