"""Making tasks: from what a client sends to what the coordinator is asked for, one or many.

Many are checked here one by one, and said in as few messages as they fit into; each message is one
commit of the coordinator.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson
from pydantic import ValidationError

from coordinator.http.auth.sessions import Who
from coordinator.http.link import ANSWER_S, LABEL, refuse_unsayable
from coordinator.http.problems import Refused, fault_of, faults_of
from coordinator.http.room import Room
from coordinator.http.schemas.base import Fault, millis
from coordinator.http.schemas.tasks import BulkAnswer, BulkCreation, RefusedTask, TaskCreation
from protocol import limits
from protocol.messages import TaskSpec
from protocol.messages.requests import MAX_SPECS
from protocol.vocabulary import SubmitOp

MESSAGE_BYTES: Final = limits.LARGE_MESSAGE_BYTES - 4_096
"""What the specs of one message may take; the rest is for what stands around them."""
SAID_TOGETHER: Final = 8
BULK_ANSWER_S: Final = 3 * ANSWER_S
CHECKED_TOGETHER: Final = 500


def spec_of(task: TaskCreation) -> TaskSpec:
    """Say *task* in the words of the bus."""
    return TaskSpec.model_validate(_said(task))


def _said(task: TaskCreation) -> dict[str, Any]:
    """Write *task* as the bus has it; what was not said is left out."""
    said = {name: getattr(task, name) for name in task.model_fields_set - _NOT_IN_SPECS}
    said = {name: value for name, value in said.items() if value is not None}
    for moment, name in (("scheduled_for", "scheduled_for_ms"), ("expires_at", "expires_ms")):
        if (value := said.pop(moment, None)) is not None:
            said[name] = millis(value)
    if task.agent_name is not None:
        said["agent"] = task.agent_name
    return said


_NOT_IN_SPECS: Final = {"id", "agent_name"}


async def bulk(room: Room, who: Who, body: BulkCreation, key: str | None) -> BulkAnswer:
    """Create many tasks; what is wrong with some does not keep the others from being stored."""
    ids: list[str | None] = [None] * len(body.tasks)
    refused: list[RefusedTask] = []
    said: list[tuple[int, bytes]] = []
    for start in range(0, len(body.tasks), CHECKED_TOGETHER):
        for index in range(start, min(start + CHECKED_TOGETHER, len(body.tasks))):
            found = _checked(index, {**body.defaults, **body.tasks[index]})
            if isinstance(found, RefusedTask):
                refused.append(found)
            else:
                said.append((index, found))
        await asyncio.sleep(0)  # others get their turn
    request_id = room.link.idempotent(key, who, body) if key is not None else room.link.fresh_id()
    turns = asyncio.Semaphore(SAID_TOGETHER)

    async def say(number: int, part: Sequence[tuple[int, bytes]]) -> None:
        async with turns:
            await _say(room, who, f"{request_id}-{number}", part, ids, refused)

    # A refusal is raised as it is, at once; what else was said is answered into the void.
    await asyncio.gather(*(say(number, part) for number, part in enumerate(_parts(said))))
    refused.sort(key=lambda one: one.index)
    return BulkAnswer(created=sum(one is not None for one in ids), ids=ids, refused=refused)


def _checked(index: int, fields: dict[str, Any]) -> RefusedTask | bytes:
    try:
        task = TaskCreation.model_validate(fields)
    except ValidationError as error:
        faults = [
            fault.model_copy(update={"path": f"body.tasks.{index}.{fault.path}"})
            for fault in faults_of(error.errors(include_url=False))
        ]
        return RefusedTask(index=index, code="bad_request", errors=faults)
    if task.id is not None:
        fault = Fault(
            path=f"body.tasks.{index}.id",
            value=task.id,
            expected="left out: ids of many are made by the coordinator",
        )
        return RefusedTask(index=index, code="bad_request", errors=[fault])
    spec = orjson.dumps(_said(task))
    if len(spec) > MESSAGE_BYTES:
        fault = Fault(path=f"body.tasks.{index}", expected=f"at most {MESSAGE_BYTES} bytes")
        return RefusedTask(index=index, code="too_large", errors=[fault])
    try:
        refuse_unsayable(b'{"specs":[' + spec + b"]}", f"body.tasks.{index}")
    except Refused as refused:
        return RefusedTask(index=index, code=refused.code, errors=refused.errors)
    return spec


def _parts(said: Sequence[tuple[int, bytes]]) -> Iterator[Sequence[tuple[int, bytes]]]:
    """Divide the specs into what fits into one message."""
    part: list[tuple[int, bytes]] = []
    size = 0
    for one in said:
        if part and (size + len(one[1]) + 1 > MESSAGE_BYTES or len(part) >= MAX_SPECS):
            yield part
            part, size = [], 0
        part.append(one)
        size += len(one[1]) + 1
    if part:
        yield part


async def _say(
    room: Room,
    who: Who,
    request_id: str,
    part: Sequence[tuple[int, bytes]],
    ids: list[str | None],
    refused: list[RefusedTask],
) -> None:
    around = {"request_id": request_id, "op": SubmitOp.CREATE_MANY.value, "by": who.name[:LABEL]}
    specs = b",".join(spec for _, spec in part)
    payload = orjson.dumps(around)[:-1] + b',"specs":[' + specs + b"]}"
    reply = await room.link.send(request_id, payload, BULK_ANSWER_S)
    if not reply.ok:
        raise Refused.by_coordinator(reply)
    answer = reply.data or {}
    for (index, _), made in zip(part, answer.get("tasks", ()), strict=True):
        ids[index] = made
    refused += [_refused(part[one["index"]][0], one) for one in answer.get("refused", ())]


def _refused(index: int, said: dict[str, Any]) -> RefusedTask:
    place = f"body.tasks.{index}"
    fault = Fault(path=place, expected=str(said["message"]))
    if "fault" in said:
        fault = fault_of(said["fault"], place)
    return RefusedTask(index=index, code=said["code"], errors=[fault])
