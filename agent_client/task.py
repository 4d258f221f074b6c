"""What a handler gets: the task, and the ways to speak while working on it.

A handler in a thread cannot be killed. It keeps its promise by calling ``check()`` or
``sleep()`` often enough, at least once per ``cancel_grace_s`` of its task.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from agent_client.errors import BadSetting
from agent_client.portable import portable

if TYPE_CHECKING:
    from agent_client.run import Run

MAX_STEP: Final = 1_000


class _Task:
    """What both kinds of task know."""

    def __init__(self, run: "Run") -> None:
        self._run = run

    @property
    def run(self) -> "Run":
        """What the library knows of this execution; not for handlers."""
        return self._run

    @property
    def id(self) -> str:
        """The id of the task; the same for every attempt at it."""
        return self._run.assignment.task

    @property
    def fence(self) -> int:
        """The number of this assignment: of two attempts, the later has the higher one."""
        return self._run.fence.number

    @property
    def name(self) -> str:
        """The name of the task in the fleet plan."""
        return self._run.assignment.name

    @property
    def mode(self) -> str:
        """The mode of the task: what chose the handler."""
        return self._run.assignment.mode

    @property
    def args(self) -> dict[str, Any]:
        """The arguments of the task."""
        return self._run.assignment.args

    @property
    def trace(self) -> str | None:
        """The trace that the task belongs to, if its author gave one."""
        return self._run.assignment.trace

    @property
    def cancel_grace_s(self) -> float:
        """How long the task may take to stop when asked."""
        return self._run.assignment.cancel_grace_s

    @property
    def should_stop(self) -> bool:
        """Whether the handler must stop; ``check()`` would raise."""
        return self._run.must_stop() is not None

    @property
    def time_left_s(self) -> float | None:
        """Seconds until the lease runs out, unless it is renewed; None if it may overrun it."""
        left = self._run.kill_in_ms()
        return None if left is None else left / 1000

    @property
    def deadline_ms(self) -> int | None:
        """Until when the lease is good, on the agent's clock; None if it may overrun it."""
        return self._run.deadline_ms if self._run.obeys_deadline else None

    def progress(
        self, pct: float | None = None, step: str | None = None, eta_s: float | None = None
    ) -> None:
        """Say how far the work is; cheap enough to be called often, only the newest is told."""
        if pct is not None and not 0 <= pct <= 100:  # noqa: PLR2004 - per cent
            raise BadSetting("pct", pct, "a number from 0 to 100")
        if eta_s is not None and not (math.isfinite(eta_s) and eta_s >= 0):
            raise BadSetting("eta_s", eta_s, "seconds, not negative")
        self._run.progress(
            None if pct is None else round(float(pct), 1),
            None if step is None else portable(str(step))[:MAX_STEP],
            None if eta_s is None else float(eta_s),
        )


class Task(_Task):
    """One task, for a handler that is a plain function in a thread of its own."""

    def check(self) -> None:
        """Raise ``Cancelled`` or ``LeaseLost`` if the handler must stop; wait while paused."""
        self._run.check()

    def sleep(self, seconds: float) -> None:
        """Sleep, but wake up and raise as soon as the handler must stop; rest while paused."""
        self._run.wait(seconds, self._run.must_rest)
        self._run.check()

    def wait_for_change(self, seconds: float, done: Callable[[], bool]) -> None:
        """Wait until *done* says so, it is time to stop, or *seconds* are over."""
        self._run.wait(seconds, done)

    def wake(self) -> None:
        """Make ``wait_for_change`` in another thread look again."""
        self._run.notify()


class AsyncTask(_Task):
    """One task, for an ``async def`` handler, which is also cancelled like any coroutine."""

    def __init__(self, run: "Run") -> None:
        import asyncio  # noqa: PLC0415 - bots without coroutines are spared it

        super().__init__(run)
        self._sleep = asyncio.sleep
        self._may_go_on = asyncio.Event()

    async def check(self) -> None:
        """Raise ``Cancelled`` or ``LeaseLost`` if the handler must stop; wait while paused."""
        if (why := self._run.must_stop()) is not None:
            raise self._run.exception(why)
        if self._run.must_rest():
            self._run.resting()
            await self._may_go_on.wait()  # ended by cancellation if it must stop
            self._run.going_on()

    async def sleep(self, seconds: float) -> None:
        """Sleep, then look whether to stop or to rest."""
        await self._sleep(seconds)
        await self.check()

    def rest_changed(self) -> None:
        """Let a resting handler look again; called in its own event loop."""
        if self._run.must_rest():
            self._may_go_on.clear()
        else:
            self._may_go_on.set()
