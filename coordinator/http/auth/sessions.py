"""Sessions of browsers, and links that sign in once, each kept as hashes in a file of its own.

So whoever is signed in stays that when the control room starts anew. Links are made by ``fleetbus
up`` before the control room runs; a used one is taken out of the file.
"""

import hashlib
import json
import logging
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from coordinator.http.auth.tokens import Scope

log = logging.getLogger("fleetbus.web")

COOKIE: Final = "fleetbus_session"
SESSION_MS: Final = 12 * 3_600_000
LINK_MS: Final = 10 * 60_000
LINKS_FILE: Final = "signin.json"
SESSIONS_FILE: Final = "sessions.json"
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
    """Who is signed in with a cookie, as the file of one data directory has it."""

    file: Path
    _known: dict[str, Who] | None = None

    @classmethod
    def in_directory(cls, data: Path) -> "Sessions":
        """Name the sessions of the data directory *data*."""
        return cls(data / SESSIONS_FILE)

    def begin(self, who: Who, now_ms: int) -> str:
        """Begin a session; return what the cookie holds."""
        cookie = secrets.token_urlsafe(32)
        known = self._all()
        for ended in [key for key, one in known.items() if _is_over(one, now_ms)]:
            del known[ended]
        while len(known) >= MOST_SESSIONS:
            del known[next(iter(known))]
        known[_hash(cookie)] = who
        self._keep()
        return cookie

    def find(self, cookie: str, now_ms: int) -> Who | None:
        """Return who bears *cookie*."""
        who = self._all().get(_hash(cookie))
        return None if who is None or _is_over(who, now_ms) else who

    def end(self, cookie: str) -> None:
        """End the session of *cookie*."""
        if self._all().pop(_hash(cookie), None) is not None:
            self._keep()

    def _all(self) -> dict[str, Who]:
        if self._known is None:
            try:
                rows = json.loads(self.file.read_text(encoding="utf-8"))
                self._known = {key: Who(**row) for key, row in rows.items()}
            except (OSError, ValueError, TypeError, AttributeError):
                self._known = {}  # nobody is signed in, which mends itself
        return self._known

    def _keep(self) -> None:
        try:
            _write(self.file, {key: asdict(who) for key, who in self._all().items()})
        except OSError as error:
            log.warning("who is signed in must sign in again after a restart: %s", error)


def _is_over(who: Who, now_ms: int) -> bool:
    return who.expires_ms is not None and who.expires_ms <= now_ms


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
    _write(data / LINKS_FILE, links)


def _write(file: Path, document: object) -> None:
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump(document, out)
    draft.replace(file)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
