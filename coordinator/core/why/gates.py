"""The gates of a task and of the fleet, each with its numbers: open or closed, and until when.

Every token of the list is in the answer, the open ones too: what is not in the way is half of an
explanation.
"""

from collections.abc import Iterator
from typing import Any, Final

from coordinator.core.caps import CapGate
from coordinator.core.closures import Closure
from coordinator.core.gates import Gate, PermitGate
from coordinator.core.instant import Instant
from coordinator.core.openings import WindowGate
from coordinator.core.queue.shapes import Shape
from coordinator.core.scoring import fits
from coordinator.core.state import State
from coordinator.core.tasks import Phase, Task
from coordinator.core.turn import Turn
from coordinator.core.why.agent_reasons import until
from coordinator.core.why.codes import OF_FLEET
from coordinator.core.why.holders import holders_of
from protocol.vocabulary import CoordinatorState

Document = dict[str, Any]

_ORDER: Final = (
    "FLEET_PAUSED",
    "ERROR_BUDGET",
    "IDLE_BLOCK",
    "OUTSIDE_WINDOW",
    "CAP_REACHED",
    "TASK_COOLDOWN",
    "FAILURE_COOLDOWN",
    "GLOBAL_LIMIT",
    "MODE_LIMIT",
    "KEY_LIMIT",
)
"""As in a signature: rest, cooldowns of the whole fleet and the rules of a window come first."""
_ABSENT: Final = {
    "ERROR_BUDGET": "maintenance tasks are not held back by errors",
    "OUTSIDE_WINDOW": "it names no window",
    "CAP_REACHED": "no cap counts it",
    "KEY_LIMIT": "it has no concurrency key",
}


def task_gates(state: State, task: Task, shape: Shape) -> list[Document]:
    """Render the gates that are about the task alone."""
    stopping = state.phase is CoordinatorState.DRAINING
    paused = task.phase is Phase.PAUSED_PENDING
    wrong = misconfigured(state, shape)
    unmet = _unmet(state, task) if task.phase is Phase.DEPENDENT else []
    wait_ms = task.not_before_ms if task.phase is Phase.SCHEDULED else None
    return [
        _gate("DEACTIVATED", not stopping, "the coordinator is stopping and offers nothing"),
        _gate("PAUSED", not paused, "it is paused until somebody resumes it"),
        _gate("MISCONFIGURED", wrong is None, wrong or ""),
        _gate("DEPENDENCY", not unmet, _dependency_text(unmet), waits_for=unmet or None),
        _gate("NOT_BEFORE", wait_ms is None, _not_before_text(task), until_ms=wait_ms),
        _gate("EXPIRED", task.error_code != "expired", task.error or "", until_ms=task.expires_ms),
    ]


def _gate(code: str, ok: bool, text: str, **facts: object) -> Document:  # noqa: FBT001 -- as it is written down
    document: Document = {"code": code, "scope": "task", "ok": ok}
    document |= {name: value for name, value in facts.items() if value is not None}
    if not ok:
        document["text"] = text
    return document


def misconfigured(state: State, shape: Shape) -> str | None:
    """Say what about the plan or the task lets it never start, if something does."""
    for gate in shape.signature.gates:
        if gate.code == "MISCONFIGURED":
            names = gate.key.removeprefix("window:").replace("|", ", ")
            return f"the plan has no window {names} any more"
    pin = shape.kind.pin
    if pin is not None and pin not in state.policy.agents:
        agent = state.agents.get(pin)
        if agent is None or agent.epoch == 0:
            return f"it asks for the agent {pin}, which is not in the plan and was never heard"
    return None


def _unmet(state: State, task: Task) -> list[Document]:
    waits = []
    for name in task.depends_on:
        other = state.tasks.get(name)
        status = "unknown" if other is None else other.status.value
        if status != "completed":
            waits.append({"task": name, "status": status})
    return waits


def _dependency_text(unmet: list[Document]) -> str:
    return "it waits for " + ", ".join(f"{wait['task']} ({wait['status']})" for wait in unmet)


def _not_before_text(task: Task) -> str:
    if task.failures:
        return f"it waits before its next attempt, after {task.failures} failed"
    return "its time has not come"


def fleet_gates(state: State, shape: Shape, now: Instant) -> list[Document]:
    """Render the gates that tasks share, in order of precedence."""
    found = [_fleet_gate(state, gate, now) for gate in shape.signature.gates]
    found = [document for document in found if document["code"] != "MISCONFIGURED"]
    if shape.kind.must_fit and not fits(Turn(state, now), shape):
        found.append(
            {
                "code": "OUTSIDE_WINDOW",
                "scope": "fleet",
                "key": "must_fit",
                "ok": False,
                "text": "it would not end before its window closes",
            }
        )
    known = {document["code"] for document in found}
    for code in OF_FLEET:
        if code not in known:
            text = _ABSENT.get(code, "no such rule")
            found.append({"code": code, "scope": "fleet", "ok": True, "text": text})
    return sorted(found, key=_precedence)


def _precedence(document: Document) -> int:
    code = document["code"]
    return _ORDER.index(code) if code in _ORDER else len(_ORDER)


def _fleet_gate(state: State, gate: Gate, now: Instant) -> Document:
    document: Document = {
        "code": gate.code,
        "scope": "fleet",
        "key": gate.key,
        "ok": gate.is_open,
        **dict(_facts(state, gate, now)),
    }
    closure = state.closures.get(gate.key)
    if closure is not None and not gate.is_open:
        document |= _of_closure(closure)
    elif not gate.is_open:
        document["text"] = text_of(state, gate)
    return document


def _of_closure(closure: Closure) -> Document:
    by = {} if closure.actor is None else {"by": closure.actor}
    return {"text": closure.text, "until_ms": until(closure.until_ms), **by}


def _facts(state: State, gate: Gate, now: Instant) -> Iterator[tuple[str, Any]]:
    if isinstance(gate, PermitGate):
        yield from (("limit", gate.limit), ("use", len(gate.holders)))
        hold = state.holds.get(gate.key)
        if hold is not None:
            yield "held", {"by": hold.actor, "why": hold.reason, "until_ms": until(hold.until_ms)}
        known = state.type_cooldowns.get(gate.key)
        if known is not None:
            yield "until_ms", until(known.until_ms)
        if not gate.is_open:
            yield "holders", holders_of(state, gate.holders, now)
    elif isinstance(gate, CapGate):
        yield from (("cap", gate.limit), ("used", gate.usage.amount))
        yield from (("reserved", len(gate.holders)), ("resets_ms", gate.usage.period.end_ms))
        if not gate.is_open:
            yield "holders", holders_of(state, gate.holders, now)
    elif isinstance(gate, WindowGate):
        yield "windows", [window.name for window in gate.windows]
        yield "until_ms", gate.looks_again_ms


def text_of(state: State, gate: Gate) -> str:
    """Say in a few words why *gate* is closed."""
    closure = state.closures.get(gate.key)
    if closure is not None:
        return closure.text
    if isinstance(gate, PermitGate):
        hold = state.holds.get(gate.key)
        if hold is not None:
            return f"{hold.actor} holds {gate.key}: {hold.reason}"
        known = state.type_cooldowns.get(gate.key)
        if known is not None:
            return known.text
        if gate.limit == 0:
            return f"the limit of {gate.key} is 0: nothing starts"
        return f"{_named(gate.key)} limit {gate.limit} is full"
    if isinstance(gate, CapGate):
        unit = gate.cap.period
        return f"{gate.used} of {gate.limit} starts of {gate.cap.scope} in this {unit} are used"
    if isinstance(gate, WindowGate):
        names = ", ".join(window.name for window in gate.windows)
        return f"the fleet rests ({names})" if gate.forbids else f"no window is open ({names})"
    return gate.code.lower().replace("_", " ")


def _named(key: str) -> str:
    kind, _, name = key.partition(":")
    return "the global" if not name else f"the {name}" if kind == "mode" else f"the {key}"
