"""The boundary that every request crosses before anything of ours looks at it.

A page of another site can make a browser send requests here, and a name that it controls can be
made to mean this machine. So a request must name a host of ours, what changes something (and the
stream) must come from a page of ours, and a body must be JSON, which no form can send. There is no
CORS. What goes out says that nothing but our own files may run, and that nobody may frame us.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coordinator.http.problems import Refused, answer

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
BODY_BYTES: Final = 1024 * 1024
_NO_FORM: Final = "application/json"
STREAM: Final = "/stream"

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self'; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Styles may be inline, because charts and virtual rows set sizes; scripts never are."""
HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Rules:
    """Under which names the control room is reached."""

    hosts: frozenset[str] = frozenset(LOOPBACK)

    @classmethod
    def of(cls, host: str, more: Sequence[str] = ()) -> "Rules":
        """Make the rules of whoever listens on *host* and is also called *more*."""
        own = () if host in {"0.0.0.0", "::"} else (host.lower(),)  # noqa: S104 -- nothing binds here
        return cls(frozenset((*LOOPBACK, *own, *(name.lower() for name in more))))

    def knows(self, authority: str) -> bool:
        """Say whether *authority*, such as ``localhost:8080``, is us."""
        try:
            name = urlsplit(f"//{authority}").hostname
        except ValueError:
            return False
        return name is not None and name in self.hosts

    def judge(self, method: str, path: str, headers: Headers) -> Refused | None:
        """Say why a request may not come in, if it may not."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self.knows(hosts[0]):
            known = ", ".join(sorted(self.hosts))
            return Refused(421, "host", f"not a name of this control room; it is known as {known}")
        unsafe = method not in SAFE_METHODS
        if unsafe or path.endswith(STREAM):
            refused = self._judge_origin(headers, hosts[0])
            if refused is not None:
                return refused
        return _judge_body(headers) if unsafe else None

    def _judge_origin(self, headers: Headers, host: str) -> Refused | None:
        if headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
            return Refused(403, "origin", "this comes from a page of another site")
        origin = headers.get("origin")
        if origin is None:
            # Not a browser; one that signed in with a cookie always says where it comes from.
            if "cookie" in headers and "sec-fetch-site" not in headers and not _is_bearer(headers):
                return Refused(403, "origin", "a browser's request without Origin")
            return None
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or parts.netloc.lower() != host.lower():
            return Refused(403, "origin", "this comes from a page of another site")
        return None


def _is_bearer(headers: Headers) -> bool:
    return headers.get("authorization", "").lower().startswith("bearer ")


def _judge_body(headers: Headers) -> Refused | None:
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    kind = headers.get("content-type")
    if (has_body or kind) and (kind or "").partition(";")[0].strip().lower() != _NO_FORM:
        return Refused(
            415, "content_type", f"the body must be {_NO_FORM}, not {(kind or '')[:80]!r}"
        )
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) > BODY_BYTES:
        return too_large()
    return None


def too_large() -> Refused:
    """Refuse a body that is too large."""
    return Refused(413, "too_large", f"a body has at most {BODY_BYTES} bytes")


class _TooLarge(Exception):
    """More came than was announced, or than is allowed."""


class Boundary:
    """The boundary as ASGI middleware."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self.app = app
        self.rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge a request, and let it in."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        send = _with_headers(send)
        refused = self.rules.judge(scope["method"], scope["path"], Headers(scope=scope))
        if refused is not None:
            await answer(refused)(scope, receive, send)
            return
        received, too_much = 0, False

        async def bounded() -> Message:
            nonlocal received, too_much
            message = await receive()
            received += len(message.get("body", b""))
            if received > BODY_BYTES:
                too_much = True
                raise _TooLarge
            return message

        async def unless_too_much(message: Message) -> None:
            if not too_much:  # else the framework answers that it could not read the body
                await send(message)

        with contextlib.suppress(_TooLarge):
            await self.app(scope, bounded, unless_too_much)
        if too_much:
            await answer(too_large())(scope, receive, send)


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sending
