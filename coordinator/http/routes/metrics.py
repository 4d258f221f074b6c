"""The route that Prometheus scrapes: with a token, or from this machine if the settings allow."""

import ipaddress
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from coordinator.http.auth.guard import who_asks
from coordinator.http.auth.sessions import Who
from coordinator.http.metrics import registry_of
from coordinator.http.problems import Refused
from coordinator.http.room import RoomOf

router = APIRouter(tags=["probes"])


@router.get("/metrics", operation_id="metrics", response_class=Response)
async def metrics(
    request: Request, room: RoomOf, who: Annotated[Who | None, Depends(who_asks)]
) -> Response:
    """Return the fleet's figures in the text format of Prometheus."""
    settings = room.watch.settings
    if who is None and not (settings.metrics_without_token and _is_local(request)):
        raise Refused(
            401,
            "not_signed_in",
            "show a token: `fleetbus token create --scope read`, then `authorization` in the "
            "scrape configuration",
            headers={"WWW-Authenticate": "Bearer"},
        )
    registry = registry_of(room, of_agents=settings.metrics_of_agents)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _is_local(request: Request) -> bool:
    """Say whether this machine itself asks, and not a proxy on it for somebody else."""
    if any(name in request.headers for name in ("forwarded", "x-forwarded-for", "via")):
        return False
    client = request.client
    try:
        return client is not None and ipaddress.ip_address(client.host).is_loopback
    except ValueError:
        return False
