"""Names, their roles, and the hashes of their secrets; every change makes a new book.

A name has at most two valid secrets, so that a new one can be handed out before the old one ends.
A revoked name stays in the book without a secret: it is refused even where unknown names are
trusted.
"""

import hashlib
import hmac
import secrets as chance
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from broker.errors import CannotEnroll
from protocol import names
from protocol.access import Role
from protocol.enrolment import Claim, is_strong

TOKEN_LIVES: Final = timedelta(minutes=15)
VALID_SECRETS: Final = 2

_SHA256: Final = "sha256:"


@dataclass(frozen=True, slots=True)
class Token:
    """A promise to take the secret of whoever shows what hashes to ``hash``, once and in time."""

    hash: str = field(repr=False)
    expires: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One name: the older of two secrets first; without secret and token it is revoked."""

    name: str
    role: Role
    secrets: tuple[str, ...] = field(default=(), repr=False)
    token: Token | None = None

    @property
    def is_revoked(self) -> bool:
        """Whether nobody can prove to be this name, now or by a token."""
        return not self.secrets and self.token is None


@dataclass(frozen=True, slots=True)
class Book:
    """All names that were ever enrolled."""

    entries: Mapping[str, Entry] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def lets_somebody_in(self) -> bool:
        """Whether at least one name can prove itself."""
        return any(not entry.is_revoked for entry in self.entries.values())

    def enroll(self, name: str, role: Role, token: str, now: datetime) -> "Book":
        """Let whoever shows *token* soon become *name*; raise :class:`CannotEnroll`."""
        self._must_be_free(name, role)
        return self._with(Entry(name, role, token=Token(fingerprint(token), now + TOKEN_LIVES)))

    def grant(self, name: str, role: Role, hashed: str) -> "Book":
        """Give *name* its first secret, of which *hashed* is kept; raise :class:`CannotEnroll`."""
        self._must_be_free(name, role)
        return self._with(Entry(name, role, secrets=(hashed,)))

    def claim(self, name: str, claim: Claim, now: datetime) -> "Book":
        """Trade a token for a secret; raise :class:`CannotEnroll`. The token is used up."""
        entry = self.entries.get(name)
        token = entry.token if entry else None
        if entry is None or token is None:
            raise CannotEnroll(name, "no token waits for it", "fleetbus enroll NAME")
        if not hmac.compare_digest(fingerprint(claim.token), token.hash):
            raise CannotEnroll(name, "not its token", "the newest one of: fleetbus enroll NAME")
        if now > token.expires:
            right = f"use it within {TOKEN_LIVES}, or make another: fleetbus enroll NAME"
            raise CannotEnroll(name, "its token has expired", right)
        return self._with(replace(entry, secrets=(fingerprint(claim.secret),), token=None))

    def rotate(self, name: str, hashed: str) -> "Book":
        """Give *name* a second valid secret; raise :class:`CannotEnroll`."""
        entry = self._with_a_secret(name)
        if len(entry.secrets) >= VALID_SECRETS:
            right = "end the old one first: fleetbus rotate NAME --finish"
            raise CannotEnroll(name, "it has two valid secrets", right)
        return self._with(replace(entry, secrets=(*entry.secrets, hashed)))

    def finish_rotation(self, name: str) -> "Book":
        """Leave *name* its newest secret only; raise :class:`CannotEnroll`."""
        entry = self._with_a_secret(name)
        return self._with(replace(entry, secrets=entry.secrets[-1:]))

    def revoke(self, name: str) -> "Book":
        """Take all from *name*; raise :class:`CannotEnroll` if it was never enrolled."""
        entry = self.entries.get(name)
        if entry is None:
            raise CannotEnroll(name, "it is not enrolled", "a name of: fleetbus enrolled")
        return self._with(replace(entry, secrets=(), token=None))

    def _must_be_free(self, name: str, role: Role) -> None:
        names.agent_name(name)
        if role is Role.COORDINATOR:
            raise CannotEnroll(name, "role is 'coordinator'", "agent, host, operator or observer")
        entry = self.entries.get(name)
        if entry is not None and entry.secrets:
            right = "give it another secret (fleetbus rotate NAME) or revoke it first"
            raise CannotEnroll(name, "it is enrolled already", right)

    def _with_a_secret(self, name: str) -> Entry:
        entry = self.entries.get(name)
        if entry is None or not entry.secrets:
            raise CannotEnroll(name, "it has no secret", "fleetbus enroll NAME")
        return entry

    def _with(self, entry: Entry) -> "Book":
        return Book(MappingProxyType({**self.entries, entry.name: entry}))


def new_secret() -> str:
    """Make 256 bits that nobody can guess."""
    return chance.token_urlsafe(32)


def fingerprint(secret: str) -> str:
    """Hash a secret of 256 bits; against guessing those, a slow hash would add nothing."""
    return _SHA256 + hashlib.sha256(secret.encode()).hexdigest()


def matching(entry: Entry, password: str) -> str | None:
    """Return which of *entry*'s hashes *password* has, judging by the quick ones only."""
    if not is_strong(password):
        return None
    shown = fingerprint(password)
    return next((known for known in entry.secrets if hmac.compare_digest(known, shown)), None)


def slow_hashes(entry: Entry) -> tuple[str, ...]:
    """Return the hashes of passwords that a person chose."""
    return tuple(known for known in entry.secrets if not known.startswith(_SHA256))
