"""The agent's side of a guard: start one, keep it up to date, and hear how its task ended."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from agent_client.errors import Failed
from agent_client.isolation import guard
from agent_client.run import Run

_GUARD: Final = str(Path(guard.__file__).resolve())
_LONGEST_LINE: Final = 1 << 20
_GUARD_GONE_WITHIN_S: Final = 2.0
_LAST_WORDS_WITHIN_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run, and what to tell it first on its standard input."""

    argv: Sequence[str]
    first_input: str
    hears_more: bool = False
    """Whether it gets every later word to its guard on its standard input as well."""
    merge_stderr: bool = False
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class End:
    """How the process ended: its exit status, negative for a signal, and whether it was killed."""

    status: int
    forced: bool


class Guarded:
    """One task's process under its guard; made, and waited for, by the task's own thread."""

    def __init__(self, program: Program, run: Run) -> None:
        self._run = run
        self._end: End | None = None
        self._refusal: str | None = None
        self._too_late = False
        self._pid: int | None = None
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._told = b""
        self._patience: threading.Timer | None = None
        self._what = str(program.argv[0])
        try:
            self._guard = subprocess.Popen(  # noqa: S603 - our own file
                [sys.executable, "-I", "-S", _GUARD, run.assignment.task],
                cwd=program.cwd,
                env=os.environ | dict(program.env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=sys.platform != "win32",
                pass_fds=() if sys.platform == "win32" else run.held_files,
            )
        except OSError as error:
            self._cannot_start(error.strerror or str(error))
        with self._lock, contextlib.suppress(OSError):  # it has ended already
            self._write_all(self._order(program))
            if sys.platform != "win32" and self._guard.stdin is not None:
                # The loop, too, writes here; it must not wait for a guard that is frozen.
                os.set_blocking(self._guard.stdin.fileno(), False)
        run.on_change = self.tell
        self.tell()

    def _order(self, program: Program) -> dict[str, Any]:
        return {
            "argv": list(program.argv),
            "merge_stderr": program.merge_stderr,
            "input": program.first_input,
            "forward": program.hears_more,
            "grace_ms": int(self._run.assignment.cancel_grace_s * 1000),
            "deadline_ms": self._run.deadline_on(guard.now_ms),
        }

    def tell(self) -> None:
        """Tell the guard how things stand; what it missed once, it hears the next time."""
        said = self._run.how_things_stand(guard.now_ms)
        with self._lock:
            self._send(said)
            if said["kill"] and self._patience is None:
                # A guard that is frozen itself: without it, its task dies as well.
                self._patience = threading.Timer(_GUARD_GONE_WITHIN_S, self._guard.kill)
                self._patience.daemon = True
                self._patience.start()

    def _write_all(self, order: dict[str, Any]) -> None:
        left = memoryview(orjson.dumps(order) + b"\n")
        while left and self._guard.stdin is not None:
            left = left[os.write(self._guard.stdin.fileno(), left) :]

    def _send(self, said: dict[str, Any]) -> None:
        line = orjson.dumps(said) + b"\n"
        stdin = self._guard.stdin
        if stdin is None or stdin.closed or line == self._told:
            return
        with contextlib.suppress(OSError):  # it has ended, or is frozen
            os.write(stdin.fileno(), line)  # short enough to be written as a whole
            self._told = line

    # --- hearing

    def wait(self, hear: Callable[[bytes], None]) -> End:
        """Hand each line of the task's output to *hear*, and return how the process ended.

        Raises :class:`Failed` if it could not be started, and what :meth:`Task.check` raises if
        it was too late to start it.
        """
        for work in (lambda: self._read(hear), self._bury):
            threading.Thread(target=work, name=f"{self._run.fence.task}-guard", daemon=True).start()
        self._over.wait()
        self._run.on_change = None
        if self._patience is not None:
            self._patience.cancel()
        with contextlib.suppress(OSError), self._lock:
            if self._guard.stdin is not None:
                self._guard.stdin.close()
        if self._refusal is not None:
            self._cannot_start(self._refusal)
        if self._too_late:
            raise self._run.gave_way()
        if self._end is None:
            self._run.raise_if_stopped()
            raise Failed("guard_died", "the guard of the task's process was killed")
        return self._end

    def _cannot_start(self, why: str) -> None:
        raise Failed("cannot_start", f"{self._what!r} could not be started: {why}", retryable=False)

    def _read(self, hear: Callable[[bytes], None]) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in self._output():
                hear(line)
        self._over.set()

    def _output(self) -> Iterator[bytes]:
        """Yield the lines of the task, until the last word of its guard."""
        stdout = self._guard.stdout
        if stdout is None:
            return
        blank = b""
        with stdout:
            while line := stdout.readline(_LONGEST_LINE):
                if line.startswith(guard.MARK):
                    blank = b""  # the guard begins a new line, to be sure
                    if self._take(orjson.loads(line[len(guard.MARK) :])):
                        return
                    continue
                if blank:
                    yield blank
                blank = line if line == b"\n" else b""
                if not blank:
                    yield line

    def _take(self, said: dict[str, Any]) -> bool:
        """Take in a word of the guard; say whether it was its last."""
        self._pid = said.get("pid", self._pid)
        self._refusal = said.get("cannot_start")
        self._too_late = "too_late" in said
        if "exit" in said:
            self._end = End(said["exit"], said["forced"])
        return "pid" not in said

    def _bury(self) -> None:
        """Wait for the end of the guard; if it was killed, end what it guarded."""
        status = self._guard.wait()
        if status != 0 and self._pid is not None and sys.platform != "win32":
            with contextlib.suppress(OSError):
                os.killpg(self._pid, signal.SIGKILL)
        # Somebody who left the group may hold the pipe open; that must not hold up the agent.
        if not self._over.wait(_LAST_WORDS_WITHIN_S):
            self._over.set()
