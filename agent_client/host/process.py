"""One program as a real process in a group of its own, with its output in a file.

Ctrl-C at the terminal reaches only whoever supervises, who stops everything in order. The output
goes to a file and not through a pipe, so that a process outlives a killed supervisor unharmed.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import psutil

TAIL_LINES: Final = 20
MAX_LOG_BYTES: Final = 16 * 2**20
"""Looked at on each start; what runs for months should log to the system instead."""
_TAIL_BYTES: Final = 16_384
_UNKNOWN: Final = 255


class Running(Protocol):
    """A process, whoever has started it."""

    pid: int

    def has_ended(self) -> bool:
        """Say whether it has ended."""

    def bury(self) -> int:
        """End what is left of its group, collect it, and return its exit status."""

    def said(self) -> list[str]:
        """Return the last lines that it has written."""

    def ask_to_stop(self) -> None:
        """Ask it to finish and go."""

    def kill(self) -> None:
        """End it and its group, at once."""


class Process:
    """A started program; whoever starts it ends it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
            log.replace(log.with_suffix(".old.log"))
        with log.open("ab") as output:
            self._log_start = output.tell()
            # S603: the command is the plan's or ours; no shell reads it.
            self._popen = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
                start_new_session=sys.platform != "win32",
                creationflags=_NEW_GROUP,
            )
        self.pid: int = self._popen.pid
        self.started = time.monotonic()

    @property
    def created(self) -> float | None:
        """When the system says it began; with the pid it names the process for good."""
        return created(self.pid)

    @property
    def status(self) -> int | None:
        """Its exit status, or ``None`` while it runs."""
        return self._popen.poll()

    def has_ended(self) -> bool:
        """Say whether it has ended, without collecting it: its group keeps its number."""
        if self._popen.returncode is not None:
            return True
        if sys.platform == "linux":
            flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
            with contextlib.suppress(ChildProcessError):
                return os.waitid(os.P_PID, self.pid, flags) is not None
        return self.status is not None

    def bury(self) -> int:
        """End what is left of its group, collect it, and return its exit status."""
        if self._popen.returncode is None:
            _kill_group(self.pid)
        return self._popen.wait()

    def said(self) -> list[str]:
        """Return the lines that this run of it has written."""
        return tail(self.log, self._log_start)

    def ask_to_stop(self) -> None:
        """Ask it to finish and go."""
        with contextlib.suppress(ProcessLookupError):
            self._popen.send_signal(_POLITE)

    def kill(self) -> None:
        """End it and what it started in its group, at once."""
        if sys.platform == "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                self._popen.kill()
        else:
            _kill_group(self.pid)
        self._popen.wait()


class Adopted:
    """A process that somebody else has started, named by its pid and when it began."""

    def __init__(self, pid: int, began: float, log: Path) -> None:
        self.pid = pid
        self.log = log
        self._began = began

    def has_ended(self) -> bool:
        """Say whether it has ended; one that nobody collects has, too."""
        try:
            process = psutil.Process(self.pid)
            return process.create_time() != self._began or process.status() == psutil.STATUS_ZOMBIE
        except psutil.Error:
            return True

    def bury(self) -> int:
        """Return an exit status that nobody knows."""
        return _UNKNOWN

    def said(self) -> list[str]:
        """Return the last lines of its log."""
        return tail(self.log, 0)

    def ask_to_stop(self) -> None:
        """Ask it to finish and go."""
        if not self.has_ended():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, _POLITE)

    def kill(self) -> None:
        """End it and what it started in its group, at once."""
        if not self.has_ended():
            _kill_group(self.pid)


if sys.platform == "win32":
    _NEW_GROUP = subprocess.CREATE_NEW_PROCESS_GROUP
    _POLITE = signal.CTRL_BREAK_EVENT

    def _kill_group(pid: int) -> None:
        with contextlib.suppress(psutil.Error):
            psutil.Process(pid).kill()
else:
    _NEW_GROUP = 0
    _POLITE = signal.SIGTERM

    def _kill_group(pid: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def created(pid: int) -> float | None:
    """Return when the process *pid* began, as the system says; ``None`` if there is none."""
    with contextlib.suppress(psutil.Error):
        return float(psutil.Process(pid).create_time())
    return None


def tail(log: Path, start: int) -> list[str]:
    """Return the last lines of *log*, of what was written from *start* on."""
    with log.open("rb") as output:
        size = output.seek(0, os.SEEK_END)
        output.seek(max(start, size - _TAIL_BYTES))
        return output.read().decode(errors="replace").splitlines()


def how_it_ended(status: int) -> str:
    """Say in words what an exit status means."""
    if status < 0:
        try:
            return f"was killed by {signal.Signals(-status).name}"
        except ValueError:
            return f"was killed by signal {-status}"
    return f"ended with exit status {status}"
