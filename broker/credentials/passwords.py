"""Passwords that people choose: argon2id, on a few threads, so that no login stalls others.

Each hash takes memory and tens of milliseconds on purpose. So only a few are computed at a time
and only so many may wait: beyond that a login is refused, which costs nothing.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

THREADS: Final = 2
WAITING: Final = 16
SHORTEST: Final = 10

_HASHER: Final = PasswordHasher()
_Result = TypeVar("_Result")


def hash_password(password: str) -> str:
    """Hash *password* slowly."""
    return _HASHER.hash(password)


def matching_password(hashes: tuple[str, ...], password: str) -> str | None:
    """Return which of *hashes* is *password*'s; slow."""
    for known in hashes:
        try:
            if _HASHER.verify(known, password):
                return known
        except (Argon2Error, InvalidHashError):
            continue
    return None


class SlowWork:
    """A bounded pool for what would hold up the loop."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="fleetbus-login")
        self._waiting = 0

    def submit(self, work: Callable[[], _Result]) -> "asyncio.Future[_Result] | None":
        """Do *work* on a thread and return its future, None if too much waits already."""
        if self._waiting >= WAITING:
            return None
        self._waiting += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        future.add_done_callback(self._done)
        return future

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _done(self, _future: "asyncio.Future[_Result]") -> None:
        self._waiting -= 1
