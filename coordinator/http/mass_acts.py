"""The same act on many tasks: first counted, then done in messages of many, each one commit."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from coordinator.http.auth.sessions import Who
from coordinator.http.problems import Refused
from coordinator.http.room import Room
from coordinator.http.schemas.tasks import (
    MOST_AT_ONCE,
    ActsAnswer,
    RefusedAct,
    TaskActs,
    TaskFilter,
)
from coordinator.http.task_pages import wanted_of
from coordinator.shell.store.lists import Wanted
from protocol.vocabulary import SubmitOp, TaskStatus

TOGETHER: Final = 2_000
NAMED: Final = 10
REFUSALS_TOLD: Final = 100
ANSWER_S: Final = 30.0

_ALLOWS: Final = {
    "cancel": {TaskStatus.PENDING, TaskStatus.RUNNING, TaskStatus.PAUSED},
    "pause": {TaskStatus.PENDING, TaskStatus.RUNNING},
    "resume": {TaskStatus.PAUSED, TaskStatus.RUNNING},
    "retry": {
        TaskStatus.COMPLETED,
        TaskStatus.FAILED,
        TaskStatus.CANCELLED,
        TaskStatus.PENDING,
        TaskStatus.RUNNING,
    },
}
"""In which public status an act can be possible; the coordinator knows better."""


async def act_on_many(room: Room, who: Who, body: TaskActs) -> ActsAnswer:
    """Do what *body* asks for, or with ``dry_run`` say what would be done."""
    if (body.ids is None) == (body.filter is None):
        raise Refused.bad("body", None, "either `ids` or `filter`")
    wanted = _wanted(body)
    found = await room.reader.read(lambda lists: lists.ids(wanted, MOST_AT_ONCE))
    allowed = [one for one in found if TaskStatus(one[2]) in _ALLOWS[body.verb]]
    by_status = Counter(status for _, _, status in found)
    names = list(dict.fromkeys(name for _, name, _ in allowed))[:NAMED]
    answer = ActsAnswer(
        dry_run=body.dry_run,
        matched=len(found),
        done=len(allowed),
        skipped=len(found) - len(allowed),
        first=names,
        by_status=dict(by_status),
    )
    if body.dry_run:
        return answer
    done, refused = await _do(room, who, body, [key for key, _, _ in allowed])
    return answer.model_copy(update={"done": done, "refused": refused[:REFUSALS_TOLD]})


async def _do(
    room: Room, who: Who, body: TaskActs, ids: Sequence[str]
) -> tuple[int, list[RefusedAct]]:
    done, refused = 0, []
    for start in range(0, len(ids), TOGETHER):
        reply = await room.link.ask(
            SubmitOp.ACT_ON_MANY,
            who,
            verb=body.verb,
            tasks=tuple(ids[start : start + TOGETHER]),
            reason=body.reason,
            within_s=ANSWER_S,
        )
        data = reply.data or {}
        done += data.get("done", 0)
        refused += [
            RefusedAct(id=one["task"], code=one["code"], detail=one["message"])
            for one in data.get("refused", ())
        ]
    return done, refused


def _wanted(body: TaskActs) -> Wanted:
    if body.ids is not None:
        return Wanted(ids=tuple(body.ids))
    return wanted_of(body.filter or TaskFilter())
