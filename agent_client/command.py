"""A handler that runs a command of this machine, and ends it with everything it started.

The command gets the task as JSON on its standard input and in ``FLEETBUS_*`` variables. Each
line that it prints and that is a JSON object may say ``pct``, ``step``, ``eta_s`` or ``result``;
other lines are kept as the tail of its output. Its guard terminates its process group when it
must stop, and kills it after the grace, at the deadline of its lease at the latest.
"""

import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import orjson

from agent_client.errors import BadSetting, Failed
from agent_client.isolation.guarded import Guarded, Program
from agent_client.own_config import CommandConfig
from agent_client.task import Task

TAIL_LINES: Final = 50
TAIL_CHARACTERS: Final = 4_000
_LONGEST_LINE: Final = 64 * 1024


def command_handler(command: CommandConfig) -> Callable[[Task], Any]:
    """Make a handler that runs *command*."""

    def run(task: Task) -> object:
        return _Command(command, task).result()

    return run


class _Command:
    """One running command."""

    def __init__(self, command: CommandConfig, task: Task) -> None:
        self._task = task
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._result: object = None
        self._process = Guarded(
            Program(
                argv=command.exec,
                first_input=orjson.dumps(_described(task)).decode() + "\n",
                merge_stderr=True,
                cwd=command.cwd,
                env=_environment(task) | command.env,
            ),
            task.run,
        )

    def result(self) -> object:
        """Wait for the command's end and say what came of it."""
        end = self._process.wait(self._take)
        self._task.run.raise_if_stopped()
        if end.forced:
            raise self._task.run.gave_way()
        tail = "\n".join(self._tail)[-TAIL_CHARACTERS:]
        if end.status != 0:
            code = f"exit_{end.status}" if end.status > 0 else f"signal_{-end.status}"
            raise Failed(code, tail)
        return {"exit_code": 0, "tail": tail} if self._result is None else self._result

    def _take(self, line: bytes) -> None:
        said: object = None
        if line.lstrip().startswith(b"{"):
            with contextlib.suppress(orjson.JSONDecodeError):
                said = orjson.loads(line)
        if not isinstance(said, dict):
            self._tail.append(line[:_LONGEST_LINE].decode("utf-8", "replace").rstrip("\r\n"))
            return
        if "result" in said:
            self._result = said["result"]
        if said.keys() & {"pct", "step", "eta_s"}:
            # A number that makes no sense is not worth the work.
            with contextlib.suppress(BadSetting, TypeError):
                self._task.progress(said.get("pct"), said.get("step"), said.get("eta_s"))


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
