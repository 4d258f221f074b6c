"""Routes for signing in: a token or a one-time link becomes a cookie of this browser."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from coordinator.http import clock
from coordinator.http.auth.guard import Reader
from coordinator.http.auth.sessions import COOKIE, SESSION_MS, Who, use_link
from coordinator.http.errors import REFUSALS
from coordinator.http.problems import Refused
from coordinator.http.room import Room, RoomOf
from coordinator.http.schemas.base import Done, instant
from coordinator.http.schemas.session import Session, SignIn

router = APIRouter(prefix="/session", tags=["session"], responses=REFUSALS)
links = APIRouter(prefix="/signin", tags=["session"], responses=REFUSALS)


@router.post("", operation_id="sign_in")
async def sign_in(body: SignIn, room: RoomOf, response: Response) -> Session:
    """Exchange a token for a session of this browser."""
    now_ms = clock.wall_ms()
    token = room.tokens.find(body.token, now_ms)
    if token is None:
        raise Refused(401, "not_signed_in", "no such token, or it is revoked or expired")
    until_ms = min(now_ms + SESSION_MS, token.expires_ms or now_ms + SESSION_MS)
    return _begin(room, response, Who(token.name, token.scope, until_ms, token.prefix))


@router.get("", operation_id="get_session")
async def get_session(who: Reader) -> Session:
    """Say who is signed in."""
    return Session(name=who.name, scope=who.scope, expires=instant(who.expires_ms))


@router.delete("", operation_id="sign_out")
async def sign_out(request: Request, room: RoomOf, response: Response) -> Done:
    """End the session of this browser."""
    if cookie := request.cookies.get(COOKIE):
        room.sessions.end(cookie)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=room.is_secure)
    return Done(message="signed out")


@links.get("", operation_id="sign_in_by_link", include_in_schema=False)
async def sign_in_by_link(
    room: RoomOf, link: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Sign this browser in once, and go on to the dashboard."""
    if not use_link(room.data, link, clock.wall_ms()):
        raise Refused(
            401,
            "not_signed_in",
            "this link was used, or is older than ten minutes; `fleetbus token create` makes "
            "a token to sign in with, and `fleetbus token link` another link",
        )
    response = RedirectResponse("/", status_code=303)
    _begin(room, response, Who("local", "admin", clock.wall_ms() + SESSION_MS))
    return response


def _begin(room: Room, response: Response, who: Who) -> Session:
    response.set_cookie(
        COOKIE,
        room.sessions.begin(who, clock.wall_ms()),
        max_age=SESSION_MS // 1000,
        httponly=True,
        samesite="strict",
        secure=room.is_secure,
    )
    return Session(name=who.name, scope=who.scope, expires=instant(who.expires_ms))
