"""Carries out what the machine decided about handlers, in threads or in an event loop."""

from typing import TYPE_CHECKING, cast

from agent_client.clock import Clock
from agent_client.core.effects import (
    ExtendDeadline,
    KillHandler,
    PauseHandler,
    ResumeHandler,
    StartHandler,
    StopHandler,
)
from agent_client.core.events import HandlerEnded, HandlerProgressed
from agent_client.core.fence import Fence
from agent_client.core.outcomes import Declined, StopWhy
from agent_client.handlers import AsyncHandler, Handlers, PlainHandler
from agent_client.run import Post, Run
from agent_client.threads import ThreadRunner

if TYPE_CHECKING:
    import asyncio

    from agent_client.coroutines import CoroutineRunner

Order = StartHandler | ExtendDeadline | StopHandler | KillHandler | PauseHandler | ResumeHandler


class Executor:
    """The runs of this process; used from the loop's thread only."""

    def __init__(
        self,
        name: str,
        handlers: Handlers,
        clock: Clock,
        post: Post,
        *,
        lock_file: int | None = None,
        event_loop: "asyncio.AbstractEventLoop | None" = None,
    ) -> None:
        self._held_files = () if lock_file is None else (lock_file,)
        self._handlers = handlers
        self._clock = clock
        self._post = post
        self._runs: dict[Fence, Run] = {}
        self._threads = ThreadRunner(name)
        self._name = name
        self._event_loop = event_loop
        self._coroutines: CoroutineRunner | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs."""
        return not self._runs

    def carry_out(self, order: Order) -> None:
        """Do as told; what has ended in the meantime needs nothing any more."""
        if isinstance(order, StartHandler):
            self._start(order)
            return
        run = self._runs.get(order.fence)
        if run is None:
            return
        match order:
            case ExtendDeadline(deadline_ms=deadline_ms):
                run.extend(deadline_ms)
            case StopHandler(why=why):
                run.ask_to_stop(why)
            case KillHandler():
                run.kill()
            case PauseHandler():
                run.ask_to_rest(rest=True)
            case ResumeHandler():
                run.ask_to_rest(rest=False)

    def _start(self, start: StartHandler) -> None:
        ready = self._handlers.find(start.assignment.mode)
        if ready is None:
            declined = Declined("no_handler", f"no handler for {start.assignment.mode!r}")
            self._post(HandlerEnded(start.fence, declined), True)  # noqa: FBT003 - wakes the loop
            return
        run = self._runs[start.fence] = Run(
            start, self._clock, self._post, held_files=self._held_files
        )
        if ready.is_async:
            self._coroutine_runner().start(run, cast("AsyncHandler", ready.handler))
        else:
            self._threads.start(run, cast("PlainHandler", ready.handler))

    def _coroutine_runner(self) -> "CoroutineRunner":
        if self._coroutines is None:
            # Bots without coroutines are spared the import.
            from agent_client.coroutines import CoroutineRunner  # noqa: PLC0415

            self._coroutines = CoroutineRunner(self._name, self._event_loop)
        return self._coroutines

    def progress_of(self, fence: Fence) -> HandlerProgressed | None:
        """Take the newest progress of *fence*."""
        run = self._runs.get(fence)
        return None if run is None else run.take_progress()

    def wake_all(self) -> None:
        """Let every handler that waits look at the clock, because it has been put forward."""
        for run in self._runs.values():
            run.notify()

    def forget(self, fence: Fence) -> None:
        """Let go of what has ended."""
        self._runs.pop(fence, None)

    def close(self) -> None:
        """Ask whatever is left to stop, and let idle threads end."""
        for run in self._runs.values():
            run.ask_to_stop(StopWhy.LEAVING)
            run.kill()
        self._threads.close()
        if self._coroutines is not None:
            self._coroutines.close()
