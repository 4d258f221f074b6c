"""Why does this task wait? Every gate with its numbers, who is in the way, and what would help.

A pure function of the state. It looks at gates, shapes and classes of agents, never at all tasks
or all agents, so it is quick enough to be asked at any time.
"""

from typing import Any, NamedTuple

from coordinator.core.instant import Instant
from coordinator.core.pools.views import pools_for
from coordinator.core.queue.shapes import Key, Shape
from coordinator.core.scoring import Score
from coordinator.core.state import State
from coordinator.core.tasks import Phase, Task
from coordinator.core.why.changes import Change
from coordinator.core.why.codes import BEHIND_OTHERS, PENDING_EVALUATION
from coordinator.core.why.earliest import earliest
from coordinator.core.why.funnel import Funnel, funnel_of
from coordinator.core.why.gates import fleet_gates, task_gates
from coordinator.core.why.holders import ending_of
from coordinator.core.why.reasons import headline_of
from coordinator.core.why.rivals import Rival, place_of, rivals_of
from coordinator.core.why.sentences import sentence
from coordinator.core.why.shadow import shadow_of, shape_in
from coordinator.core.why.suggestions import Suggestion, suggestions
from coordinator.core.why.trial import Assumption

Document = dict[str, Any]

_WAITING = frozenset({Phase.READY, Phase.SCHEDULED, Phase.DEPENDENT, Phase.PAUSED_PENDING})
_LINED_UP = frozenset({"GLOBAL_LIMIT", "MODE_LIMIT", "KEY_LIMIT", "CAP_REACHED", "AGENT_BUSY"})
"""Reasons that are over sooner for those before."""


class Case(NamedTuple):
    """All that is known of one waiting task."""

    shape: Shape
    place: Key
    rivals: list[Rival]
    funnel: Funnel
    gates: list[Document]
    """Of the task, of the fleet and of agents, in order of precedence."""


def why(state: State, task: Task, now: Instant) -> Document:
    """Explain *task*: why it waits and what would start it, or what became of it."""
    if task.phase not in _WAITING:
        return _not_waiting(state, task, now)
    case = case_of(state, task, now)
    failing = next((gate for gate in case.gates if not gate["ok"]), None)
    code = _headline(state, task, case, failing, now)
    since_ms, history = _history(state, task, case, code, now)
    closed = [
        (gate, sum(rival.count for rival in case.rivals if gate.key in rival.uses))
        for gate in case.shape.signature.gates
        if not gate.is_open
    ]
    position = _position(case, closed[0][0].key if closed else None)
    text = sentence(state, code, case.gates, case.funnel)
    return {
        **_head(task, now),
        "headline": {"code": code, "text": f"{text}{_those_before(code, position)}"},
        "gates": case.gates,
        "agents": case.funnel.document(case.shape.kind, now),
        "position": position,
        "pools": pools_for(state, case.shape),
        "earliest": earliest(state, task, closed, case.funnel, case.shape.kind, now),
        "would_run_if": [one.document() for one in would_run_if(state, task, case, now)],
        "blocked_since_ms": since_ms,
        "history": history,
    }


def case_of(state: State, task: Task, now: Instant) -> Case:
    """Look at everything that decides about *task*, which waits."""
    shape = task.shape
    if shape is None:  # it is in no queue: look at the one that it would be in
        shape = shape_in(shadow_of(state), task, now.wall_ms)
    place = place_of(task, shape, _age_from(task, now))
    funnel = funnel_of(state, shape.kind, now)
    return Case(
        shape,
        place,
        rivals_of(state, shape, place),
        funnel,
        [*task_gates(state, task, shape), *fleet_gates(state, shape, now), *funnel.gates()],
    )


def would_run_if(state: State, task: Task, case: Case, now: Instant) -> list[Suggestion]:
    """List what would start *task* at once; every one was tried."""
    first: tuple[Change, ...] = ()
    if task.phase is Phase.PAUSED_PENDING and _is_next_ready(task, now):
        first = (Change("resume it", {"op": "resume", "task": task.id}, Assumption()),)
    elif task.phase is Phase.SCHEDULED and task.failures:
        first = (Change("retry it now", {"op": "retry", "task": task.id}, Assumption()),)
    elif task.phase is not Phase.READY:
        return []
    if task.depends_on and task.phase is not Phase.READY:
        return []
    return suggestions(state, case.shape, case.place, case.rivals, case.funnel, now, first)


def _is_next_ready(task: Task, now: Instant) -> bool:
    return task.not_before_ms is None or task.not_before_ms <= now.wall_ms


def _age_from(task: Task, now: Instant) -> int:
    """Return since when *task* would count as waiting; paused time does not count."""
    if task.phase is Phase.PAUSED_PENDING and task.paused_at_ms is not None:
        return task.enqueued_ms + now.wall_ms - task.paused_at_ms
    return task.enqueued_ms


def _headline(state: State, task: Task, case: Case, failing: Document | None, now: Instant) -> str:
    if failing is not None and failing["scope"] != "agents":
        return str(failing["code"])
    if task.phase is Phase.READY:
        code = headline_of(state, case.shape, now)
        if code != BEHIND_OTHERS:
            return code
    else:
        code = case.funnel.headline() or PENDING_EVALUATION
        if not case.funnel.free:
            return code
    return BEHIND_OTHERS if case.rivals else PENDING_EVALUATION


def _history(
    state: State, task: Task, case: Case, code: str, now: Instant
) -> tuple[int, list[list[object]]]:
    story = state.reasons.stories.get(case.shape.kind) if task.shape is not None else None
    lived = [] if story is None else story.since(task.enqueued_ms)
    if not lived and story is None:
        lived = [(task.paused_at_ms or task.created_ms, code)]
    since_ms = lived[-1][0] if lived and lived[-1][1] == code else now.wall_ms
    if story is not None and story.hint is not None and story.hint[1] == code:
        since_ms = max(story.hint[0], task.enqueued_ms)  # too new to be part of the story
    return since_ms, [[at_ms, said] for at_ms, said in lived]


def _position(case: Case, key: str | None) -> Document:
    alike = [rival for rival in case.rivals if rival.shape.kind == case.shape.kind]
    sharing = [rival for rival in case.rivals if key is not None and key in rival.uses]
    return {
        "in_shape": min(1 + sum(rival.count for rival in alike), max(1, case.shape.live)),
        "ahead_in_limit": sum(rival.count for rival in sharing),
        "ahead": sum(rival.count for rival in case.rivals),
        "is_exact": all(rival.is_exact for rival in case.rivals),
        "waiting_alike": case.shape.live,
        "key_ms": case.place.due_ms,
    }


def _those_before(code: str, position: Document) -> str:
    """Say how many are before the task, where that is what it waits for."""
    before = position["ahead_in_limit"] if code.endswith("_LIMIT") else position["ahead"]
    if not before or code not in _LINED_UP:
        return ""
    least = "" if position["is_exact"] else "up to "
    tasks = "1 task is" if before == 1 else f"{least}{before} tasks are"
    return f"; {tasks} ahead of this one"


def _head(task: Task, now: Instant) -> Document:
    since_ms = task.enqueued_ms
    if task.is_over and task.completed_ms is not None:
        since_ms = task.completed_ms
    elif task.attempt is not None:
        since_ms = task.attempt.started_ms or task.attempt.offered_ms
    return {
        "task": task.id,
        "name": task.name,
        "status": task.status.value,
        "phase": task.phase.value,
        "since_ms": since_ms,
        "as_of_ms": now.wall_ms,
    }


def _not_waiting(state: State, task: Task, now: Instant) -> Document:
    """Say what became of a task that does not wait."""
    document = _head(task, now)
    attempt = task.attempt
    if attempt is not None:
        ending = ending_of(state, task, now)
        text = f"it is {task.phase.value} on {attempt.agent}"
        document["headline"] = {"code": task.status.value.upper(), "text": text}
        document["agent"] = attempt.agent
        scored = attempt.score
        document["chosen_by"] = None if scored is None else Score(*scored)._asdict()
        document["ends"] = None if ending is None else {"at_ms": ending.at_ms, "kind": "estimate"}
        if document["ends"] is not None and ending is not None:
            document["ends"]["basis"] = ending.basis
        return document
    code = "EXPIRED" if task.error_code == "expired" else task.status.value.upper()
    text = f"it is {task.status.value}"
    if task.error_code is not None:
        text += f" ({task.error_code}: {task.error or 'no word of what went wrong'})"
    document["headline"] = {"code": code, "text": text}
    return document
