"""One part as a real process in a group of its own, with its output in a file.

Ctrl-C at the terminal reaches only the supervisor, which stops the parts in order. The output
goes to a file and not through a pipe, so that a part outlives a killed supervisor unharmed.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import psutil

from coordinator.cli.up.parts import Part

TAIL_LINES: Final = 20
MAX_LOG_BYTES: Final = 16 * 2**20
"""Looked at on each start; a part that runs for months should log to the system instead."""
_TAIL_BYTES: Final = 16_384


class Process:
    """A started part; whoever starts it ends it."""

    def __init__(self, part: Part, logs: Path) -> None:
        self.part = part
        self.log = logs / part.log_name
        logs.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > MAX_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as output:
            self._log_start = output.tell()
            # S603: the command is the plan's or ours; no shell reads it.
            self._popen = subprocess.Popen(  # noqa: S603
                part.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **part.environment},
                start_new_session=sys.platform != "win32",
                creationflags=_NEW_GROUP,
            )
        self.started = time.monotonic()

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self._popen.pid

    @property
    def created(self) -> float | None:
        """When the system says it began; with the pid it names the process for good."""
        with contextlib.suppress(psutil.Error):
            return float(psutil.Process(self.pid).create_time())
        return None

    @property
    def status(self) -> int | None:
        """Its exit status, or ``None`` while it runs."""
        return self._popen.poll()

    def said(self) -> list[str]:
        """Return the lines that this run of it has written."""
        with self.log.open("rb") as output:
            size = output.seek(0, os.SEEK_END)
            output.seek(max(self._log_start, size - _TAIL_BYTES))
            return output.read().decode(errors="replace").splitlines()

    def ask_to_stop(self) -> None:
        """Ask it to finish and go."""
        with contextlib.suppress(ProcessLookupError):
            self._popen.send_signal(_POLITE)

    def kill(self) -> None:
        """End it and what it started in its group, at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self._popen.kill()
            else:
                os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()


if sys.platform == "win32":
    _NEW_GROUP = subprocess.CREATE_NEW_PROCESS_GROUP
    _POLITE = signal.CTRL_BREAK_EVENT
else:
    _NEW_GROUP = 0
    _POLITE = signal.SIGTERM


def how_it_ended(status: int) -> str:
    """Say in words what an exit status means."""
    if status < 0:
        try:
            return f"was killed by {signal.Signals(-status).name}"
        except ValueError:
            return f"was killed by signal {-status}"
    return f"ended with exit status {status}"
