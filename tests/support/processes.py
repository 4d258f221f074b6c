"""Looks at processes that may end between two looks."""

import contextlib
import os
from collections.abc import Callable

import psutil


def is_alive(pid: int) -> bool:
    """Say whether a process runs; one that is dead and not collected does not."""
    return _alive(pid, lambda process: True)


def descendants(is_meant: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    """Find what this process has started, and what that has started, as far as it runs."""
    mine = psutil.Process(os.getpid()).children(recursive=True)
    return [process for process in mine if _alive(process.pid, is_meant)]


def _alive(pid: int, is_meant: Callable[[psutil.Process], bool]) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and is_meant(process)
    return False
