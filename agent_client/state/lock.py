"""One process per agent and state directory; whoever holds the lock knows its predecessor is dead.

On POSIX the lock belongs to the open file, and the guards of process-isolated tasks inherit it:
it becomes free only when the last of them has ended, so a successor never claims that work has
ended which still runs. The operating system frees it, however a process dies.
"""

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import Final

from agent_client.errors import AlreadyRunning, BadSetting

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LEFTOVERS_END_WITHIN_S: Final = 30.0
"""How long the guards of a dead predecessor may take to end what it has left behind."""
_LOOK_EVERY_S: Final = 0.02
_FAR: Final = 1 << 30
"""Windows locks bytes, and nobody else can read those: so one that is not there."""


class InstanceLock:
    """The lock on ``path``, held from the constructor until :meth:`release`."""

    def __init__(self, path: Path, agent: str, *, within_s: float = LEFTOVERS_END_WITHIN_S) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        except OSError as error:
            right = f"a directory in which the agent can write ({error.strerror})"
            raise BadSetting("state_dir", str(path.parent), right) from None
        try:
            self._acquire(agent, within_s)
        except BaseException:
            os.close(self.file)
            raise
        with contextlib.suppress(OSError):  # a full disk costs the number, and not the bot
            os.ftruncate(self.file, 0)
            os.write(self.file, f"{os.getpid()}\n".encode())

    def _acquire(self, agent: str, within_s: float) -> None:
        until = time.monotonic() + within_s
        while not _try_lock(self.file):
            holder = self._holder()
            late = time.monotonic() >= until
            # Without a number, somebody is about to write one, or about to release the lock.
            if late or (holder is not None and is_alive(holder)):
                raise AlreadyRunning(agent, str(self.path), holder)
            time.sleep(_LOOK_EVERY_S)  # nobody tells when a lock becomes free

    def _holder(self) -> int | None:
        with contextlib.suppress(ValueError, OSError):
            os.lseek(self.file, 0, os.SEEK_SET)
            return int(os.read(self.file, 32))
        return None

    def release(self) -> None:
        """Let another process have the name."""
        with contextlib.suppress(OSError):
            os.ftruncate(self.file, 0)
            if sys.platform != "win32":
                # Also for whoever was forked from here and still has the file open.
                fcntl.flock(self.file, fcntl.LOCK_UN)
            os.close(self.file)


def _try_lock(file: int) -> bool:
    try:
        if sys.platform == "win32":
            os.lseek(file, _FAR, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            os.lseek(file, 0, os.SEEK_SET)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_alive(pid: int) -> bool:
    """Say whether a process of that number lives; in doubt it does."""
    if sys.platform == "win32":
        return True  # asking there would end it, and nothing inherits the lock
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return False
