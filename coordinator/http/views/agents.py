"""Agents as the API shows them: the coordinator's card, and what the agent says of itself."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from coordinator.http.live.mirror import Mirror
from coordinator.http.problems import Refused
from coordinator.http.schemas.agents import Agent, OperatorVerb
from coordinator.http.schemas.base import Page, instant, until
from coordinator.http.views.cursors import read_cursor, write_cursor
from protocol.vocabulary import AgentHealth, AgentStatus

_SEVERITY = {
    health: n
    for n, health in enumerate(
        (AgentHealth.CRITICAL, AgentHealth.WARNING, AgentHealth.UNKNOWN, AgentHealth.HEALTHY)
    )
}
HEAT_COLUMNS = (
    "name",
    "status",
    "health",
    "suspect",
    "machine_id",
    "current_mode",
    "desired_mode",
    "held",
    "slots",
)
"""What a row of the heatmap says, in this order."""


def agent_view(mirror: Mirror, name: str) -> Agent | None:
    """Show one agent, or ``None`` if the coordinator does not know it."""
    card = mirror.registry(name)
    if card is None:
        return None
    info, beat, metrics = mirror.info(name), mirror.heartbeat(name), mirror.metrics(name)
    session: dict[str, Any] = {}
    if beat is not None:
        session = {"boot": beat.boot, "conn": beat.conn, "outbox": beat.outbox}
    return Agent.model_construct(
        name=name,
        machine_id=card.machine_id,
        window_id=card.window_id,
        status=card.status,
        health=card.health,
        reasons=list(card.reasons),
        suspect=card.suspect,
        capabilities=list(card.capabilities),
        current_mode=card.mode,
        desired_mode=card.desired_mode,
        slots=card.slots,
        holds=list(card.holds),
        last_heartbeat=instant(beat.ts_ms if beat is not None else card.last_heartbeat_ms),
        uptime_s=beat.uptime_s if beat is not None else None,
        performance_metrics=metrics.m if metrics is not None else {},
        error_count=card.errors_today,
        last_error=card.last_error,
        registration_time=instant(info.ts_ms) if info is not None else None,
        config_path=info.config_path if info is not None else None,
        session_data=session,
        labels=dict(info.labels) if info is not None else {},
        epoch=card.epoch,
        client=info.client.model_dump() if info is not None and info.client else None,
        operator=None
        if card.operator is None
        else OperatorVerb.model_construct(
            verb=card.operator.verb,
            reason=card.operator.reason,
            actor=card.operator.actor,
            until=until(card.operator.until_ms),
        ),
    )


def heat_row(mirror: Mirror, name: str) -> list[Any] | None:
    """Show one agent as a row of :data:`HEAT_COLUMNS`."""
    card = mirror.registry(name)
    if card is None:
        return None
    return [
        name,
        card.status.value,
        card.health.value,
        card.suspect,
        card.machine_id,
        card.mode,
        card.desired_mode.value,
        len(card.holds),
        card.slots,
    ]


def matching(
    mirror: Mirror,
    *,
    statuses: Sequence[AgentStatus] | None = None,
    healths: Sequence[AgentHealth] | None = None,
    capabilities: Sequence[str] | None = None,
    machine: str | None = None,
    mode: str | None = None,
    text: str | None = None,
) -> list[str]:
    """Name the agents that fit every condition given."""
    found = []
    for name in mirror.agent_names():
        card = mirror.registry(name)
        if (
            card is not None
            and (not statuses or card.status in statuses)
            and (not healths or card.health in healths)
            and (not capabilities or set(capabilities) <= set(card.capabilities))
            and (machine is None or card.machine_id == machine)
            and (mode is None or card.mode == mode)
            and (not text or text.casefold() in name.casefold())
        ):
            found.append(name)
    return found


def page_of(
    names: Iterable[str], mirror: Mirror, *, limit: int, cursor: str | None, sort: str
) -> Page[Agent]:
    """Return one part of *names*, in the order of *sort* and then by name."""
    key = _SORTS[sort.removeprefix("-")]
    rows = sorted((key(mirror, name), name) for name in names)
    if sort.startswith("-"):
        rows.reverse()
    start = 0
    if cursor is not None:
        last = read_cursor(cursor, sort, 2)
        try:
            after = (type(rows[0][0])(last[0]), str(last[1])) if rows else ("", "")
            start = next(
                (
                    n
                    for n, row in enumerate(rows)
                    if (row < after if sort.startswith("-") else row > after)
                ),
                len(rows),
            )
        except (TypeError, ValueError):
            raise Refused.bad("query.cursor", cursor, "a next_cursor of the same sort") from None
    part = rows[start : start + limit]
    is_last = start + limit >= len(rows)
    return Page[Agent].model_construct(
        items=[view for _, name in part if (view := agent_view(mirror, name)) is not None],
        next_cursor=None if is_last or not part else write_cursor(sort, list(part[-1])),
        total=len(rows),
        stale=mirror.is_stale,
    )


def _text(field: str) -> Callable[[Mirror, str], Any]:
    def key(mirror: Mirror, name: str) -> Any:  # noqa: ANN401 -- of one type per field
        value = getattr(mirror.registry(name), field)
        return "" if value is None else value

    return key


def _severity(mirror: Mirror, name: str) -> int:
    card = mirror.registry(name)
    return _SEVERITY[card.health] if card is not None else len(_SEVERITY)


def _last_heartbeat(mirror: Mirror, name: str) -> int:
    beat, card = mirror.heartbeat(name), mirror.registry(name)
    if beat is not None:
        return beat.ts_ms
    return (card.last_heartbeat_ms if card else None) or 0


_SORTS: dict[str, Callable[[Mirror, str], Any]] = {
    "name": lambda _mirror, name: name,
    "status": _text("status"),
    "health": _severity,
    "machine_id": _text("machine_id"),
    "last_heartbeat": _last_heartbeat,
    "error_count": _text("errors_today"),
}
