"""Routes about tasks: lists, creation one by one and in bulk, status, acts, why and story."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response

from coordinator.http.auth.guard import Operator, Reader
from coordinator.http.creation import bulk, spec_of
from coordinator.http.errors import REFUSALS
from coordinator.http.mass_acts import act_on_many
from coordinator.http.problems import Refused
from coordinator.http.room import RoomOf
from coordinator.http.schemas.base import Done, Page
from coordinator.http.schemas.fleet import Why
from coordinator.http.schemas.tasks import (
    ActsAnswer,
    BulkAnswer,
    BulkCreation,
    StatusUpdate,
    Story,
    Task,
    TaskAct,
    TaskActs,
    TaskCreation,
    TaskFilter,
)
from coordinator.http.task_pages import one_task, task_page
from coordinator.http.task_status import update_status
from protocol.messages.base import TaskId
from protocol.vocabulary import Priority, SubmitOp, TaskStatus

router = APIRouter(prefix="/tasks", tags=["tasks"], responses=REFUSALS)

Id = Annotated[TaskId, Path(description="The task's id")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=128,
        description="The same key from the same bearer is answered as the first was",
    ),
]


@router.get("", operation_id="list_tasks")
async def list_tasks(
    who: Reader,
    room: RoomOf,
    status: Annotated[list[TaskStatus] | None, Query()] = None,
    priority: Annotated[list[Priority] | None, Query()] = None,
    mode: Annotated[list[str] | None, Query()] = None,
    agent: Annotated[str | None, Query(max_length=63)] = None,
    name: Annotated[str | None, Query(max_length=128, description="The exact name")] = None,
    blocked_by: Annotated[str | None, Query(max_length=64, description="A reason")] = None,
    q: Annotated[str | None, Query(max_length=200, description="Part of the name or id")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    offset: Annotated[
        int, Query(ge=0, le=100_000_000, description="Leave out so many; not with a cursor")
    ] = 0,
    sort: Annotated[
        str, Query(pattern="^-?(created_at|completed_at|name|mode|priority|status|agent_name|id)$")
    ] = "-created_at",
) -> Page[Task]:
    """List tasks, newest first unless sorted otherwise."""
    wanted = TaskFilter(
        status=status or [], priority=priority or [], mode=mode or [], agent=agent, name=name, q=q
    )
    return await task_page(
        room,
        who,
        wanted,
        blocked_by=blocked_by,
        limit=limit,
        cursor=cursor,
        sort=sort,
        offset=offset,
    )


@router.post("", operation_id="create_schedule_task", status_code=201)
async def create_schedule_task(
    body: TaskCreation,
    who: Operator,
    room: RoomOf,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Task:
    """Create a task; 201 means that it is stored."""
    reply = await room.link.ask(
        SubmitOp.CREATE,
        who,
        key=idempotency_key,
        body=body,
        task=body.id,
        spec=spec_of(body),
    )
    task = await one_task(room, who, reply.task or "")
    response.headers["Location"] = f"/api/orchestrator/tasks/{task.id}"
    return task


@router.post("/bulk", operation_id="create_tasks", status_code=201)
async def create_tasks(
    body: BulkCreation, who: Operator, room: RoomOf, idempotency_key: IdempotencyKey = None
) -> BulkAnswer:
    """Create up to 10,000 tasks; those in ``ids`` are stored, and why others are not is told."""
    return await bulk(room, who, body, idempotency_key)


@router.post("/actions", operation_id="act_on_tasks")
async def act_on_tasks(body: TaskActs, who: Operator, room: RoomOf) -> ActsAnswer:
    """Do the same to many tasks, after a look (``dry_run``) at which these are."""
    return await act_on_many(room, who, body)


@router.get("/{id}", operation_id="get_task")
async def get_task(id: Id, who: Reader, room: RoomOf) -> Task:  # noqa: A002 -- the path's word
    """Show one task."""
    return await one_task(room, who, id)


@router.post("/{id}/status", operation_id="update_task_status")
async def update_task_status(
    id: Id,  # noqa: A002 -- as above
    body: StatusUpdate,
    who: Operator,
    room: RoomOf,
) -> Task:
    """Report what became of a task; only legal moves are made."""
    await update_status(room, who, id, body)
    return await one_task(room, who, id)


@router.post("/{id}/actions", operation_id="act_on_task")
async def act_on_task(
    id: Id,  # noqa: A002 -- as above
    body: TaskAct,
    who: Operator,
    room: RoomOf,
) -> Done:
    """Cancel, pause, resume or retry a task; a retry of one that is over makes a new one."""
    reply = await room.link.ask(
        SubmitOp(body.verb), who, task=id, reason=body.reason, fence=body.fence
    )
    return Done(message=reply.task)


@router.get("/{id}/why", operation_id="why_task")
async def why_task(id: Id, who: Reader, room: RoomOf) -> Why:  # noqa: A002 -- as above
    """Say why a task waits, or what became of it."""
    reply = await room.link.ask(SubmitOp.WHY, who, task=id)
    return Why.of(reply.data)


@router.get("/{id}/story", operation_id="task_story")
async def task_story(id: Id, _who: Reader, room: RoomOf) -> Story:  # noqa: A002 -- as above
    """Tell everything that happened to a task."""
    story = await room.reader.story(id)
    if story is None:
        raise Refused.unknown("task", id)
    return story
