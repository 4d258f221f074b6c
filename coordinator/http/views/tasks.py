"""Tasks as the API shows them: what is stored, and the card where the bus is newer."""

from collections.abc import Mapping
from typing import Any

from coordinator.core.tasks import STATUS_OF, Phase
from coordinator.http.schemas.base import instant
from coordinator.http.schemas.tasks import Task
from protocol.messages import TaskView
from protocol.vocabulary import Constraint, Priority, TaskStatus

_OF_TERMS = {
    "cooldown_ms": Constraint.COOLDOWN,
    "cooldown_key": Constraint.COOLDOWN_KEY,
    "min_health": Constraint.MIN_HEALTH,
    "allows_unknown_health": Constraint.ALLOW_UNKNOWN_HEALTH,
    "must_fit": Constraint.MUST_FIT,
}


def stored_task(record: Mapping[str, Any], *, brief: bool = False) -> Task:
    """Show a task as it is stored; *brief* leaves out what only one task's page shows."""
    attempt, terms = record.get("attempt") or {}, record.get("terms") or {}
    phase = Phase(record["phase"])
    outcome = record.get("outcome")
    started_ms, completed_ms = record.get("started_ms"), record.get("completed_ms")
    return Task.model_construct(
        id=record["id"],
        name=record["name"],
        mode=record["mode"],
        agent_name=attempt.get("agent") or record.get("fenced_to") or record.get("pin"),
        priority=Priority(record["priority"]),
        status=TaskStatus(outcome) if outcome else STATUS_OF[phase],
        phase=phase.value,
        attempt=record.get("starts", 0),
        fence=record.get("fence", 0),
        pct=record.get("pct"),
        step=record.get("step"),
        created_at=instant(record["created_ms"]),
        scheduled_for=instant(record.get("scheduled_for_ms")),
        started_at=instant(started_ms),
        completed_at=instant(completed_ms),
        estimated_duration_s=_seconds(terms.get("estimated_ms")),
        actual_duration_s=_duration_s(record, started_ms, completed_ms),
        constraints=_constraints(terms),
        anti_pattern_rules=_rules(terms),
        daily_cap=terms.get("daily_cap"),
        weekly_cap=terms.get("weekly_cap"),
        current_daily_count=None,
        current_weekly_count=None,
        error_count=record.get("failures", 0),
        last_error=record.get("error"),
        error_code=record.get("error_code"),
        blocked_by=[],
        result=None if brief else record.get("result"),
        metadata={} if brief else record.get("metadata", {}),
        args={} if brief else record.get("args", {}),
        depends_on=list(record.get("depends_on", ())),
        expires_at=instant(record.get("expires_ms")),
        created_by=record.get("client"),
        parent=record.get("parent"),
    )


def shown_task(card: TaskView) -> Task:
    """Show a task of which only the card is known."""
    return freshened(
        Task.model_construct(
            id=card.task,
            name=card.name,
            mode=card.mode,
            priority=card.priority,
            status=card.status,
            phase=card.phase,
            created_at=instant(card.created_ms),
            scheduled_for=instant(card.scheduled_for_ms),
        ),
        card,
    )


def freshened(task: Task, card: TaskView | None) -> Task:
    """Show *task* with what the bus says of it, if that is newer."""
    if card is None or card.fence < task.fence:
        return task
    if task.status.is_terminal and not card.status.is_terminal:
        return task  # the store is never ahead of a later card, so this one is older
    return task.model_copy(
        update={
            "agent_name": card.agent or task.agent_name,
            "status": card.status,
            "phase": card.phase,
            "attempt": card.attempt,
            "fence": card.fence,
            "pct": card.pct,
            "step": card.step,
            "started_at": instant(card.started_ms),
            "completed_at": instant(card.completed_ms),
            "blocked_by": list(card.blocked_by),
            "last_error": card.error.message if card.error else task.last_error,
            "error_code": card.error.code if card.error else task.error_code,
        }
    )


def _constraints(terms: Mapping[str, Any]) -> dict[str, Any]:
    """Say what a task asks for in the words of the seed."""
    said: dict[str, Any] = {
        word.value: terms[name] for name, word in _OF_TERMS.items() if terms.get(name) is not None
    }
    if "cooldown" in said:
        said["cooldown"] = said["cooldown"] / 1000
    if windows := terms.get("windows"):
        said[Constraint.TIME_WINDOW.value] = windows[0] if len(windows) == 1 else list(windows)
    if capabilities := terms.get("capabilities"):
        one = len(capabilities) == 1
        said[Constraint.AGENT_CAPABILITY.value] = capabilities[0] if one else list(capabilities)
    for cap in (Constraint.DAILY_CAP, Constraint.WEEKLY_CAP):
        if terms.get(cap.value) is not None:
            said[cap.value] = terms[cap.value]
    return said


def _rules(terms: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Say which rules of its own a task has."""
    if terms.get("max_failures") is None:
        return []
    rule = {"type": "recent_failure", "max_failures": terms["max_failures"]}
    for name, key in (("timeout", "failure_timeout_ms"), ("window", "failure_window_ms")):
        if terms.get(key) is not None:
            rule[name] = terms[key] / 1000
    return [rule]


def _duration_s(
    record: Mapping[str, Any], started_ms: int | None, completed_ms: int | None
) -> float | None:
    if record.get("ran_ms"):
        return float(record["ran_ms"]) / 1000
    if started_ms is None or completed_ms is None:
        return None
    return (completed_ms - started_ms) / 1000


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000
