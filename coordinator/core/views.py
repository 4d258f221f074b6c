"""What people and programs are shown: pure renderings of the state."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from coordinator.core.agents import Agent
from coordinator.core.gates import PermitGate
from coordinator.core.instant import Instant
from coordinator.core.pools.views import pool_views
from coordinator.core.state import State
from coordinator.core.tasks import Task
from coordinator.core.verbs import FOREVER, Verb
from coordinator.core.why.reasons import Memo, blocked_counts, closed_codes, headline_of
from protocol.messages import LimitView, OperatorVerb, Registry, Summary, TaskError, TaskView
from protocol.vocabulary import AgentHealth, AgentStatus, HostedState, Priority, TaskStatus

LISTED_TASKS: Final = 500
LOOKED_AT: Final = 1_000
"""How many of the tasks that wait for one reason are named."""
_HOLDERS_SHOWN: Final = 64


def registry_view(state: State, agent: Agent, now: Instant) -> Registry:
    """Render the card of one agent."""
    info = agent.info
    return Registry.model_construct(
        ts_ms=now.wall_ms,
        coord=state.coord,
        term=state.term,
        agent=agent.name,
        status=agent.status,
        health=agent.tier,
        reasons=(*_why_hosted(agent), *agent.health.reasons),
        suspect=agent.suspect,
        mode=agent.mode,
        desired_mode=agent.desired_mode,
        machine_id=info.machine_id if info else agent.policy.machine_id or None,
        window_id=info.window_id if info else agent.policy.window_id or None,
        capabilities=tuple(sorted(agent.capabilities)),
        slots=agent.slots,
        holds=tuple(agent.held),
        last_heartbeat_ms=agent.last_heartbeat_wall_ms,
        errors_today=agent.errors_today,
        last_error=agent.last_error,
        epoch=agent.epoch,
        operator=_verb_view(agent.verb),
    )


def _verb_view(verb: Verb | None) -> OperatorVerb | None:
    if verb is None:
        return None
    until_ms = None if verb.until_ms >= FOREVER else verb.until_ms
    return OperatorVerb.model_construct(
        verb=verb.kind.value, reason=verb.reason, actor=verb.actor, until_ms=until_ms
    )


def _why_hosted(agent: Agent) -> tuple[str, ...]:
    hosted = agent.hosted
    if hosted is None or hosted.exit is None or hosted.state is HostedState.RUNNING:
        return ()
    return (f"{hosted.state.value}: {hosted.exit}",)


def task_view(state: State, task: Task, now: Instant, memo: Memo | None = None) -> TaskView:
    """Render the card of one task."""
    attempt = task.attempt
    error = None
    if task.error_code is not None:
        error = TaskError.model_construct(code=task.error_code, message=task.error or "")
    return TaskView.model_construct(
        ts_ms=now.wall_ms,
        coord=state.coord,
        term=state.term,
        task=task.id,
        name=task.name,
        mode=task.mode,
        priority=task.priority,
        status=task.status,
        phase=task.phase.value,
        agent=attempt.agent if attempt else task.fenced_to,
        fence=task.fence,
        attempt=task.starts,
        pct=task.pct,
        step=task.step,
        result=task.result,
        error=error,
        blocked_by=blocked_by(state, task, now, memo),
        created_ms=task.created_ms,
        scheduled_for_ms=task.scheduled_for_ms,
        started_ms=task.started_ms,
        completed_ms=task.completed_ms,
    )


def blocked_by(state: State, task: Task, now: Instant, memo: Memo | None = None) -> tuple[str, ...]:
    """Name the closed gates that a waiting task is behind, or what keeps agents from it."""
    if task.shape is None:
        return ()
    closed = closed_codes(task.shape)
    return tuple(closed) if closed else (headline_of(state, task.shape, now, memo),)


def task_document(
    state: State, task: Task, now: Instant, memo: Memo | None = None
) -> dict[str, Any]:
    """Render everything of a task, for a client that asked for it."""
    view = task_view(state, task, now, memo)
    document = view.model_dump(
        mode="json", exclude={"v", "ts_ms", "coord", "term"}, exclude_none=True
    )
    document["args"], document["metadata"] = task.args, task.metadata
    return document


def list_tasks(state: State, now: Instant) -> dict[str, Any]:
    """Render the tasks that are not over, newest last, and how many there are."""
    live = [task for task in state.tasks.values() if not task.is_over]
    memo: Memo = {}
    return {
        "tasks": [task_document(state, task, now, memo) for task in live[:LISTED_TASKS]],
        "total": len(live),
    }


def look(state: State, tasks: Sequence[str], code: str | None, now: Instant) -> dict[str, Any]:
    """Say why each of *tasks* waits that does, and which tasks wait for the reason *code*."""
    memo: Memo = {}
    blocked = {
        name: list(blocked_by(state, task, now, memo))
        for name in tasks
        if (task := state.tasks.get(name)) is not None and task.shape is not None
    }
    if code is None:
        return {"blocked": blocked}
    waiting: list[str] = []
    total = 0
    for shape in state.shapes.values():
        if shape.live and headline_of(state, shape, now, memo) == code:
            total += shape.live
            if len(waiting) < LOOKED_AT:
                waiting += [task.id for task in shape.waiting()[: LOOKED_AT - len(waiting)]]
    return {"blocked": blocked, "waiting": waiting, "total": total}


def agent_counts(state: State) -> dict[str, Any]:
    """Count the agents that have cards: the part of a summary that is about them."""
    agents = [agent for agent in state.agents.values() if not agent.is_forgotten]
    statuses = Counter(agent.status for agent in agents)
    tiers = Counter(agent.tier for agent in agents)
    online = len(agents) - statuses[AgentStatus.OFFLINE] - statuses[AgentStatus.ERROR]
    return {
        "total_agents": len(agents),
        "online_agents": online,
        "busy_agents": statuses[AgentStatus.BUSY],
        "healthy_agents": tiers[AgentHealth.HEALTHY],
        "agents_by_status": {status.value: statuses[status] for status in AgentStatus},
        "agents_by_health": {tier.value: tiers[tier] for tier in AgentHealth},
    }


def summary_view(state: State, now: Instant) -> Summary:
    """Render the fleet in numbers: what the seed calls registry and schedule summary."""
    by_status: Counter[TaskStatus] = Counter()
    by_priority: Counter[Priority] = Counter()
    by_mode: Counter[str] = Counter()
    for (status, priority, mode), count in state.tally.items():
        by_status[status] += count
        by_priority[priority] += count
        by_mode[mode] += count
    return Summary.model_construct(
        ts_ms=now.wall_ms,
        coord=state.coord,
        term=state.term,
        fleet_name=state.policy.fleet_name,
        plan_version=state.plan_version,
        **agent_counts(state),
        total_tasks=sum(by_status.values()),
        pending_tasks=by_status[TaskStatus.PENDING],
        running_tasks=by_status[TaskStatus.RUNNING],
        completed_tasks=by_status[TaskStatus.COMPLETED],
        failed_tasks=by_status[TaskStatus.FAILED],
        tasks_by_status={status.value: by_status[status] for status in TaskStatus},
        tasks_by_priority={priority.value: by_priority[priority] for priority in Priority},
        tasks_by_mode={mode: count for mode, count in sorted(by_mode.items()) if count},
        blocked_by=blocked_counts(state, state.shapes.values(), now),
        limits=_limits(state),
        pools=pool_views(state),
        dropped={reason: count for reason, count in sorted(state.dropped.items()) if count},
    )


def _limits(state: State) -> dict[str, LimitView]:
    """Show every shared limit, also one that no task has met yet; slots are on agents' cards."""
    views = {
        key: LimitView.model_construct(max=limit, used=0)
        for key, limit in state.policy.limits.items()
        if not key.startswith("agent:")
    }
    for gate in state.gates.values():
        if isinstance(gate, PermitGate) and gate.limit is not None:
            views[gate.key] = LimitView.model_construct(
                max=gate.limit, used=len(gate.holders), holders=tuple(gate.holders)[:_HOLDERS_SHOWN]
            )
    return views
