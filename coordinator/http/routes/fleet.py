"""Routes about the fleet as a whole: numbers, limits, events, health, and what operators do."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from coordinator.http.auth.guard import Operator, Reader
from coordinator.http.errors import REFUSALS
from coordinator.http.fleet_now import health_view, limits_view
from coordinator.http.room import RoomOf
from coordinator.http.schemas.base import Done, Moment, Page, millis
from coordinator.http.schemas.fleet import (
    Event,
    FleetAct,
    Health,
    LimitAct,
    Limits,
    Schedule,
    Summary,
    Why,
)
from coordinator.http.views.fleet import summary_json
from coordinator.shell.store.lists import EventsWanted
from protocol.vocabulary import SubmitOp

router = APIRouter(tags=["fleet"], responses=REFUSALS)

_FLEET_VERBS = {
    "pause": SubmitOp.PAUSE_FLEET,
    "resume": SubmitOp.RESUME_FLEET,
    "reset_budget": SubmitOp.RESET_BUDGET,
}


@router.get("/summary", operation_id="get_summary", response_model=Summary)
async def get_summary(_who: Reader, room: RoomOf) -> Response:
    """Show the fleet in numbers: the seed's registry and schedule summaries."""
    return Response(summary_json(room.mirror), media_type="application/json")


@router.get("/health", operation_id="get_health")
async def get_health(_who: Reader, room: RoomOf) -> Health:
    """Show how the fleet's own parts are."""
    return await health_view(room)


@router.get("/limits", operation_id="get_limits")
async def get_limits(who: Reader, room: RoomOf) -> Limits:
    """Show what may run at once and how often, what is used, and by whom."""
    return await limits_view(room, who)


@router.post("/limits/{key}/actions", operation_id="act_on_limit")
async def act_on_limit(
    key: Annotated[str, Path(max_length=128, description="global, mode:<mode> or key:<key>")],
    body: LimitAct,
    who: Operator,
    room: RoomOf,
) -> Done:
    """Hold a limit, so that nothing new has a place, or release it."""
    await room.link.ask(
        SubmitOp(body.verb),
        who,
        permit=key,
        reason=body.reason,
        for_s=body.for_s,
        forever=body.forever,
    )
    return Done(message=f"{body.verb}: {key}")


@router.post("/fleet/actions", operation_id="act_on_fleet")
async def act_on_fleet(body: FleetAct, who: Operator, room: RoomOf) -> Done:
    """Pause the whole fleet, resume it, or begin a new error budget."""
    await room.link.ask(
        _FLEET_VERBS[body.verb], who, reason=body.reason, for_s=body.for_s, forever=body.forever
    )
    return Done(message=body.verb)


@router.get("/why", operation_id="why_fleet")
async def why_fleet(who: Reader, room: RoomOf) -> Why:
    """Say what holds the fleet back: the reasons of all that wait, in numbers."""
    reply = await room.link.ask(SubmitOp.WHY_SUMMARY, who)
    return Why.of(reply.data)


@router.get("/schedules", operation_id="list_schedules")
async def list_schedules(_who: Reader, room: RoomOf) -> list[Schedule]:
    """List the recurring tasks of the plan, and how far each has come."""
    return await room.reader.schedules()


@router.get("/events", operation_id="list_events")
async def list_events(
    _who: Reader,
    room: RoomOf,
    after: Annotated[Moment | None, Query()] = None,
    before: Annotated[Moment | None, Query()] = None,
    kind: Annotated[list[str] | None, Query()] = None,
    subject: Annotated[str | None, Query(max_length=128)] = None,
    q: Annotated[str | None, Query(max_length=200, description="Part of the text")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Page[Event]:
    """List the fleet's story, newest first."""
    wanted = EventsWanted(millis(after), millis(before), tuple(kind or ()), subject, q)
    return await room.reader.events(wanted, limit=limit, cursor=cursor)


@router.get(
    "/stream",
    operation_id="stream",
    tags=["live"],
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def stream(
    request: Request,
    _who: Reader,
    room: RoomOf,
    views: Annotated[
        str,
        Query(
            max_length=1000,
            pattern=r"^[a-z]+(:[A-Za-z0-9_-]+)?(,[a-z]+(:[A-Za-z0-9_-]+)?)*$",
            description="Of: summary, agents, heat, tasks, events, alerts, agent:NAME, task:ID",
        ),
    ] = "summary",
) -> Response:
    """Send what changes, as server-sent events: a snapshot, numbered deltas, and beats."""
    return room.hub.respond(views, request.headers.get("last-event-id"))
