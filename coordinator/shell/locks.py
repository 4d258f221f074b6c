"""Locks that end with their process: the one that elects a directory's coordinator, and others."""

import contextlib
import os
import sys
from pathlib import Path
from typing import IO, Any

from protocol.errors import FleetBusError


class AlreadyRunning(FleetBusError):
    """Another coordinator holds the lock."""

    def __init__(self, data: Path, holder: str) -> None:
        super().__init__(
            f"another coordinator (pid {holder or 'unknown'}) uses {data}; "
            "stop it, or give this one another --data directory"
        )


def lock_directory(data: Path) -> IO[str]:
    """Lock *data* for this process until the returned file is closed.

    Raises :class:`AlreadyRunning`. The kernel gives the lock back when the process ends, however
    it ends.
    """
    data.mkdir(parents=True, exist_ok=True)
    file = (data / "coordinator.lock").open("a+", encoding="utf-8")
    try:
        _lock(file)
    except OSError:
        file.seek(0)
        holder = file.read().strip()
        file.close()
        raise AlreadyRunning(data, holder) from None
    with contextlib.suppress(OSError):  # the number helps people, and the lock holds without it
        file.truncate(0)
        os.write(file.fileno(), str(os.getpid()).encode())
    return file


def is_mine(file: IO[Any]) -> bool:
    """Lock *file* until it is closed, and say whether nobody else has it locked.

    Windows needs no such lock to keep a file that is open from being deleted.
    """
    try:
        if sys.platform != "win32":
            _lock(file)
    except OSError:
        return False
    return True


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[Any]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: IO[Any]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
