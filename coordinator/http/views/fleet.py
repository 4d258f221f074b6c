"""The fleet in numbers as the API shows it, its limits, and how its parts are."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from coordinator.http.live.mirror import Mirror
from coordinator.http.schemas.base import instant, until
from coordinator.http.schemas.fleet import (
    Cap,
    CoordinatorView,
    Limit,
    OperatorHold,
    Summary,
)
from protocol.messages import LimitView
from protocol.vocabulary import AgentHealth, AgentStatus, Priority, TaskStatus

WordT = TypeVar("WordT", bound=StrEnum)


def coordinator_view(mirror: Mirror) -> CoordinatorView:
    """Say who coordinates, and how it is."""
    said = mirror.coordinator
    if said is None:
        return CoordinatorView(state="unknown")
    return CoordinatorView.model_construct(
        state=mirror.state,
        term=said.term,
        name=said.coord,
        reason=said.reason,
        since=instant(said.ts_ms),
    )


def summary_view(mirror: Mirror) -> Summary:
    """Show the fleet in numbers; of a fleet that nobody has heard of, zeros."""
    said = mirror.summary
    by_status = _all(TaskStatus, said.tasks_by_status if said else {})
    return Summary.model_construct(
        fleet_name=said.fleet_name if said else "",
        plan_version=said.plan_version if said else 0,
        as_of=instant(said.ts_ms) if said else None,
        total_agents=said.total_agents if said else 0,
        online_agents=said.online_agents if said else 0,
        busy_agents=said.busy_agents if said else 0,
        healthy_agents=said.healthy_agents if said else 0,
        agents_by_status=_all(AgentStatus, said.agents_by_status if said else {}),
        agents_by_health=_all(AgentHealth, said.agents_by_health if said else {}),
        total_tasks=said.total_tasks if said else 0,
        pending_tasks=said.pending_tasks if said else 0,
        running_tasks=said.running_tasks if said else 0,
        completed_tasks=said.completed_tasks if said else 0,
        failed_tasks=said.failed_tasks if said else 0,
        cancelled_tasks=by_status[TaskStatus.CANCELLED],
        paused_tasks=by_status[TaskStatus.PAUSED],
        tasks_by_priority=_all(Priority, said.tasks_by_priority if said else {}),
        tasks_by_status=by_status,
        tasks_by_mode=said.tasks_by_mode if said else {},
        blocked_by=said.blocked_by if said else {},
        limits=[limit_of(key, limit) for key, limit in (said.limits if said else {}).items()],
        dropped=said.dropped if said else {},
        coordinator=coordinator_view(mirror),
        bus=mirror.bus,
        stale=mirror.is_stale,
    )


def summary_json(mirror: Mirror) -> bytes:
    """Write the summary down; once for all who ask before anything changes."""
    return mirror.rendered("summary", lambda: summary_view(mirror).model_dump_json().encode())


def limit_of(key: str, limit: LimitView) -> Limit:
    """Show one limit as far as the bus tells it."""
    return Limit.model_construct(
        key=key,
        max=limit.max,
        used=limit.used,
        holders=list(limit.holders),
        queued_behind=None,
        frees_at=instant(limit.frees_at_ms),
        held=None,
    )


def hold_of(record: Mapping[str, Any]) -> OperatorHold:
    """Show what an operator holds, or a pause."""
    return OperatorHold(
        reason=record.get("reason") or record.get("text") or "",
        actor=record.get("actor") or "",
        until=until(record["until_ms"]),
    )


def with_queue(limit: Limit, full: Mapping[str, Any] | None, held: OperatorHold | None) -> Limit:
    """Add who waits behind a limit, and by whom it is held."""
    if full is None:
        return limit.model_copy(update={"queued_behind": 0, "held": held})
    ends = [holder["ends_ms"] for holder in full["holders"] if holder["ends_ms"] is not None]
    update = {
        "queued_behind": full.get("queued"),
        "held": held,
        "frees_at": instant(min(ends, default=None)),
    }
    return limit.model_copy(update=update)


def caps_of(
    used: Iterable[tuple[str, Mapping[str, Any]]], most: Mapping[str, float]
) -> Iterable[Cap]:
    """Show what is counted under every cap, and when it begins anew."""
    seen = set()
    for key, record in used:
        seen.add(key)
        yield Cap(
            key=key,
            unit=record["unit"],
            used=record["amount"],
            max=most.get(key),
            resets_at=instant(record["period"][1]),
        )
    for key, limit in most.items():
        if key not in seen:
            yield Cap(key=key, unit=key.rpartition(":")[2], used=0, max=limit)


def _all(words: type[WordT], counts: Mapping[str, int]) -> dict[WordT, int]:
    return {word: counts.get(word.value, 0) for word in words}
