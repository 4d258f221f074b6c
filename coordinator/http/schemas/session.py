"""Who is signed in."""

from typing import Annotated, Literal

from pydantic import Field

from coordinator.http.schemas.base import Asked, Instant, Said

Scope = Literal["read", "operate", "admin"]


class SignIn(Asked):
    """A token, to be exchanged for a session."""

    token: Annotated[str, Field(max_length=200)]


class Session(Said):
    """Who asks, and what it may do; ``read`` is part of ``operate``, which is of ``admin``."""

    name: str
    scope: Scope
    expires: Instant | None = None
