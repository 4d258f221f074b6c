"""The seed's ``update_task_status``: a bot's report, or an operator's wish; legal moves only."""

from coordinator.http.auth.sessions import Who
from coordinator.http.gateway.agent import Held, HttpAgent
from coordinator.http.problems import Refused
from coordinator.http.room import Room
from coordinator.http.schemas.tasks import StatusUpdate
from protocol.messages import ReportDetail
from protocol.vocabulary import HoldingPhase, ReportEvent, SubmitOp, TaskStatus, Want

_WISHES = {
    TaskStatus.CANCELLED: SubmitOp.CANCEL,
    TaskStatus.PAUSED: SubmitOp.PAUSE,
    TaskStatus.PENDING: SubmitOp.RESUME,
}


async def update_status(room: Room, who: Who, task_id: str, said: StatusUpdate) -> None:
    """Take *said* in, and wait until it is stored; raise :class:`Refused` for an illegal move."""
    agent = room.agents.holder_of(task_id)
    if agent is not None:
        held = agent.held[task_id]
        if said.status in _WISHES and not _answers_wish(said.status, held):
            await _wish(room, who, task_id, said)
            return
        event = _event(agent, held, said)
        if event is not None:
            await room.agents.report(agent, task_id, event, _detail(event, said))
        return
    if said.status in _WISHES:
        await _wish(room, who, task_id, said)
        return
    raise await _not_holding(room, task_id, said)


async def _wish(room: Room, who: Who, task_id: str, said: StatusUpdate) -> None:
    reason = said.reason or said.error
    await room.link.ask(
        _WISHES[said.status], who, task=task_id, reason=(reason or "")[:1000] or None
    )


def _answers_wish(status: TaskStatus, held: Held) -> bool:
    """Say whether the bot tells that it has done what was wished of it."""
    wish = {TaskStatus.CANCELLED: Want.CANCEL, TaskStatus.PAUSED: Want.PAUSE}
    return held.told.want is wish.get(status)


def _event(agent: HttpAgent, held: Held, said: StatusUpdate) -> ReportEvent | None:
    match said.status:
        case TaskStatus.RUNNING if held.phase is HoldingPhase.PAUSED:
            if held.told.want is Want.PAUSE:
                raise _illegal(agent, held, said, "an operator paused it; resume it first")
            return ReportEvent.RESUMED
        case TaskStatus.RUNNING if held.phase is HoldingPhase.ACCEPTED:
            return ReportEvent.STARTED
        case TaskStatus.RUNNING:
            return ReportEvent.PROGRESS if said.pct is not None or said.step else None
        case TaskStatus.COMPLETED | TaskStatus.FAILED if held.phase is HoldingPhase.ACCEPTED:
            raise _illegal(agent, held, said, "it has not begun; report running first")
        case TaskStatus.COMPLETED if said.success is not False:
            return ReportEvent.SUCCEEDED
        case TaskStatus.COMPLETED | TaskStatus.FAILED:
            return ReportEvent.FAILED
        case TaskStatus.CANCELLED:
            return ReportEvent.CANCELLED
        case TaskStatus.PAUSED:
            return None if held.phase is HoldingPhase.PAUSED else ReportEvent.PAUSED
        case TaskStatus.PENDING:
            return None


def _detail(event: ReportEvent, said: StatusUpdate) -> ReportDetail:
    if event is ReportEvent.FAILED:
        return ReportDetail(
            code=said.error_code or "failed",
            message=said.error or "the agent reported a failure",
            retryable=said.retryable,
            result=said.result,
        )
    if event is ReportEvent.PROGRESS:
        return ReportDetail(pct=said.pct, step=said.step)
    return ReportDetail(result=said.result)


def _illegal(agent: HttpAgent, held: Held, said: StatusUpdate, why: str) -> Refused:
    return Refused(
        409,
        "conflict",
        f"task {held.told.task} on {agent.said.name} is {held.phase.value}, "
        f"and cannot become {said.status.value}: {why}",
    )


async def _not_holding(room: Room, task_id: str, said: StatusUpdate) -> Refused:
    records = await room.reader.read(lambda lists: lists.records([task_id]))
    if task_id not in records:
        return Refused.unknown("task", task_id)
    card = room.mirror.task(task_id)
    if card is not None:
        state, agent = card.status.value, card.agent
    else:
        record = records[task_id]
        state = record.get("outcome") or record["phase"]
        agent = (record.get("attempt") or {}).get("agent")
    holder = f" on {agent}" if agent else ""
    return Refused(
        409,
        "conflict",
        f"task {task_id} is {state}{holder}; only the agent that holds it, if it speaks HTTP, "
        f"can say that it is {said.status.value}",
    )
