"""The process of one task: imports the handler, runs it, and tells the agent how it goes.

The handler's standard output and error are the agent's; what is said to the agent goes over a
pipe that the handler cannot reach by accident. Asked to stop, a plain handler finds the exception
raised where it is, as it would on Ctrl-C, and once; an ``async def`` is cancelled.
"""

import asyncio
import logging
import os
import signal
import sys
import threading
from functools import partial
from types import FrameType
from typing import Any, Final, cast

import orjson

from agent_client import isolation, verdict
from agent_client.binding import bind, is_async
from agent_client.core.effects import StartHandler
from agent_client.core.fence import Fence
from agent_client.core.outcomes import GaveWay, Outcome, StopWhy
from agent_client.coroutines import run_guarded
from agent_client.errors import MustStop
from agent_client.handlers import AsyncHandler, PlainHandler
from agent_client.isolation import guard
from agent_client.isolation.source import Source
from agent_client.isolation.voice import Voice
from agent_client.messages import Assignment
from agent_client.messages.codec import read
from agent_client.run import Run
from agent_client.task import Task

_NEVER_MS: Final = 1 << 62


class SharedClock:
    """The clock on which the agent told the deadline."""

    def now_ms(self) -> int:
        """Tell the time."""
        return guard.now_ms()

    def wall_ms(self) -> int:
        """Do not tell the time: nothing here needs it."""
        raise NotImplementedError


def main() -> None:
    """Do the task that is described on standard input, and end this process."""
    isolation.in_task = True
    hearing, voice = _take_pipes()
    job = orjson.loads(hearing.readline())
    sys.argv = job["argv"]
    assignment = read(Assignment, job["assignment"])
    deadline_ms = _NEVER_MS if job["deadline_ms"] is None else job["deadline_ms"]
    start = StartHandler(Fence(assignment.task, assignment.fence), assignment, deadline_ms)
    run = Run(start, SharedClock(), voice.post)
    voice.speak_for(run)
    threading.Thread(target=_hear, args=(hearing, run), daemon=True).start()
    _work(Source(**job["source"]), run)
    voice.close()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # without waiting for threads: nothing of a task outlives its handler


def _work(source: Source, run: Run) -> None:
    """Let the handler work; its end is posted, whatever it does."""
    interruption = _Interruption(run)
    try:
        handler = bind(source.load())
    except BaseException as error:  # noqa: BLE001 - a module's SystemExit is its own, not ours
        run.end(verdict.of_exception(error, asked_to_stop=False))
        return
    if is_async(handler):
        asyncio.run(run_guarded(run, cast("AsyncHandler", handler)))
    elif run.begin():
        run.end(_outcome(interruption, run, cast("PlainHandler", handler)))


def _outcome(interruption: "_Interruption", run: Run, handler: PlainHandler) -> Outcome:
    asked_to_stop = lambda: run.must_stop() is not None  # noqa: E731 - one expression, used once
    try:
        with interruption:
            return verdict.of_call(partial(handler, Task(run)), asked_to_stop)
    except MustStop:
        return GaveWay()  # it struck just when the handler had ended


class _Interruption:
    """Raises into a plain handler, once, when its guard asks the process to stop."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._may_raise = False
        signal.signal(signal.SIGTERM, self._asked)

    def __enter__(self) -> None:
        self._may_raise = True

    def __exit__(self, *_error: object) -> None:
        self._may_raise = False

    def _asked(self, _number: int, _frame: FrameType | None) -> None:
        self._run.ask_to_stop(StopWhy.LEASE_LOST)  # unless the agent has said why
        if self._may_raise:
            self._may_raise = False
            self._run.raise_if_stopped()


def _take_pipes() -> tuple[Any, Voice]:
    """Keep both pipes to ourselves, and give the handler what the agent has."""
    hearing, speaking = os.fdopen(os.dup(0), "rb"), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return hearing, Voice(speaking)


def _hear(hearing: Any, run: Run) -> None:  # noqa: ANN401 - a file
    resting = False
    for line in hearing:
        said = orjson.loads(line)
        if said["deadline_ms"] is not None:
            run.extend(said["deadline_ms"])
        if said["rest"] != resting:
            resting = said["rest"]
            run.ask_to_rest(rest=resting)
        if said["why"] is not None:
            run.ask_to_stop(StopWhy(said["why"]))
