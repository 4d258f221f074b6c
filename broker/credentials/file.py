"""The credentials file: ``credentials.json`` in the data directory, for its owner's eyes only.

The command line and the broker both change it, so a change is made under a lock, on what the file
holds at that moment, and takes the old file's place in one step: a reader sees all of it or none.
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final

from broker.credentials.records import Book, Entry, Token
from broker.errors import BadCredentialsFile
from protocol.access import Role

FILE_NAME: Final = "credentials.json"
_VERSION: Final = 1
_OTHERS: Final = 0o077


class CredentialsFile:
    """Reads and changes one credentials file."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path

    def load(self) -> Book:
        """Read the file, an empty book if there is none; raise :class:`BadCredentialsFile`."""
        try:
            with self.path.open("rb") as file:
                if sys.platform != "win32" and os.fstat(file.fileno()).st_mode & _OTHERS:
                    right = f"its owner's alone: chmod 600 {self.path}"
                    raise BadCredentialsFile(self.path, "others may read or change it", right)
                raw = file.read()
        except FileNotFoundError:
            return Book()
        except OSError as error:
            right = "a file that the broker's user may read"
            raise BadCredentialsFile(self.path, error.strerror or str(error), right) from error
        try:
            return _book(json.loads(raw))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            problem = f"it is damaged ({type(error).__name__}: {error})"
            right = "as `fleetbus enroll` writes it; put a copy of it back"
            raise BadCredentialsFile(self.path, problem, right) from error

    def change(self, decide: Callable[[Book], Book]) -> Book:
        """Put what *decide* makes of the book in its place, and return it; others wait.

        Whatever *decide* raises leaves the file as it was.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with _locked(self.path.with_suffix(".lock")):
                book = decide(self.load())
                self._write(book)
                return book
        except OSError as error:
            right = "in a directory that you may write to"
            raise BadCredentialsFile(self.path, error.strerror or str(error), right) from error

    def version(self) -> tuple[int, int, int] | None:
        """Tell one state of the file from another without reading it; None if there is none."""
        try:
            seen = self.path.stat()
        except OSError:
            return None
        return seen.st_mtime_ns, seen.st_size, seen.st_ino

    def _write(self, book: Book) -> None:
        draft = self.path.with_suffix(f".{os.getpid()}.draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            json.dump(_document(book), out, indent=2)
            out.write("\n")
            out.flush()
            os.fsync(out.fileno())
        draft.replace(self.path)


def _document(book: Book) -> dict[str, Any]:
    enrolled: dict[str, dict[str, Any]] = {}
    for name, entry in sorted(book.entries.items()):
        enrolled[name] = {"role": entry.role.value, "secrets": list(entry.secrets)}
        if entry.token is not None:
            token = {"hash": entry.token.hash, "expires": entry.token.expires.isoformat()}
            enrolled[name]["token"] = token
    return {"version": _VERSION, "enrolled": enrolled}


def _book(document: Any) -> Book:  # noqa: ANN401 - anything may stand in a file
    if document["version"] != _VERSION:
        raise ValueError(f"version is {document['version']!r}; it must be {_VERSION}")
    entries = {}
    for name, found in document["enrolled"].items():
        token = None
        if "token" in found:
            expires = datetime.fromisoformat(found["token"]["expires"])
            token = Token(str(found["token"]["hash"]), expires)
        secrets = tuple(str(secret) for secret in found["secrets"])
        entries[name] = Entry(name, Role(found["role"]), secrets, token)
    return Book(MappingProxyType(entries))


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+") as file:
        _lock(file)  # closing the file releases it
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
else:
    import fcntl

    def _lock(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)
