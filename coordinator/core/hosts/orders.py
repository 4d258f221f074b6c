"""What operators ask of single agents: start, stop and start anew, by the host of the machine."""

from coordinator.core.effects import SaveMark
from coordinator.core.errors import BadRequest, IllegalMove
from coordinator.core.hosts.model import Order
from coordinator.core.hosts.placement import host_of, is_wanted
from coordinator.core.turn import Turn
from protocol.vocabulary import HostedState, SubmitOp


def order_agent(turn: Turn, name: str | None, op: SubmitOp, actor: str, reason: str) -> None:
    """Have the agent *name* started, stopped or started anew, or raise :class:`RequestError`."""
    state = turn.state
    policy = state.policy.agents.get(name or "")
    if name is None or policy is None:
        raise BadRequest("agent", name, "an agent of the plan: a host starts no other")
    if policy.pool is not None and op is not SubmitOp.RESTART:
        raise IllegalMove(op.value, f"agent {name}", f"of the pool {policy.pool}, which decides")
    host = host_of(state, policy)
    if op is not SubmitOp.STOP and host is None:
        machine = policy.machine_id or "(none in the plan)"
        raise IllegalMove(
            op.value, f"agent {name}", f"on machine {machine}, of which no host is there"
        )
    hosted = None if host is None else host.agents.get(name)
    runs = hosted is not None and hosted.state in {HostedState.RUNNING, HostedState.WAITING}
    if op is SubmitOp.STOP and not is_wanted(state, policy):
        raise IllegalMove(op.value, f"agent {name}", "stopped already")
    if op is SubmitOp.START and runs and is_wanted(state, policy):
        raise IllegalMove(op.value, f"agent {name}", "running already; to start it anew: restart")
    before = state.orders.get(name)
    start = 0 if before is None else before.start
    if op is not SubmitOp.STOP:
        start = max(start + 1, turn.now.wall_ms)
    if policy.pool is None or op is SubmitOp.RESTART:
        state.orders[name] = Order(op is not SubmitOp.STOP, start, actor, reason)
        turn.do(SaveMark("order", name))
    turn.tell("operator", name, f"{actor}: {op.value} {name}: {reason}", op=op.value)
    turn.rehost()
