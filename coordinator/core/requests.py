"""What clients ask for: every request is answered, and the same request is answered the same.

An accepted create is stored before its answer is sent: the answer is an effect of the same turn.
Another request under the id of one that was answered is refused, for its client would take the
answer for its own.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final

from coordinator.core.agents import Agent
from coordinator.core.assignments import end_attempt, want_of_holder
from coordinator.core.budgets import reset_budget
from coordinator.core.cancelling import cancel
from coordinator.core.creation import create, create_many, repeat
from coordinator.core.effects import ClearAgent, SaveReply, SayReply
from coordinator.core.errors import (
    BadRequest,
    IllegalMove,
    MayStillRun,
    RequestError,
    ReusedId,
    UnknownSubject,
)
from coordinator.core.gates import GLOBAL
from coordinator.core.hosts.orders import order_agent
from coordinator.core.instant import Instant
from coordinator.core.losses import lost_attempt
from coordinator.core.standing import refresh
from coordinator.core.state import KEPT_REQUESTS, State
from coordinator.core.tasks import Phase, Task
from coordinator.core.turn import Turn
from coordinator.core.verbs import (
    FOREVER,
    HOUR_MS,
    Hold,
    Verb,
    VerbKind,
    apply,
    hold_key,
    let_go_of_key,
    lift,
    pause_fleet,
    resume_fleet,
    settle_mode,
)
from coordinator.core.views import list_tasks, look, task_document
from coordinator.core.waiting import unqueue, wait
from coordinator.core.why.idle import why_idle
from coordinator.core.why.overview import why_summary
from coordinator.core.why.task import why
from protocol.messages import Reply, Submit
from protocol.vocabulary import OnLeaseLost, PresenceState, SubmitOp, Want

READS: Final = frozenset(
    {SubmitOp.GET, SubmitOp.LOOK, SubmitOp.WHY, SubmitOp.WHY_IDLE, SubmitOp.WHY_SUMMARY}
)
"""What changes nothing, so it is not remembered, and needs no store to be answered."""


def on_submitted(turn: Turn, client: str, asked: Submit, earlier: Reply | None) -> None:
    """Carry out one request and answer it, or repeat the answer that it got before."""
    actor = actor_of(client, asked)
    answer_once(turn, client, asked, lambda: _carry_out(turn, actor, asked), earlier)


def actor_of(client: str, asked: Submit) -> str:
    """Name who is responsible: the client, and on whose behalf it asks if it says so."""
    return client if asked.by is None else f"{asked.by} via {client}"


def answer_once(
    turn: Turn,
    client: str,
    asked: Submit,
    carry_out: Callable[[], tuple[str | None, dict[str, Any] | None]],
    earlier: Reply | None = None,
) -> None:
    """Answer a request by what *carry_out* returns or raises, unless it was answered before."""
    known = earlier or turn.state.answered.get((client, asked.request_id))
    if known is not None:
        turn.drop("repeated_request")
        turn.do(SayReply(client, again(turn.state, turn.now, asked, known)))
        return
    try:
        task, data = carry_out()
    except RequestError as error:
        answer = refusal(error)
    else:
        answer = {"ok": True, "task": task, "data": data}
    if asked.op in READS:
        reply = _reply(turn.state, turn.now, asked, **answer)
    else:
        reply = _reply(turn.state, turn.now, asked, **answer, of=_digest(asked))
        answered = turn.state.answered
        answered[client, asked.request_id] = reply
        if len(answered) > KEPT_REQUESTS:
            del answered[next(iter(answered))]
        turn.do(SaveReply(client, asked.request_id, reply))
    turn.do(SayReply(client, reply))


def again(state: State, now: Instant, asked: Submit, known: Reply) -> Reply:
    """Answer a repeated request as it was, and another one under its id with a refusal."""
    if known.of is None or known.of == _digest(asked):
        return known
    return _reply(state, now, asked, **refusal(ReusedId(asked.request_id)))


def refusal(error: RequestError) -> dict[str, Any]:
    """Say *error* in the fields of a reply."""
    return {"ok": False, "code": error.code, "message": str(error)[:1000], "data": error.data}


def _digest(asked: Submit) -> str:
    if asked.plan is not None:
        # Large, and not kept with the request; the version that it was made from is.
        asked = asked.model_copy(update={"plan": None})
    return blake2b(asked.model_dump_json().encode(), digest_size=8).hexdigest()


def _reply(
    state: State,
    now: Instant,
    asked: Submit,
    **answer: Any,  # noqa: ANN401 -- Reply's own fields
) -> Reply:
    return Reply.model_construct(
        ts_ms=now.wall_ms,
        coord=state.coord,
        term=state.term,
        request_id=asked.request_id,
        **answer,
    )


def _carry_out(  # noqa: C901, PLR0912 -- one arm per request
    turn: Turn, client: str, asked: Submit
) -> tuple[str | None, dict[str, Any] | None]:
    match asked.op:
        case SubmitOp.CREATE:
            if asked.spec is None:
                raise BadRequest("spec", None, "an object with at least a name and a mode")
            task = create(turn, asked.spec, client, asked.task)
            return task.id, {"status": task.status.value}
        case SubmitOp.GET:
            if asked.task is None:
                return None, list_tasks(turn.state, turn.now)
            return asked.task, task_document(turn.state, _task(turn, asked), turn.now)
        case SubmitOp.CANCEL:
            cancel(turn, _task(turn, asked))
        case SubmitOp.PAUSE:
            pause(turn, _task(turn, asked))
        case SubmitOp.RESUME:
            resume(turn, _task(turn, asked))
        case SubmitOp.RETRY:
            return retry(turn, _task(turn, asked), client, asked.fence).id, None
        case SubmitOp.CREATE_MANY:
            return None, create_many(turn, asked.specs, client)
        case SubmitOp.ACT_ON_MANY:
            return None, _act_on_many(turn, client, asked)
        case SubmitOp.LOOK:
            return None, look(turn.state, asked.tasks, asked.key, turn.now)
        case SubmitOp.WHY | SubmitOp.WHY_IDLE | SubmitOp.WHY_SUMMARY:
            return asked.task, _explain(turn, asked)
        case SubmitOp.FORGET:
            forget(turn, _agent(turn, asked))
        case SubmitOp.PLAN:
            raise BadRequest("op", "plan", "asked of a coordinator that has a plan store")
        case _:
            _operate(turn, client, asked)
    return asked.task, None


def _act_on_many(turn: Turn, client: str, asked: Submit) -> dict[str, Any]:
    """Do the same to many tasks; what refuses some does not keep the others from it."""
    acts: dict[str, Callable[[Task], object]] = {
        "cancel": lambda task: cancel(turn, task),
        "pause": lambda task: pause(turn, task),
        "resume": lambda task: resume(turn, task),
        "retry": lambda task: retry(turn, task, client),
    }
    if asked.verb is None:
        raise BadRequest("verb", None, f"one of {', '.join(acts)}")
    done, refused = 0, []
    for name in asked.tasks:
        try:
            task = turn.state.tasks.get(name)
            if task is None:
                raise UnknownSubject("task", name)
            acts[asked.verb](task)
        except RequestError as error:
            refused.append({"task": name, "code": error.code, "message": str(error)[:200]})
        else:
            done += 1
    if done:
        reason = asked.reason or "no reason given"
        turn.tell("operator", None, f"{client}: {asked.verb} of {done} tasks: {reason}")
    return {"done": done, "refused": refused}


def _explain(turn: Turn, asked: Submit) -> dict[str, Any]:
    match asked.op:
        case SubmitOp.WHY:
            return why(turn.state, _task(turn, asked), turn.now)
        case SubmitOp.WHY_IDLE:
            return why_idle(turn.state, _agent(turn, asked), turn.now)
        case _:
            return why_summary(turn.state, turn.now)


def _operate(turn: Turn, actor: str, asked: Submit) -> None:  # noqa: C901, PLR0912 -- one arm per verb
    """Carry out what an operator does to an agent, the fleet or a permit key."""
    reason = asked.reason or "no reason given"
    lasts_ms = HOUR_MS if asked.for_s is None else int(asked.for_s * 1000)
    until_ms = FOREVER if asked.forever else turn.now.wall_ms + lasts_ms
    match asked.op:
        case SubmitOp.CORDON | SubmitOp.DRAIN | SubmitOp.MAINTENANCE:
            agent = _agent(turn, asked)
            verb = Verb(VerbKind(asked.op.value), reason, actor, until_ms, agent.verb)
            apply(turn, agent, verb)
            refresh(turn, agent)
        case SubmitOp.START | SubmitOp.STOP | SubmitOp.RESTART:
            order_agent(turn, asked.agent, asked.op, actor, reason)
        case SubmitOp.RETURN:
            agent = _agent(turn, asked)
            if not lift(turn, agent, actor):
                raise IllegalMove("return", f"agent {agent.name}", "in service already")
            refresh(turn, agent)
        case SubmitOp.PAUSE_FLEET:
            pause_fleet(turn, reason, actor, until_ms)
        case SubmitOp.RESUME_FLEET:
            if not resume_fleet(turn, actor):
                raise IllegalMove("resume", "the fleet", "not paused")
        case SubmitOp.HOLD:
            hold_key(turn, _key(asked), Hold(reason, actor, until_ms))
        case SubmitOp.RELEASE:
            key = _key(asked)
            if not let_go_of_key(turn, key, f"released by {actor}"):
                raise IllegalMove("release", key, "not held")
        case SubmitOp.RESET_BUDGET:
            if not reset_budget(turn):
                raise IllegalMove("reset", "the error budget", "not used up")
            text = f"{actor} reset the error budget: {reason}"
            turn.tell("operator", None, text, budget="reset")
        case _:
            raise AssertionError(asked.op)


def _key(asked: Submit) -> str:
    key = asked.key
    if key is None or not (key == GLOBAL or key.startswith(("mode:", "key:"))):
        raise BadRequest("key", key, "a permit key: global, mode:<mode> or key:<concurrency key>")
    return key


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
    if agent is None or (agent.is_forgotten and asked.op is not SubmitOp.FORGET):
        raise UnknownSubject("agent", asked.agent)
    return agent


def pause(turn: Turn, task: Task) -> None:
    """Pause *task*: in its queue, or on its agent if that agent can pause."""
    is_paused = task.phase in {Phase.PAUSED_PENDING, Phase.PAUSED_RUNNING}
    if task.is_over or task.want is Want.CANCEL or is_paused:
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
    want_of_holder(turn, task, Want.PAUSE, Phase.PAUSING)


def resume(turn: Turn, task: Task) -> None:
    """Let *task* go on; the time that it was paused does not count as waiting."""
    if task.phase is Phase.PAUSED_PENDING:
        if task.paused_at_ms is not None:
            task.enqueued_ms += turn.now.wall_ms - task.paused_at_ms
            task.paused_at_ms = None
        wait(turn, task)
    elif task.want is Want.PAUSE and task.attempt is not None:
        want_of_holder(turn, task, Want.RUN, Phase.RUNNING)
    else:
        raise IllegalMove("resume", f"task {task.id}", task.phase.value)


def retry(turn: Turn, task: Task, client: str, fence: int | None = None) -> Task:
    """Run an ended task again as a new one, or one that waits for its next attempt at once.

    For a task that outlives its lease by right, it is the operator's word that the holder of
    *fence* is dead: of another one, begun since the operator looked, it says nothing.
    """
    attempt = task.attempt
    outlives_lease = task.on_lease_lost is OnLeaseLost.FINISH
    if attempt is not None and outlives_lease and turn.now.mono_ms > attempt.expires_ms:
        if fence != attempt.fence:
            raise MayStillRun(task.id, attempt.agent, attempt.fence)
        end_attempt(turn, task, "declared_dead")
        lost_attempt(turn, task, f"{client} said that {attempt.agent}, which held it, is dead")
        return task
    if task.phase is Phase.SCHEDULED and task.failures:
        task.not_before_ms = None
        wait(turn, task)
        return task
    if not task.is_over:
        raise IllegalMove("retry", f"task {task.id}", task.phase.value)
    return repeat(turn, task, client)


def forget(turn: Turn, agent: Agent) -> None:
    """Let *agent* be unknown again: its boots up to now are not welcome any more."""
    if agent.held:
        raise IllegalMove("forget", f"agent {agent.name}", f"holding {', '.join(agent.held)}")
    agent.forgotten_epoch = max(agent.epoch, 1)  # also of one that never came
    agent.verb = None
    settle_mode(turn, agent)
    agent.presence = PresenceState.OFFLINE
    turn.tell("agent_forgotten", agent.name, f"{agent.name} was forgotten")
    turn.do(ClearAgent(agent.name))
    refresh(turn, agent)
