"""Making a task from what its author said, with clear words about what is wrong with it."""

from collections.abc import Sequence
from typing import Any

from coordinator.core.constraints import terms_of
from coordinator.core.errors import BadRequest, IllegalMove, RequestError
from coordinator.core.tasks import Phase, Task
from coordinator.core.timers import Due
from coordinator.core.turn import Turn
from coordinator.core.waiting import wait
from protocol.messages import TaskSpec


def create(turn: Turn, spec: TaskSpec, client: str, wanted_id: str | None = None) -> Task:
    """Create the task that *spec* describes, or raise :class:`RequestError`."""
    state = turn.state
    if wanted_id is not None and wanted_id in state.tasks:
        raise IllegalMove("create", f"task {wanted_id}", "there already")
    for n, name in enumerate(spec.depends_on):
        if name not in state.tasks:
            raise BadRequest(f"spec.depends_on.{n}", name, "the id of a task that is known")
    terms = state.intern(terms_of(spec, state.policy))
    now_ms = turn.now.wall_ms
    if spec.expires_ms is not None and spec.expires_ms <= now_ms:
        raise BadRequest("spec.expires_ms", spec.expires_ms, f"later than now ({now_ms})")
    task = Task(
        id=wanted_id or _new_id(turn),
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
        depends_on=spec.depends_on,
        not_before_ms=spec.scheduled_for_ms,
        scheduled_for_ms=spec.scheduled_for_ms,
        expires_ms=spec.expires_ms,
        phase=Phase.READY,
    )
    return _enter(turn, task)


def create_many(turn: Turn, specs: Sequence[TaskSpec], client: str) -> dict[str, Any]:
    """Create each of *specs* that can be; say which are refused and why, by their index."""
    if not specs:
        raise BadRequest("specs", [], "a list with at least one task")
    ids: list[str | None] = []
    refused = []
    for index, spec in enumerate(specs):
        try:
            ids.append(create(turn, spec, client).id)
        except RequestError as error:
            ids.append(None)
            said = {"index": index, "code": error.code, "message": str(error)[:200]}
            refused.append(said | (error.data or {}))
    return {"tasks": ids, "refused": refused}


def repeat(turn: Turn, ended: Task, client: str) -> Task:
    """Create a task like *ended*, which stays as it is."""
    now_ms = turn.now.wall_ms
    task = Task(
        id=_new_id(turn),
        name=ended.name,
        mode=ended.mode,
        priority=ended.priority,
        terms=ended.terms,
        created_ms=now_ms,
        enqueued_ms=now_ms,
        pin=ended.pin,
        args=ended.args,
        metadata=ended.metadata,
        client=client,
        parent=ended.id,
        trace=ended.trace,
    )
    return _enter(turn, task)


def _new_id(turn: Turn) -> str:
    """Make an id that no known task has; a client may have chosen one that looks like ours."""
    state = turn.state
    while True:
        state.created += 1
        name = f"t{state.term}-{state.created:06d}"
        if name not in state.tasks:
            return name


def _enter(turn: Turn, task: Task) -> Task:
    state = turn.state
    state.tasks[task.id] = task
    state.tally[task.status, task.priority, task.mode] += 1
    if task.expires_ms is not None:
        state.timers.at_wall(task.expires_ms, Due.TASK_EXPIRY, task.id)
    wait(turn, task)
    return task
