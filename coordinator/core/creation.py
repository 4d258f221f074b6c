"""Making a task from what its author said, with clear words about what is wrong with it."""

from collections.abc import Mapping
from typing import Any, Final

from coordinator.core.errors import BadRequest, IllegalMove
from coordinator.core.tasks import Phase, Task
from coordinator.core.terms import Terms
from coordinator.core.turn import Turn
from coordinator.core.waiting import wait
from protocol.messages import TaskSpec
from protocol.vocabulary import AgentHealth

_CONSTRAINTS: Final = ("agent_capability", "min_health")


def create(turn: Turn, spec: TaskSpec, client: str, wanted_id: str | None = None) -> Task:
    """Create the task that *spec* describes, or raise :class:`RequestError`."""
    state = turn.state
    if wanted_id is not None and wanted_id in state.tasks:
        raise IllegalMove("create", f"task {wanted_id}", "there already")
    terms = state.intern(terms_of(spec))
    state.created += 1
    now_ms = turn.now.wall_ms
    task = Task(
        id=wanted_id or f"t{state.term}-{state.created:06d}",
        name=spec.name,
        mode=spec.mode,
        priority=spec.priority,
        terms=terms,
        created_ms=now_ms,
        enqueued_ms=max(now_ms, spec.scheduled_for_ms or 0),
        pin=spec.agent,
        args=spec.args,
        metadata=spec.metadata,
        client=client,
        trace=spec.trace,
        not_before_ms=spec.scheduled_for_ms,
        scheduled_for_ms=spec.scheduled_for_ms,
        expires_ms=spec.expires_ms,
        phase=Phase.READY,
    )
    state.tasks[task.id] = task
    state.tally[task.status, task.priority, task.mode] += 1
    wait(turn, task)
    return task


def terms_of(spec: TaskSpec) -> Terms:
    """Read the terms out of *spec*, or raise :class:`BadRequest`."""
    constraints = spec.constraints
    for key in constraints:
        if key not in _CONSTRAINTS:
            raise BadRequest("spec.constraints", key, f"one of {', '.join(_CONSTRAINTS)}")
    return Terms(
        capabilities=frozenset(spec.capabilities) | _capability(constraints),
        min_health=_min_health(constraints),
        concurrency_key=spec.concurrency_key,
        run_limit_ms=_ms(spec.run_limit_s),
        progress_limit_ms=_ms(spec.progress_limit_s),
        cancel_grace_ms=int(spec.cancel_grace_s * 1000),
        max_attempts=spec.max_attempts,
        on_lease_lost=spec.on_lease_lost,
        estimated_ms=_ms(spec.estimated_duration_s),
    )


def _capability(constraints: Mapping[str, Any]) -> frozenset[str]:
    value = constraints.get("agent_capability")
    if value is None:
        return frozenset()
    if not isinstance(value, str) or not value:
        raise BadRequest("spec.constraints.agent_capability", value, "the name of a capability")
    return frozenset({value})


def _min_health(constraints: Mapping[str, Any]) -> AgentHealth | None:
    value = constraints.get("min_health")
    if value is None:
        return None
    try:
        return AgentHealth(value)
    except ValueError:
        words = ", ".join(health.value for health in AgentHealth)
        raise BadRequest("spec.constraints.min_health", value, f"one of {words}") from None


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000)
