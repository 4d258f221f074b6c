"""A second opinion: the document's rules of order and eligibility, as plainly as they can be put.

It looks at every pair of task and agent, in the order of all tasks, and keeps no index. It knows
limits, capabilities, pins, health, presence and time; plans with windows, caps or cooldowns are
not for it. Written from the scheduling document, not from the core.
"""

from coordinator.core.agents import Agent
from coordinator.core.state import State
from coordinator.core.tasks import Task
from protocol.vocabulary import (
    AgentHealth,
    AgentMode,
    CoordinatorState,
    PresenceState,
    Priority,
    TaskStatus,
)

HEAD_START_MS = {Priority.HIGH: 3_600_000, Priority.NORMAL: 1_800_000, Priority.LOW: 0}
HEALTH = [AgentHealth.UNKNOWN, AgentHealth.CRITICAL, AgentHealth.WARNING, AgentHealth.HEALTHY]


def place(task: Task) -> tuple[int, int, str]:
    """Say where *task* stands in the order of all tasks; the lowest goes first."""
    if task.priority is Priority.CRITICAL:
        return 0, task.enqueued_ms, task.id
    if task.priority is Priority.MAINTENANCE:
        return 2, task.enqueued_ms, task.id
    return 1, task.enqueued_ms - HEAD_START_MS[task.priority], task.id


def keys_of(task: Task) -> set[str]:
    """Name the permits that *task* needs to run."""
    keys = {"global", f"mode:{task.mode}"}
    if task.terms.concurrency_key is not None:
        keys.add(f"key:{task.terms.concurrency_key}")
    return keys


def use(state: State, key: str) -> int:
    """Count the live attempts that hold permit *key*."""
    return sum(task.attempt is not None and key in keys_of(task) for task in state.tasks.values())


def has_room(state: State, task: Task, *, without: Task | None = None) -> bool:
    """Say whether every limit lets *task* start, if *without* had not been started."""
    for key in keys_of(task):
        limit = state.policy.limits.get(key)
        spared = without is not None and key in keys_of(without)
        if limit is not None and use(state, key) - spared >= limit:
            return False
    return True


def waits(task: Task, wall_ms: int) -> bool:
    """Say whether *task* waits for nothing but a place."""
    return (
        task.status is TaskStatus.PENDING
        and not task.depends_on
        and (task.not_before_ms is None or task.not_before_ms <= wall_ms)
    )


def may_run(agent: Agent, task: Task, state: State) -> bool:
    """Say whether *task* is for an agent such as *agent* at all."""
    if task.pin is not None and task.pin != agent.name:
        return False
    if agent.name in task.excluded:
        return False
    able = set(agent.info.capabilities) if agent.info else set()
    if not {task.mode, *task.terms.capabilities} <= able:
        return False
    least = task.terms.min_health or state.policy.min_health
    return least is None or HEALTH.index(agent.health.tier) >= HEALTH.index(least)


def is_there(agent: Agent) -> bool:
    """Say whether *agent* was heard, is not suspected, and takes work."""
    return (
        agent.heard_ms is not None
        and not agent.suspect
        and not agent.lost
        and agent.presence is PresenceState.ONLINE
        and agent.desired_mode is AgentMode.ACTIVE
    )


def startable(state: State, wall_ms: int) -> list[tuple[str, str]]:
    """List the (task, agent) that may start now, the first in order first."""
    if state.phase is not CoordinatorState.ONLINE:
        return []
    slots = {
        agent.name: (agent.info.slots if agent.info else 1)
        for agent in state.agents.values()
        # How long one may be deaf is judged at heartbeats; who is not deaf at all must get work.
        if is_there(agent) and agent.behind_since_ms is None
    }
    return [
        (task.id, agent.name)
        for task in sorted(state.tasks.values(), key=place)
        if waits(task, wall_ms) and has_room(state, task)
        for agent in state.agents.values()
        if len(agent.held) < slots.get(agent.name, 0) and may_run(agent, task, state)
    ]


def wrongly_started(state: State, started: list[Task], wall_ms: int) -> list[str]:
    """List what was wrong about starting *started* in the step that just ended."""
    wrong = []
    waiting = [task for task in state.tasks.values() if waits(task, wall_ms)]
    for task in started:
        assert task.attempt is not None
        agent = state.agents[task.attempt.agent]
        if not (is_there(agent) and may_run(agent, task, state)):
            wrong.append(f"{task.id} is not for {agent.name}")
        if agent.info is not None and len(agent.held) > agent.info.slots:
            wrong.append(f"{agent.name} has no slot for {task.id}")
        for key in keys_of(task):
            limit = state.policy.limits.get(key)
            if limit is not None and use(state, key) > limit:
                wrong.append(f"{task.id} started though {key} was full")
        for other in waiting:
            could = may_run(agent, other, state) and has_room(state, other, without=task)
            if could and place(other) < place(task):
                wrong.append(f"{task.id} started on {agent.name} before {other.id}")
    return wrong
