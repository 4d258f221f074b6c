"""A handler that runs a command of this machine, and ends it with everything it started.

The command gets the task as JSON on its standard input and in ``FLEETBUS_*`` variables. Each
line that it prints and that is a JSON object may say ``pct``, ``step``, ``eta_s`` or ``result``;
other lines are kept as the tail of its output. Asked to stop, its process group is terminated,
and killed after the grace, at the deadline of its lease at the latest.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import IO, Any, Final

import orjson

from agent_client.errors import BadSetting, Failed
from agent_client.own_config import CommandConfig
from agent_client.task import Task

TAIL_LINES: Final = 50
TAIL_CHARACTERS: Final = 4_000
_LONGEST_LINE: Final = 64 * 1024
_LOOK_EVERY_S: Final = 0.5
_GROUP_GONE_WITHIN_S: Final = 0.5


def command_handler(command: CommandConfig) -> Callable[[Task], Any]:
    """Make a handler that runs *command*."""

    def run(task: Task) -> object:
        return _Child(command, task).result()

    return run


class _Child:
    """One running command."""

    def __init__(self, command: CommandConfig, task: Task) -> None:
        self._task = task
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._result: object = None
        self._gone = threading.Event()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the command is the owner's, see above
                command.exec,
                cwd=command.cwd,
                env=os.environ | _environment(task) | command.env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=sys.platform != "win32",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        except OSError as error:
            message = f"{command.exec[0]!r} could not be started: {error.strerror or error}"
            raise Failed("cannot_start", message, retryable=False) from error

    def result(self) -> object:
        """Wait for the command's end and say what came of it."""
        reader = threading.Thread(target=self._read, name=f"{self._task.id}-output", daemon=True)
        waiter = threading.Thread(target=self._wait, name=f"{self._task.id}-exit", daemon=True)
        reader.start()
        waiter.start()
        try:
            while not self._gone.is_set():
                self._task.wait_for_change(_LOOK_EVERY_S, self._gone.is_set)
                if self._task.should_stop:
                    break
        finally:
            if not self._gone.is_set():
                self._end()
            # A grandchild that left the group may hold the pipe open; its words do not count.
            reader.join(_LOOK_EVERY_S)
        self._task.check()
        code = self._process.returncode
        tail = "\n".join(self._tail)[-TAIL_CHARACTERS:]
        if code != 0:
            raise Failed(f"exit_{code}" if code > 0 else f"signal_{-code}", tail)
        return {"exit_code": 0, "tail": tail} if self._result is None else self._result

    def _wait(self) -> None:
        self._process.wait()
        self._gone.set()
        self._task.wake()

    def _end(self) -> None:
        """Terminate the group, then kill it: in its grace, and before the lease is over."""
        _signal_group(self._process, hard=False)
        grace_s = self._task.cancel_grace_s
        left_s = self._task.time_left_s
        patience_s = grace_s if left_s is None else min(grace_s, left_s)
        if not self._gone.wait(max(0.0, patience_s)):
            _signal_group(self._process, hard=True)
            self._gone.wait()
        # What the command has started and not waited for must not outlive the lease either.
        _signal_group(self._process, hard=True)
        _wait_for_group(self._process)

    def _read(self) -> None:
        output = self._process.stdout
        if output is None or self._process.stdin is None:
            return
        threading.Thread(
            target=_feed, args=(self._process.stdin, self._task), name="input", daemon=True
        ).start()
        with output:
            while line := output.readline(_LONGEST_LINE):
                self._take(line)

    def _take(self, line: bytes) -> None:
        said: object = None
        if line.lstrip().startswith(b"{"):
            with contextlib.suppress(orjson.JSONDecodeError):
                said = orjson.loads(line)
        if not isinstance(said, dict):
            self._tail.append(line.decode("utf-8", "replace").rstrip("\r\n"))
            return
        if "result" in said:
            self._result = said["result"]
        if said.keys() & {"pct", "step", "eta_s"}:
            # A number that makes no sense is not worth the work.
            with contextlib.suppress(BadSetting, TypeError):
                self._task.progress(said.get("pct"), said.get("step"), said.get("eta_s"))


def _feed(stdin: IO[bytes], task: Task) -> None:
    # A command need not read its input.
    with contextlib.suppress(OSError), stdin:
        stdin.write(orjson.dumps(_described(task)) + b"\n")


def _described(task: Task) -> dict[str, object]:
    return {
        "task": task.id,
        "name": task.name,
        "mode": task.mode,
        "fence": task.fence,
        "args": task.args,
        "trace": task.trace,
    }


def _environment(task: Task) -> dict[str, str]:
    return {
        "FLEETBUS_TASK": task.id,
        "FLEETBUS_NAME": task.name,
        "FLEETBUS_MODE": task.mode,
        "FLEETBUS_FENCE": str(task.fence),
    }


def _wait_for_group(process: "subprocess.Popen[bytes]") -> None:
    """Wait until the killed group is gone: only then may the task be somebody else's.

    Not for long: whoever inherited a dead member may never collect it, and dead it is.
    """
    if sys.platform == "win32":
        return
    until = time.monotonic() + _GROUP_GONE_WITHIN_S
    with contextlib.suppress(OSError):
        while time.monotonic() < until:
            os.killpg(process.pid, 0)
            time.sleep(0.002)


def _signal_group(process: "subprocess.Popen[bytes]", *, hard: bool) -> None:
    with contextlib.suppress(OSError):  # it has ended by itself
        if sys.platform == "win32":
            process.kill() if hard else process.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            os.killpg(process.pid, signal.SIGKILL if hard else signal.SIGTERM)
