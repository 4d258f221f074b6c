"""What clients ask for: every request is answered, and the same request is answered the same.

An accepted create is stored before its answer is sent: the answer is an effect of the same turn.
"""

from typing import Any

from coordinator.core.agents import Agent
from coordinator.core.creation import create
from coordinator.core.effects import ClearAgent, SaveAgent, SaveReply, SayReply
from coordinator.core.errors import BadRequest, IllegalMove, RequestError, UnknownSubject
from coordinator.core.standing import refresh
from coordinator.core.state import KEPT_REQUESTS
from coordinator.core.tasks import Phase, Task
from coordinator.core.turn import Turn
from coordinator.core.views import list_tasks, task_document
from coordinator.core.waiting import end, unqueue, wait
from protocol.messages import Reply, Submit, TaskSpec
from protocol.vocabulary import AgentMode, PresenceState, SubmitOp, TaskStatus, Want

_READS = frozenset({SubmitOp.GET, SubmitOp.WHY})


def on_submitted(turn: Turn, client: str, asked: Submit, earlier: Reply | None) -> None:
    """Carry out one request and answer it, or repeat the answer that it got before."""
    known = earlier or turn.state.answered.get((client, asked.request_id))
    if known is not None:
        turn.drop("repeated_request")
        turn.do(SayReply(client, known))
        return
    try:
        task, data = _carry_out(turn, client, asked)
    except RequestError as error:
        reply = _reply(turn, asked, ok=False, code=error.code, message=str(error)[:1000])
    else:
        reply = _reply(turn, asked, ok=True, task=task, data=data)
    if asked.op not in _READS:
        answered = turn.state.answered
        answered[client, asked.request_id] = reply
        if len(answered) > KEPT_REQUESTS:
            del answered[next(iter(answered))]
        turn.do(SaveReply(client, asked.request_id, reply))
    turn.do(SayReply(client, reply))


def _reply(turn: Turn, asked: Submit, **answer: Any) -> Reply:  # noqa: ANN401 -- Reply's own fields
    state = turn.state
    return Reply(
        ts_ms=turn.now.wall_ms,
        coord=state.coord,
        term=state.term,
        request_id=asked.request_id,
        **answer,
    )


def _carry_out(turn: Turn, client: str, asked: Submit) -> tuple[str | None, dict[str, Any] | None]:
    match asked.op:
        case SubmitOp.CREATE:
            if asked.spec is None:
                raise BadRequest("spec", None, "an object with at least a name and a mode")
            task = create(turn, asked.spec, client, asked.task)
            return task.id, {"status": task.status.value}
        case SubmitOp.GET:
            if asked.task is None:
                return None, list_tasks(turn.state)
            return asked.task, task_document(turn.state, _task(turn, asked))
        case SubmitOp.CANCEL:
            cancel(turn, _task(turn, asked))
        case SubmitOp.PAUSE:
            pause(turn, _task(turn, asked))
        case SubmitOp.RESUME:
            resume(turn, _task(turn, asked))
        case SubmitOp.RETRY:
            return retry(turn, _task(turn, asked), client).id, None
        case SubmitOp.WHY:
            return asked.task, task_document(turn.state, _task(turn, asked))
        case SubmitOp.DRAIN:
            drain(turn, _agent(turn, asked))
        case SubmitOp.FORGET:
            forget(turn, _agent(turn, asked))
    return asked.task, None


def _task(turn: Turn, asked: Submit) -> Task:
    if asked.task is None:
        raise BadRequest("task", None, "the id of a task")
    task = turn.state.tasks.get(asked.task)
    if task is None:
        raise UnknownSubject("task", asked.task)
    return task


def _agent(turn: Turn, asked: Submit) -> Agent:
    if asked.agent is None:
        raise BadRequest("agent", None, "the name of an agent")
    agent = turn.state.agents.get(asked.agent)
    if agent is None:
        raise UnknownSubject("agent", asked.agent)
    return agent


def cancel(turn: Turn, task: Task) -> None:
    """Cancel *task*: at once when nobody runs it, else as soon as its agent has let go."""
    if task.is_over:
        raise IllegalMove("cancel", f"task {task.id}", task.status.value)
    if task.attempt is None:
        unqueue(task)
        end(turn, task, TaskStatus.CANCELLED)
        return
    task.want = Want.CANCEL
    turn.move(task, Phase.CANCELLING)
    turn.restate(turn.state.agent(task.attempt.agent))


def pause(turn: Turn, task: Task) -> None:
    """Pause *task*: in its queue, or on its agent if that agent can pause."""
    if task.is_over or task.phase in {Phase.PAUSED_PENDING, Phase.PAUSED_RUNNING, Phase.CANCELLING}:
        raise IllegalMove("pause", f"task {task.id}", task.phase.value)
    if task.attempt is None:
        unqueue(task)
        task.paused_at_ms = turn.now.wall_ms
        turn.move(task, Phase.PAUSED_PENDING)
        return
    agent = turn.state.agent(task.attempt.agent)
    if agent.info is None or "pause" not in agent.info.features:
        raise IllegalMove(
            "pause", f"task {task.id}", f"running on {agent.name}, which cannot pause"
        )
    task.want = Want.PAUSE
    turn.move(task, Phase.PAUSING)
    turn.restate(agent)


def resume(turn: Turn, task: Task) -> None:
    """Let *task* go on; the time that it was paused does not count as waiting."""
    if task.phase is Phase.PAUSED_PENDING:
        if task.paused_at_ms is not None:
            task.enqueued_ms += turn.now.wall_ms - task.paused_at_ms
            task.paused_at_ms = None
        wait(turn, task)
    elif task.phase in {Phase.PAUSING, Phase.PAUSED_RUNNING} and task.attempt is not None:
        task.want = Want.RUN
        turn.move(task, Phase.RUNNING)
        turn.restate(turn.state.agent(task.attempt.agent))
    else:
        raise IllegalMove("resume", f"task {task.id}", task.phase.value)


def retry(turn: Turn, task: Task, client: str) -> Task:
    """Run an ended task again as a new one, or one that waits for its next attempt at once."""
    if task.phase is Phase.SCHEDULED and task.failures:
        task.not_before_ms = None
        wait(turn, task)
        return task
    if not task.is_over:
        raise IllegalMove("retry", f"task {task.id}", task.phase.value)
    again = create(turn, _spec_of(task), client)
    again.terms = task.terms
    again.parent = task.id
    return again


def _spec_of(task: Task) -> TaskSpec:
    return TaskSpec(
        name=task.name,
        mode=task.mode,
        agent=task.pin,
        priority=task.priority,
        args=task.args,
        metadata=task.metadata,
        trace=task.trace,
    )


def drain(turn: Turn, agent: Agent) -> None:
    """Give *agent* nothing new; what it has it may finish."""
    agent.desired_mode = AgentMode.DRAIN
    turn.do(SaveAgent(agent.name))
    turn.tell("agent_drained", agent.name, f"{agent.name} is being drained")
    turn.restate(agent)
    turn.show(agent)
    refresh(turn, agent)


def forget(turn: Turn, agent: Agent) -> None:
    """Let *agent* be unknown again: its boots up to now are not welcome any more."""
    if agent.held:
        raise IllegalMove("forget", f"agent {agent.name}", f"holding {', '.join(agent.held)}")
    agent.forgotten_epoch = agent.epoch
    agent.desired_mode = AgentMode.STOP
    turn.restate(agent)
    agent.presence = PresenceState.OFFLINE
    turn.tell("agent_forgotten", agent.name, f"{agent.name} was forgotten")
    turn.do(SaveAgent(agent.name))
    turn.do(ClearAgent(agent.name))
    refresh(turn, agent)
