"""The application: routes, boundary and error answers around one control room."""

from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from coordinator.http.boundary import Boundary, Rules
from coordinator.http.problems import Refused, on_http, on_invalid, on_refused
from coordinator.http.room import Room
from coordinator.http.routes import (
    agents,
    alerts,
    analytics,
    dashboard,
    fleet,
    metrics,
    plan,
    probes,
    session,
    tasks,
)
from coordinator.http.schemas.base import Problem

BASE: Final = "/api/orchestrator"
DESCRIPTION: Final = """\
The control room of one fleet. Every write is an act of the coordinator: what is answered with 200
or 201 is stored. Sign in with a token (`Authorization: Bearer fb_…`, made with
`fleetbus token create --scope read|operate|admin`) or with the cookie of a browser's session.
Errors are problem documents (RFC 9457) whose `errors` name the place and what would be right.
"""


def make_app(room: Room | None, rules: Rules) -> FastAPI:
    """Make the application of *room*; without one it only describes itself."""
    app = FastAPI(
        title="fleetbus control room",
        version="1",
        description=DESCRIPTION,
        openapi_url="/api/openapi.json",
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.room = room
    app.add_exception_handler(Refused, on_refused)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    api = APIRouter(prefix=BASE)
    for part in (agents, tasks, plan, fleet, alerts, analytics, session):
        api.include_router(part.router)
    api.include_router(session.links)
    app.include_router(api)
    app.include_router(probes.router)
    app.include_router(metrics.router)
    app.include_router(dashboard.router)  # last: it takes every other path
    _describe(app)
    app.add_middleware(Boundary, rules=rules)
    return app


def _describe(app: FastAPI) -> None:
    """Let the OpenAPI file say what errors look like; FastAPI's own are never sent."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            schemas = document["components"]["schemas"]
            made = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(made.pop("$defs", {}))
            schemas["Problem"] = made
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # as FastAPI's own documentation does


def operations(app: FastAPI) -> list[APIRoute]:
    """Return the routes that the OpenAPI file describes."""
    return [route for route in app.routes if isinstance(route, APIRoute)]
