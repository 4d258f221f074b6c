"""Every route says by its type who may ask: :data:`Reader`, :data:`Operator` or :data:`Admin`.

These are coroutines, because the framework would run a plain function in a thread.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from coordinator.http import clock
from coordinator.http.auth.sessions import COOKIE, Who
from coordinator.http.auth.tokens import SCOPES, Scope
from coordinator.http.problems import Refused
from coordinator.http.room import Room, room_of

_BEARER = HTTPBearer(auto_error=False, description="A token: `fleetbus token create --scope read`")
_COOKIE = APIKeyCookie(name=COOKIE, auto_error=False, description="The session of a browser")

HOW = "make one with `fleetbus token create --scope {scope}`, or open the link of `fleetbus up`"


async def who_asks(
    request: Request,
    room: Annotated[Room, Depends(room_of)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)] = None,
    _cookie: Annotated[str | None, Security(_COOKIE)] = None,
) -> Who | None:
    """Find out who asks: a token counts before a cookie."""
    now_ms = clock.wall_ms()
    if bearer is not None or "authorization" in request.headers:
        token = room.tokens.find(bearer.credentials if bearer else "", now_ms)
        return Who(token.name, token.scope, token.expires_ms, token.prefix) if token else None
    cookie = request.cookies.get(COOKIE)
    who = room.sessions.find(cookie, now_ms) if cookie else None
    if who is not None and who.token is not None and who.token not in room.tokens.all():
        return None
    return who


def _needs(scope: Scope) -> Callable[..., Awaitable[Who]]:
    async def check(who: Annotated[Who | None, Depends(who_asks)]) -> Who:
        if who is None:
            raise Refused(
                401,
                "not_signed_in",
                f"show a token of scope {scope!r}: {HOW.format(scope=scope)}",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if SCOPES.index(who.scope) < SCOPES.index(scope):
            raise Refused(
                403,
                "scope",
                f"{who.name!r} has the scope {who.scope!r}, and this needs {scope!r}: "
                f"{HOW.format(scope=scope)}",
            )
        return who

    check.__name__ = f"needs_{scope}"
    return check


Reader = Annotated[Who, Depends(_needs("read"))]
Operator = Annotated[Who, Depends(_needs("operate"))]
Admin = Annotated[Who, Depends(_needs("admin"))]
