"""Bearer tokens: ``fb_<prefix>_<secret>``, stored as hashes in ``tokens.json``.

A token has 256 bits of chance, so one SHA-256 keeps it: there is nothing to guess. The file is
replaced as a whole and read again when it has changed, so tokens are made and revoked while the
control room runs.
"""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

from protocol.errors import FleetBusError

Scope = Literal["read", "operate", "admin"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
"""Each holds what those before it do."""
FILE_NAME: Final = "tokens.json"
_PARTS: Final = 3


class BadTokens(FleetBusError):
    """The file of tokens cannot be used."""


class UnknownToken(FleetBusError):
    """There is no token of that prefix or name."""

    def __init__(self, named: str) -> None:
        super().__init__(f"there is no token {named!r}; see them with: fleetbus token list")


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of one token."""

    prefix: str
    name: str
    scope: Scope
    hash: str = field(repr=False)
    created_ms: int
    expires_ms: int | None = None

    def allows(self, scope: Scope) -> bool:
        """Say whether it may do what *scope* may."""
        return SCOPES.index(self.scope) >= SCOPES.index(scope)

    def is_expired(self, now_ms: int) -> bool:
        """Say whether its time is over."""
        return self.expires_ms is not None and self.expires_ms <= now_ms


@dataclass(slots=True)
class Tokens:
    """The tokens of one data directory."""

    file: Path
    _version: tuple[int, int] | None = None
    _known: dict[str, Token] = field(default_factory=dict)

    @classmethod
    def in_directory(cls, data: Path) -> "Tokens":
        """Name the tokens of the data directory *data*."""
        return cls(data / FILE_NAME)

    def find(self, presented: str, now_ms: int) -> Token | None:
        """Return the token that *presented* is, unless it is unknown, revoked or expired."""
        parts = presented.split("_", _PARTS - 1)
        if len(parts) != _PARTS or parts[0] != "fb":
            return None
        token = self.all().get(parts[1])
        digest = _hash(presented)
        # Compared in any case, so that an unknown prefix takes no less time.
        is_same = hmac.compare_digest(digest, token.hash if token else _hash("nobody"))
        return token if token and is_same and not token.is_expired(now_ms) else None

    def all(self) -> dict[str, Token]:
        """Return every token by its prefix, as the file has them now."""
        try:
            stat = self.file.stat()
        except FileNotFoundError:
            self._version, self._known = None, {}
            return self._known
        version = (stat.st_mtime_ns, stat.st_ino)
        if version != self._version:
            self._known, self._version = _read(self.file), version
        return self._known

    def create(
        self, name: str, scope: Scope, now_ms: int, expires_ms: int | None = None
    ) -> tuple[Token, str]:
        """Make a token; the second value is what its bearer shows, and is kept nowhere."""
        prefix = secrets.token_hex(4)
        secret = f"fb_{prefix}_{secrets.token_urlsafe(32)}"
        token = Token(prefix, name, scope, _hash(secret), now_ms, expires_ms)
        _write(self.file, [*self.all().values(), token])
        return token, secret

    def revoke(self, named: str) -> list[Token]:
        """Forget the token of that prefix, or those of that name.

        Raises :class:`UnknownToken`.
        """
        gone = [token for token in self.all().values() if named in {token.prefix, token.name}]
        if not gone:
            raise UnknownToken(named)
        _write(self.file, [token for token in self.all().values() if token not in gone])
        return gone


def _hash(presented: str) -> str:
    return hashlib.sha256(presented.encode()).hexdigest()


def _read(file: Path) -> dict[str, Token]:
    try:
        if os.name == "posix" and file.stat().st_mode & 0o077:
            raise BadTokens(f"{file} may be read by others: chmod 600 {file}")
        rows: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["tokens"]
        return {row["prefix"]: Token(**row) for row in rows}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadTokens(f"{file} should hold tokens and cannot be read: {error}") from None


def _write(file: Path, tokens: Sequence[Token]) -> None:
    rows = [{name: getattr(token, name) for name in Token.__slots__} for token in tokens]
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_suffix(f".{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        json.dump({"tokens": rows}, out, indent=2)
        out.write("\n")
    draft.replace(file)
