"""One coordinator per data directory: the lock that elects it."""

import os
import sys
from pathlib import Path
from typing import IO

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
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
