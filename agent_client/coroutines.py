"""Runs ``async def`` handlers in one event loop: the bot's, or one made when it is first needed.

The guard of each handler's lease is a timer in that loop, where the handler runs, and not in the
agent's loop: it cancels the handler in time even when the agent's loop is frozen.
"""

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from typing import Any

from agent_client import verdict
from agent_client.handlers import AsyncHandler
from agent_client.run import LONGEST_WAIT_S, Run
from agent_client.task import AsyncTask


class CoroutineRunner:
    """One event loop, the bot's own or one in a thread of ours; handlers in it must not block."""

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._name = name
        self._is_ours = loop is None
        self._loop = loop
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, run: Run, handler: AsyncHandler) -> None:
        """Run *handler* soon in the event loop."""
        if self._loop is None:
            self._loop = self._new_loop()
        try:
            self._loop.call_soon_threadsafe(self._launch, run, handler)
        except RuntimeError as error:  # the bot has closed its own event loop
            run.end(verdict.of_exception(error, asked_to_stop=False))

    def close(self) -> None:
        """End the event loop; whatever still runs in it is cancelled."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # closed already
                end = self._loop.stop if self._is_ours else self._cancel_all
                self._loop.call_soon_threadsafe(end)
            self._loop = None

    def _cancel_all(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _new_loop(self) -> asyncio.AbstractEventLoop:
        ready: Future[asyncio.AbstractEventLoop] = Future()

        def work() -> None:
            with asyncio.Runner() as runner:
                loop = runner.get_loop()
                loop.call_soon(ready.set_result, loop)
                loop.run_forever()

        threading.Thread(target=work, name=f"{self._name}-async", daemon=True).start()
        return ready.result()

    def _launch(self, run: Run, handler: AsyncHandler) -> None:
        task = asyncio.get_running_loop().create_task(run_guarded(run, handler))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def run_guarded(run: Run, handler: AsyncHandler) -> None:
    """Run *handler* inside, so that cancelling it never cancels what reports its end."""
    if not run.begin():
        return
    loop = asyncio.get_running_loop()
    task = AsyncTask(run)
    inner = loop.create_task(_call(handler, task), name=f"{run.assignment.mode} {task.id}")
    guard = _Guard(run, task, inner)
    run.on_change = lambda: _soon(loop, guard)
    guard.look()
    try:
        outcome = verdict.of_result(await inner)
    except BaseException as error:  # noqa: BLE001 - a handler's SystemExit is its own, not ours
        outcome = verdict.of_exception(error, asked_to_stop=run.must_stop() is not None)
    guard.close()
    run.on_change = None
    run.end(outcome)


async def _call(handler: AsyncHandler, task: AsyncTask) -> Any:  # noqa: ANN401 - the author's result
    try:
        return await handler(task)
    except (SystemExit, KeyboardInterrupt) as error:
        # These two would leave the event loop itself; as a cause they are reported all the same.
        raise RuntimeError(f"the handler raised {type(error).__name__}") from error


def _soon(loop: asyncio.AbstractEventLoop, guard: "_Guard") -> None:
    with contextlib.suppress(RuntimeError):  # the event loop has ended, and the handler with it
        loop.call_soon_threadsafe(guard.look)


class _Guard:
    """Cancels one handler when it must stop, and looks again when its lease may run out."""

    def __init__(self, run: Run, task: AsyncTask, inner: "asyncio.Task[Any]") -> None:
        self._run = run
        self._task = task
        self._inner = inner
        self._timer: asyncio.TimerHandle | None = None
        self._asked = False
        self._forced = False

    def look(self) -> None:
        """Cancel the handler if it is time, else come back in time."""
        self.close()
        self._task.rest_changed()
        why = self._run.must_stop()
        left = self._run.kill_in_ms()
        if why is not None and not self._asked:
            self._asked = True
            self._inner.cancel(why.value)
        elif not self._forced and (self._run.killed or (left is not None and left <= 0)):
            self._forced = True
            self._inner.cancel("killed")
        if not (self._asked and self._forced) and left is not None:
            due_ms = left if self._asked else self._run.stop_in_ms()
            wait_s = LONGEST_WAIT_S if due_ms is None else min(LONGEST_WAIT_S, due_ms / 1000)
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.001, wait_s), self.look)

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
