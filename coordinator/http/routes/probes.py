"""Probes for whoever supervises the process: they are open, and say nothing but yes or no."""

from fastapi import APIRouter, Response

from coordinator.http.room import RoomOf

router = APIRouter(tags=["probes"])


@router.get("/healthz", operation_id="healthz", response_class=Response)
async def healthz() -> Response:
    """Say that the process serves."""
    return Response("ok\n", media_type="text/plain")


@router.get("/readyz", operation_id="readyz", response_class=Response)
async def readyz(room: RoomOf) -> Response:
    """Say whether the control room has a bus and a coordinator to serve."""
    ready = not room.mirror.is_stale
    return Response(
        "ready\n" if ready else "not ready\n",
        status_code=200 if ready else 503,
        media_type="text/plain",
    )
