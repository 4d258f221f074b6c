"""Ending everything that a dead agent has left behind, and knowing whether that is certain.

On Linux the host is a *subreaper*: whatever its agents start and abandon becomes its own child, so
that nothing they start can hide from it. What carries the dead boot in its environment is ended,
with all that it has started. A process of which the host cannot tell whose it was is left alone,
and then nothing is proven: the leases of that boot run out as usual.

Elsewhere nothing is ever proven.
"""

import contextlib
import ctypes
import os
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import PurePath
from typing import Final

import psutil

from agent_client.boots import BOOT_FILE

WITHIN_S: Final = 3.0
LOOK_EVERY_S: Final = 0.01
QUIET_LOOKS: Final = 2
"""A look at all processes is no picture of one moment; so nothing must be seen twice in a row."""
_PR_SET_CHILD_SUBREAPER: Final = 36


def become_subreaper() -> bool:
    """Inherit whatever this process's descendants abandon; say whether that is possible here."""
    if sys.platform != "linux":
        return False
    with contextlib.suppress(OSError, AttributeError):
        return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    return False


def end_remains(boot: str, living: Collection[int], within_s: float = WITHIN_S) -> bool:
    """End what the dead *boot* has left; say whether it is certain that nothing is left.

    *living* are the pids of the agents that go on; with them and theirs, nothing is done.
    """
    until, quiet = time.monotonic() + within_s, 0
    while True:
        left, is_certain = _look(boot, living)
        quiet = 0 if left else quiet + 1
        if quiet >= QUIET_LOOKS:
            return is_certain
        if time.monotonic() > until:
            return False
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        time.sleep(LOOK_EVERY_S)  # nobody tells when a process is gone


def end_everywhere(boot: str, within_s: float = WITHIN_S) -> list[int]:
    """End every process of this machine that carries *boot*; return which there were."""
    found: dict[int, psutil.Process] = {}
    until = time.monotonic() + within_s
    while True:
        left = [process for process in psutil.process_iter() if _boot_of(process) == boot]
        if not left or time.monotonic() > until:
            return list(found)
        for process in left:
            found[process.pid] = process
            with contextlib.suppress(psutil.Error):
                process.kill()
        time.sleep(LOOK_EVERY_S)


def collect_orphans(living: Collection[int]) -> None:
    """Collect the ends of what agents have abandoned and nobody else will collect."""
    if sys.platform == "linux":
        for orphan in _orphans(living):
            with contextlib.suppress(psutil.Error, ChildProcessError):
                if orphan.status() == psutil.STATUS_ZOMBIE:
                    os.waitpid(orphan.pid, os.WNOHANG)


def _orphans(living: Collection[int]) -> Iterator[psutil.Process]:
    for child in psutil.Process().children():
        if child.pid not in living:
            yield child


def _look(boot: str, living: Collection[int]) -> tuple[list[psutil.Process], bool]:
    """Return what there is of *boot*, and whether everything else is known to be of others."""
    left: list[psutil.Process] = []
    is_certain = True
    collect_orphans(living)
    for orphan in _orphans(living):
        with contextlib.suppress(psutil.NoSuchProcess):
            tag = _boot_of(orphan)
            if tag == boot:
                left += [orphan, *orphan.children(recursive=True)]
            elif tag is None:
                is_certain = is_certain and orphan.status() == psutil.STATUS_ZOMBIE
    return left, is_certain


def _boot_of(process: psutil.Process) -> str | None:
    """Return the boot that *process* was started under, if it can be told."""
    try:
        place = process.environ().get(BOOT_FILE)
    except (psutil.Error, OSError):
        return None
    return PurePath(place).name if place else None
