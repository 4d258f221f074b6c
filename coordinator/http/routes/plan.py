"""Routes about the fleet plan: the one in force, others to be judged, history and rollback."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Path, Query, Response

from coordinator.http.auth.guard import Admin, Reader
from coordinator.http.errors import REFUSALS, refusals
from coordinator.http.plans import PlanDesk
from coordinator.http.room import RoomOf
from coordinator.http.schemas.base import JsonObject
from coordinator.http.schemas.plan import (
    PlanApplied,
    PlanCheck,
    PlanDiff,
    PlanHistory,
    PlanPreview,
    PlanQuestion,
    PreviewQuestion,
    Rollback,
    StoredPlan,
)
from coordinator.plan.schema import FleetPlan

router = APIRouter(prefix="/fleet-plan", tags=["fleet plan"], responses=REFUSALS)


@router.get("", operation_id="get_fleet_plan")
async def get_fleet_plan(
    who: Reader,
    room: RoomOf,
    response: Response,
    if_none_match: Annotated[str | None, Header()] = None,
) -> StoredPlan:
    """Show the plan in force; its ETag is what a change of it must name."""
    found = await PlanDesk(room, who).show()
    response.headers["ETag"] = etag(found.version)
    if if_none_match == etag(found.version):
        response.status_code = 304
    return found


@router.put("", operation_id="put_fleet_plan", responses=refusals(412, 428))
async def put_fleet_plan(
    body: Annotated[JsonObject, Body(description="The whole plan")],
    who: Admin,
    room: RoomOf,
    response: Response,
    comment: Annotated[str, Query(max_length=1000)] = "",
    if_match: Annotated[str | None, Header(description="The ETag it was made from")] = None,
) -> PlanApplied:
    """Put a plan in force that was made from the one in force."""
    applied = await PlanDesk(room, who).apply(body, if_match, comment)
    response.headers["ETag"] = etag(applied.version)
    return applied


@router.post("/check", operation_id="check_fleet_plan")
async def check_fleet_plan(body: PlanQuestion, who: Reader, room: RoomOf) -> PlanCheck:
    """Say what is wrong with a plan; nothing changes."""
    return await PlanDesk(room, who).check(body)


@router.post("/diff", operation_id="diff_fleet_plan")
async def diff_fleet_plan(body: PlanQuestion, who: Reader, room: RoomOf) -> PlanDiff:
    """Say what a plan would change, and what that would do to what waits."""
    return await PlanDesk(room, who).diff(body)


@router.post("/preview", operation_id="preview_fleet_plan")
async def preview_fleet_plan(body: PreviewQuestion, who: Reader, room: RoomOf) -> PlanPreview:
    """Simulate the next days under a plan."""
    return await PlanDesk(room, who).preview(body)


@router.get("/history", operation_id="fleet_plan_history")
async def fleet_plan_history(who: Reader, room: RoomOf) -> PlanHistory:
    """List the versions, newest first."""
    return await PlanDesk(room, who).history()


@router.get("/versions/{n}", operation_id="get_fleet_plan_version")
async def get_fleet_plan_version(
    n: Annotated[int, Path(ge=1, le=2**53)], who: Reader, room: RoomOf
) -> StoredPlan:
    """Show one version."""
    return await PlanDesk(room, who).show(n)


@router.post("/rollback", operation_id="rollback_fleet_plan")
async def rollback_fleet_plan(body: Rollback, who: Admin, room: RoomOf) -> PlanApplied:
    """Put an earlier version in force again, as a new one."""
    return await PlanDesk(room, who).rollback(body)


@router.get("/schema", operation_id="fleet_plan_schema")
async def fleet_plan_schema(_who: Reader) -> dict[str, Any]:
    """Return the JSON Schema of a plan."""
    return FleetPlan.model_json_schema(by_alias=True)


def etag(version: int) -> str:
    """Name a version as HTTP does."""
    return f'"v{version}"'
