"""Sessions of browsers, and links that sign in once. Both are forgotten when the process ends.

Links are made by ``fleetbus up`` before the control room runs, so they are kept as hashes in a file
of their own; a used one is taken out of it.
"""

import hashlib
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from coordinator.http.auth.tokens import Scope

COOKIE: Final = "fleetbus_session"
SESSION_MS: Final = 12 * 3_600_000
LINK_MS: Final = 10 * 60_000
LINKS_FILE: Final = "signin.json"
MOST_SESSIONS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Who:
    """Who asks."""

    name: str
    scope: Scope
    expires_ms: int | None = None
    token: str | None = None
    """The prefix of the token that it rests on; revoked, it is worth nothing."""


@dataclass(slots=True)
class Sessions:
    """Who is signed in with a cookie."""

    _known: dict[str, Who] = field(default_factory=dict)

    def begin(self, who: Who) -> str:
        """Begin a session; return what the cookie holds."""
        cookie = secrets.token_urlsafe(32)
        while len(self._known) >= MOST_SESSIONS:
            del self._known[next(iter(self._known))]
        self._known[_hash(cookie)] = who
        return cookie

    def find(self, cookie: str, now_ms: int) -> Who | None:
        """Return who bears *cookie*."""
        who = self._known.get(_hash(cookie))
        if who is not None and who.expires_ms is not None and who.expires_ms <= now_ms:
            del self._known[_hash(cookie)]
            return None
        return who

    def end(self, cookie: str) -> None:
        """End the session of *cookie*."""
        self._known.pop(_hash(cookie), None)


def make_link(data: Path, now_ms: int) -> str:
    """Make a link that signs in once, within ten minutes; return its secret part."""
    link = secrets.token_urlsafe(32)
    left = {known: until for known, until in _links(data).items() if until > now_ms}
    _keep_links(data, left | {_hash(link): now_ms + LINK_MS})
    return link


def use_link(data: Path, link: str, now_ms: int) -> bool:
    """Take *link* out of use; say whether it was good."""
    links = _links(data)
    until_ms = links.pop(_hash(link), None)
    if until_ms is None:
        return False
    _keep_links(data, links)
    return until_ms > now_ms


def _links(data: Path) -> dict[str, int]:
    try:
        found: dict[str, int] = json.loads((data / LINKS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _keep_links(data: Path, links: dict[str, int]) -> None:
    draft = data / f"{LINKS_FILE}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump(links, out)
    draft.replace(data / LINKS_FILE)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
