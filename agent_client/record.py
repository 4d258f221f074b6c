"""A file in which handlers note when they really begin and end, one JSON object per line.

It tells what was executed, whatever anybody said on the bus. Every line is one write to a file
opened for appending, so several processes can share one file.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import orjson

from agent_client.task import Task


class Record:
    """Appends to the file at ``path``."""

    def __init__(self, path: str, agent: str) -> None:
        self._agent = agent
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def around(self, handler: Callable[[Task], Any]) -> Callable[[Task], Any]:
        """Make a handler that does the same and leaves its traces."""

        def recorded(task: Task) -> object:
            self._note("begin", task)
            try:
                return handler(task)
            finally:
                self._note("end", task)

        return recorded

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _note(self, event: str, task: Task) -> None:
        line = {
            "event": event,
            "task": task.id,
            "fence": task.fence,
            "agent": self._agent,
            "mode": task.mode,
            "t": _seconds(),
            "pid": os.getpid(),
        }
        os.write(self._file, orjson.dumps(line) + b"\n")


def _seconds() -> float:
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
