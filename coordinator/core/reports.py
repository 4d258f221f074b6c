"""Reports: numbered steps in the life of an attempt, each taken in once.

A report counts for the task only if its fence is the task's newest; a late success after its
lease was lost still counts, as long as nobody else has been given the task since.
"""

from typing import Final

from coordinator.core import cooldowns
from coordinator.core.agents import Agent, Ledger
from coordinator.core.assignments import end_attempt
from coordinator.core.budgets import count_error
from coordinator.core.charging import charge
from coordinator.core.effects import (
    DropLedger,
    LogAttempt,
    SaveLedger,
    SaveTask,
    SayLease,
    ShowTask,
)
from coordinator.core.heartbeats import mark_started
from coordinator.core.losses import lost_attempt
from coordinator.core.presence import current_boot
from coordinator.core.standing import refresh
from coordinator.core.tasks import Phase, Task
from coordinator.core.turn import Turn
from coordinator.core.waiting import end, retry_after_ms, try_again
from protocol.messages import Report
from protocol.vocabulary import LEAVING, ReportEvent, TaskStatus, Want

LEAVING_MS: Final = 1_000
"""Until an agent that declines because it is leaving has surely said so of itself as well."""
_SAYS_IT_RAN: Final = frozenset({ReportEvent.SUCCEEDED, ReportEvent.FAILED})


def on_report(turn: Turn, said: Report) -> None:
    """Take in one report, once, and acknowledge it."""
    agent = current_boot(turn, said)
    if agent is None:
        return
    ledger = agent.ledgers.get(said.boot) or _open_ledger(turn, agent, said.boot)
    if ledger.has(said.seq):
        turn.drop("duplicate_report")
    else:
        ledger.add(said.seq)
        turn.do(SaveLedger(agent.name, said.boot))
        _apply(turn, agent, said)
    if agent.boot is not None and agent.name not in turn.restated:
        turn.do(SayLease(agent.name, agent.boot, agent.seq, agent.rev, (), agent.acks()))


def _open_ledger(turn: Turn, agent: Agent, boot: str) -> Ledger:
    for old in agent.long_gone():
        del agent.ledgers[old]
        turn.do(DropLedger(agent.name, old))
    ledger = agent.ledgers[boot] = Ledger()
    return ledger


def _apply(turn: Turn, agent: Agent, said: Report) -> None:
    task = turn.state.tasks.get(said.task)
    if task is None or task.fence != said.fence or task.fenced_to != agent.name:
        _superseded(turn, agent, said)
        return
    if task.is_over:
        _superseded(turn, agent, said)
    elif task.attempt is None:
        if said.event is ReportEvent.SUCCEEDED:
            _succeeded(turn, task, said)
        else:
            _superseded(turn, agent, said)
    elif said.event.is_terminal:
        _ended(turn, agent, task, said)
    else:
        _went_on(turn, task, said)


def _superseded(turn: Turn, agent: Agent, said: Report) -> None:
    if said.event.is_terminal:
        now = turn.now.wall_ms
        turn.do(
            LogAttempt(
                said.task,
                said.fence,
                agent.name,
                f"superseded_{said.event.value}",
                now,
                None,
                now,
                0,
            )
        )


def _went_on(turn: Turn, task: Task, said: Report) -> None:
    match said.event:
        case ReportEvent.STARTED | ReportEvent.RESUMED:
            mark_started(turn, task)
            if task.want is Want.RUN:
                turn.move(task, Phase.RUNNING)
        case ReportEvent.PROGRESS:
            mark_started(turn, task)
            if said.detail.pct is not None:
                task.pct = said.detail.pct
            task.step = said.detail.step or task.step
            if task.phase in {Phase.OFFERED, Phase.UNKNOWN}:
                turn.move(task, Phase.RUNNING)
            else:
                turn.do(SaveTask(task.id))
                turn.do(ShowTask(task.id))
        case ReportEvent.PAUSED:
            if task.want is Want.PAUSE:
                turn.move(task, Phase.PAUSED_RUNNING)
        case _:
            raise AssertionError(said.event)


def _ended(turn: Turn, agent: Agent, task: Task, said: Report) -> None:
    if said.detail.ran_ms is not None or said.event in _SAYS_IT_RAN:
        mark_started(turn, task, said.detail.ran_ms or 0)
    if said.event is ReportEvent.SUCCEEDED and task.attempt is not None:
        charge(turn, task, task.attempt, count="completed")
    end_attempt(turn, task, said.event.value)
    match said.event:
        case ReportEvent.SUCCEEDED:
            cooldowns.succeeded(turn, agent, task)
            refresh(turn, agent)
            _succeeded(turn, task, said)
        case ReportEvent.FAILED:
            agent.errors_today += 1
            agent.last_error = f"{said.detail.code}: {said.detail.message or ''}"[:1000]
            cooldowns.failed(turn, agent, task)
            count_error(turn, said.detail.code or said.event.value)
            refresh(turn, agent)
            _failed(turn, task, said)
        case ReportEvent.REJECTED:
            _rejected(turn, agent, task, said)
        case ReportEvent.CANCELLED if task.want is Want.CANCEL:
            end(turn, task, TaskStatus.CANCELLED)
        case _:
            lost_attempt(turn, task, f"{agent.name} let it go: {said.event.value}")


def _succeeded(turn: Turn, task: Task, said: Report) -> None:
    task.result = said.detail.result
    task.pct = 100.0 if task.pct is not None else None
    task.error_code = task.error = None
    end(turn, task, TaskStatus.COMPLETED)


def _rejected(turn: Turn, agent: Agent, task: Task, said: Report) -> None:
    """Ask somebody else; only a task that may go to nobody else has failed by it."""
    is_leaving = said.detail.code == LEAVING
    after_ms = int((said.detail.retry_after_s or 0) * 1000)
    if is_leaving:
        after_ms = max(after_ms, LEAVING_MS)
    elif task.pin is not None or said.detail.retryable is False:
        _failed(turn, task, said)
        return
    else:
        task.excluded |= {agent.name}
    task.error_code, task.error = said.detail.code or said.event.value, said.detail.message or ""
    if task.want is Want.CANCEL:
        end(turn, task, TaskStatus.CANCELLED)
    else:
        try_again(turn, task, after_ms)


def _failed(turn: Turn, task: Task, said: Report) -> None:
    detail = said.detail
    task.error_code, task.error = detail.code or said.event.value, detail.message or ""
    task.failures += 1
    if task.want is Want.CANCEL:
        end(turn, task, TaskStatus.CANCELLED)
    elif detail.retryable is False or task.failures >= task.terms.max_attempts:
        end(turn, task, TaskStatus.FAILED)
    else:
        after_ms = retry_after_ms(turn, task)
        if detail.retry_after_s is not None:
            after_ms = max(after_ms, int(detail.retry_after_s * 1000))
        try_again(turn, task, after_ms)
