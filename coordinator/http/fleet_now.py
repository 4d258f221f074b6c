"""How the fleet is now, put together from the bus, the store and the coordinator's own words."""

from collections.abc import Mapping
from typing import Any, Final

from coordinator.core.caps import cap_key
from coordinator.core.usage import DAY, WEEK
from coordinator.http.auth.sessions import Who
from coordinator.http.problems import Refused
from coordinator.http.room import Room
from coordinator.http.schemas.fleet import Health, Limits
from coordinator.http.views.fleet import (
    caps_of,
    coordinator_view,
    hold_of,
    limit_of,
    with_queue,
)
from protocol.vocabulary import AgentHealth, SubmitOp

_MOST_NAMED: Final = 50


async def limits_view(room: Room, who: Who) -> Limits:
    """Show every limit with who waits behind it, and every cap with when it begins anew."""
    said = room.mirror.summary
    full: dict[str, Mapping[str, Any]] = {}
    stale = room.mirror.is_stale
    try:
        reply = await room.link.ask(SubmitOp.WHY_SUMMARY, who, within_s=2.0)
        full = {one["key"]: one for one in (reply.data or {}).get("limits", ())}
    except Refused:
        stale = True
    marks = await room.reader.read(lambda lists: lists.marks(["usage", "closure", "hold"]))
    holds = {key: hold_of(record) for kind, key, record in marks if kind == "hold"}
    pause = next(
        (record for kind, key, record in marks if (kind, key) == ("closure", "fleet")), None
    )
    plan = await room.reader.plan(said.plan_version if said else None)
    most = {cap_key(cap): float(cap.limit) for cap in plan.policy.caps}
    budget = {DAY: plan.policy.max_daily_errors, WEEK: plan.policy.max_weekly_errors}
    most |= {
        f"errors:{unit}": float(max(errors, 1))
        for unit, errors in budget.items()
        if errors is not None
    }
    used = [(key, record) for kind, key, record in marks if kind == "usage"]
    return Limits(
        limits=[
            with_queue(limit_of(key, limit), full.get(key), holds.get(key))
            for key, limit in (said.limits if said else {}).items()
        ],
        caps=list(caps_of(used, most)),
        fleet_pause=None if pause is None else hold_of(pause),
        stale=stale,
    )


async def health_view(room: Room) -> Health:
    """Say how the fleet's own parts are."""
    mirror = room.mirror
    trouble = await room.reader.is_readable()
    cards = [card for name in mirror.agent_names() if (card := mirror.registry(name)) is not None]
    state = mirror.state
    well = mirror.bus and trouble is None and state == "online"
    lame = mirror.bus and state in {"recovering", "draining", "safe", "online"}
    healths = [card.health for card in cards]
    return Health(
        status="ok" if well else "degraded" if lame else "down",
        coordinator=coordinator_view(mirror),
        bus=mirror.bus,
        store=trouble is None,
        store_error=trouble,
        agents_by_health={health.value: healths.count(health) for health in AgentHealth},
        unhealthy=sorted(
            card.agent
            for card in cards
            if card.health in {AgentHealth.WARNING, AgentHealth.CRITICAL}
        )[:_MOST_NAMED],
        behind_s=round(mirror.behind_s, 3),
    )
