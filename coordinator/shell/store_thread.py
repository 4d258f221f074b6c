"""The one thread in which the writer uses its store, one call after another.

It is our own, for what the library's executor does around every call, in both threads and while
each wants the interpreter, is a tenth of an idle fleet's dispatch.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final, TypeVar, TypeVarTuple, cast

from coordinator.shell.store.errors import StoreSilent

ANSWERS_WITHIN_S: Final = 10.0
"""A store that takes longer is told of; the call goes on, and the next waits for it."""
RESTS_WITHIN_S: Final = 2.0
"""Who stops waits so long for the store to be at rest; one that hangs is left behind."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class _Job:
    """One call, made by the thread and waited for by the loop."""

    __slots__ = ("_args", "_call", "_error", "_result", "at_disk", "is_wanted", "over", "wake")

    def __init__(self, call: Callable[..., object], args: tuple[object, ...]) -> None:
        self.at_disk: Final = threading.Lock()
        """Held until the call only waits for the disk."""
        self.at_disk.acquire()
        self.over: Final = threading.Lock()
        """Held until the call is over."""
        self.over.acquire()
        self.is_wanted = True
        """Whether somebody still waits for it."""
        self.wake: Callable[[], object] | None = None
        """What the loop wants done then, if it does not stand still for it."""
        self._call = call
        self._args = args
        self._result: object = None
        self._error: BaseException | None = None

    def make(self) -> None:
        """Make the call, and let whoever waits know."""
        try:
            self._result = self._call(*self._args)
        except BaseException as error:  # noqa: BLE001 -- whoever waits for the call gets it
            self._error = error
        self.note_at_disk()
        self.over.release()
        # A loop that sets this later looks, after that, whether the call is over.
        if self.wake is not None:
            self.wake()

    def note_at_disk(self) -> None:
        """Let the loop know that its turn has come to use the interpreter."""
        if self.at_disk.locked():
            self.at_disk.release()

    def outcome(self) -> object:
        """Return or raise what the call did; once."""
        error, self._error = self._error, None  # or the two hold on to each other
        if error is not None:
            raise error
        return self._result


class StoreThread:
    """Makes the calls that it is given, in their order."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._now: _Job | None = None
        """The call that is being made."""

    async def do(
        self,
        call: Callable[[*Ts], T],
        *args: *Ts,
        wait_ms: int = 0,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> T:
        """Return what *call* returns; the loop stands still for it if *wait_ms* is not 0.

        It waits so long at most for *call* to reach the disk, and so long for the disk; between
        the two it does what it is to do *meanwhile*. Whoever cancels this gets the thread at rest,
        unless it hangs.
        Raises :class:`StoreSilent` after :data:`ANSWERS_WITHIN_S`: a call that has begun goes on.
        """
        if self._thread is None:
            # A process that ends does not wait for it: what is not committed was told to nobody.
            self._thread = threading.Thread(target=self._work, name="store", daemon=True)
            self._thread.start()
        job = _Job(call, args)
        self._jobs.put(job)
        if not (wait_ms and _is_over_within(wait_ms, job, meanwhile)):
            await _until_over(job)
        return cast("T", job.outcome())

    def note_at_disk(self) -> None:
        """Say, in the thread, that the call needs nothing but the disk until it is nearly over."""
        if self._now is not None:
            self._now.note_at_disk()

    def close(self) -> bool:
        """Let the thread end when it has made the calls that it was given; say whether it has."""
        if self._thread is None:
            return True
        self._jobs.put(None)
        self._thread.join(RESTS_WITHIN_S)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._now = job
            if job.is_wanted:
                job.make()
            self._now = None
            del job  # an idle thread holds on to nothing


def _is_over_within(wait_ms: int, job: _Job, meanwhile: Callable[[], object]) -> bool:
    """Stand still for *job*, and use the time that it takes the disk."""
    if not job.at_disk.acquire(timeout=wait_ms / 1000):
        return False
    meanwhile()
    return job.over.acquire(timeout=wait_ms / 1000)


async def _until_over(job: _Job) -> None:
    """Let the loop go on until *job* is over; whoever cancels this waits for that a while."""
    loop, is_over = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            loop.call_soon_threadsafe(is_over.set)

    job.wake = wake
    if not job.over.locked():
        return
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            await is_over.wait()
    except TimeoutError:
        job.is_wanted = False
        raise StoreSilent(ANSWERS_WITHIN_S) from None
    except asyncio.CancelledError:
        # Whoever comes next must find the store at rest.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RESTS_WITHIN_S):
                await is_over.wait()
        raise
