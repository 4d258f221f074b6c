"""Tasks for those who look: a page of what is stored, with what the bus and the coordinator add."""

from typing import Any, Final

from coordinator.core.caps import cap_key
from coordinator.core.policy import Cap
from coordinator.http.auth.sessions import Who
from coordinator.http.problems import Refused
from coordinator.http.room import Room
from coordinator.http.schemas.base import Page
from coordinator.http.schemas.tasks import Task, TaskFilter
from coordinator.http.views.cursors import read_cursor, write_cursor
from coordinator.http.views.tasks import freshened, stored_task
from coordinator.shell.store.lists import Wanted
from protocol.vocabulary import SubmitOp, TaskStatus

LOOK_S: Final = 1.0


def wanted_of(asked: TaskFilter, ids: tuple[str, ...] | None = None) -> Wanted:
    """Say a filter in the words of the store."""
    return Wanted(
        statuses=tuple(status.value for status in asked.status),
        priorities=tuple(priority.value for priority in asked.priority),
        modes=tuple(asked.mode),
        agent=asked.agent,
        name=asked.name,
        text=asked.q,
        ids=ids,
    )


async def task_page(
    room: Room,
    who: Who,
    asked: TaskFilter,
    *,
    blocked_by: str | None,
    limit: int,
    cursor: str | None,
    sort: str,
    offset: int = 0,
) -> Page[Task]:
    """Return one page of the tasks that *asked* means."""
    if cursor is not None and offset:
        raise Refused.bad("query.offset", offset, "left out where there is a `cursor`")
    ids, waiting = None, None
    if blocked_by is not None:
        reply = await room.link.ask(SubmitOp.LOOK, who, permit=blocked_by)
        ids = tuple((reply.data or {}).get("waiting", ()))
        waiting = (reply.data or {}).get("total", 0)
    wanted = wanted_of(asked, ids)
    after = None
    if cursor is not None:
        place, last = read_cursor(cursor, sort, 2)
        _check_place(cursor, sort, place, last)
        after = (place, last)
    rows = await room.reader.read(lambda lists: lists.tasks(wanted, sort, after, limit, offset))
    if waiting is not None and wanted == Wanted(ids=ids):
        total = waiting
    elif after is None and len(rows) < limit and (rows or not offset):
        total = offset + len(rows)  # the end is in sight: nothing has to be counted
    else:
        total = await room.reader.count(wanted)
    tasks = [
        freshened(stored_task(row.record, brief=True), room.mirror.task(row.place[1]))
        for row in rows
    ]
    more = len(rows) == limit
    return Page[Task].model_construct(
        items=await _with_reasons(room, who, tasks),
        next_cursor=write_cursor(sort, list(rows[-1].place)) if more else None,
        total=total,
        stale=room.mirror.is_stale,
    )


async def one_task(room: Room, who: Who, task_id: str) -> Task:
    """Return everything that is known of one task, or raise :class:`Refused`."""
    records = await room.reader.read(lambda lists: lists.records([task_id]))
    record = records.get(task_id)
    if record is None:
        raise Refused.unknown("task", task_id)
    task = freshened(stored_task(record), room.mirror.task(task_id))
    card = room.mirror.task(task_id)
    if task.result is None and card is not None and card.result is not None:
        task = task.model_copy(update={"result": card.result})
    return (await _with_reasons(room, who, [await _counted(room, task)]))[0]


async def _with_reasons(room: Room, who: Who, tasks: list[Task]) -> list[Task]:
    """Add why those that wait do, which only the coordinator knows; without it, nothing."""
    waiting = [task.id for task in tasks if task.status is TaskStatus.PENDING]
    if not waiting or room.mirror.is_stale:
        return tasks
    try:
        reply = await room.link.ask(SubmitOp.LOOK, who, tasks=tuple(waiting), within_s=LOOK_S)
    except Refused:
        return tasks
    reasons: dict[str, Any] = (reply.data or {}).get("blocked", {})
    return [
        task.model_copy(update={"blocked_by": reasons[task.id]}) if task.id in reasons else task
        for task in tasks
    ]


async def _counted(room: Room, task: Task) -> Task:
    """Add how often tasks of its name ran in the present day and week, if it has a cap."""
    periods = {"day": task.daily_cap, "week": task.weekly_cap}
    if not any(limit is not None for limit in periods.values()):
        return task
    marks = await room.reader.read(lambda lists: lists.marks(["usage"]))
    used = {key: record["amount"] for _, key, record in marks}
    counts = {
        period: used.get(cap_key(Cap(f"name:{task.name}", period, 0)), 0)
        for period, limit in periods.items()
        if limit is not None
    }
    return task.model_copy(
        update={
            "current_daily_count": counts.get("day"),
            "current_weekly_count": counts.get("week"),
        }
    )


def _check_place(cursor: str, sort: str, place: object, last: object) -> None:
    is_number = sort.removeprefix("-") in {"created_at", "completed_at", "priority"}
    if not isinstance(last, str) or not isinstance(place, int if is_number else str):
        raise Refused.bad("query.cursor", cursor, "a next_cursor that this list gave for this sort")
