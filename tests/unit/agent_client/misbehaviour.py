"""Handlers for processes of their own: a good one, and everything a bad one may do."""

import asyncio
import contextlib
import ctypes
import itertools
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from agent_client import AsyncTask, Failed, MustStop, Rejected, Task


def good(task: Task) -> dict[str, Any]:
    task.progress(50.0, "half")
    return {"args": task.args, "pid": os.getpid(), "mode": task.mode}


def steps(task: Task) -> None:
    """Note every step in a file: what is there has been executed."""
    with Path(task.args["file"]).open("ab", buffering=0) as file:
        while True:
            file.write(b"%d\n" % time.clock_gettime_ns(time.CLOCK_BOOTTIME))
            time.sleep(0.005)


def tidy(task: Task) -> None:
    try:
        time.sleep(60)
    finally:
        Path(task.args["file"]).write_text("tidied up")


def patient(task: Task) -> str:
    while not task.args.get("enough"):
        task.progress(step="at it")
        task.sleep(0.02)
    return "enough"


async def asynchronous(task: AsyncTask) -> str:
    while not task.args.get("enough"):
        task.progress(step="at it")
        await task.sleep(0.02)
    return "enough"


async def never(task: AsyncTask) -> None:
    await asyncio.sleep(60)


def raises(task: Task) -> None:
    raise ValueError("a bug of its author")


def fails(task: Task) -> None:
    raise Failed("no_luck", "today", retryable=False)


def rejects(task: Task) -> None:
    raise Rejected("not_mine", retry_after_s=3.0)


def sys_exit(task: Task) -> None:
    sys.exit(3)


def os_exit(task: Task) -> None:
    os._exit(3)


def segfault(task: Task) -> None:
    ctypes.string_at(0)


def killed(task: Task) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def closes_files(task: Task) -> str:
    os.closerange(0, 256)
    return "said to nobody"


def prints(task: Task) -> str:
    sys.stdout.write('{"returned": "a lie"}\n')
    sys.stdout.flush()
    os.write(1, b'{"returned": "another"}\n')
    return "the truth"


def unportable(task: Task) -> object:
    return object()


def forks(task: Task) -> int:
    """Both of the two processes return."""
    child = os.fork()
    return child or 0


def leaves_a_fork(task: Task) -> int:
    child = os.fork()
    if child == 0:
        time.sleep(60)
    return child


def leaves_a_thread(task: Task) -> str:
    import threading

    threading.Thread(target=time.sleep, args=(60,)).start()
    return "ended"


def deaf(task: Task) -> None:
    while True:
        with contextlib.suppress(MustStop):
            time.sleep(60)


def hangs(task: Task) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(60)


def holds_the_gil(task: Task) -> None:
    sum(itertools.repeat(0))  # a loop in C, which neither lets go of it nor looks for signals


def chatty(task: Task) -> str:
    for number in range(100_000):
        task.progress(number / 1_000, "x" * 100)
    return "said it all"


def big(task: Task) -> str:
    return "x" * 200_000
