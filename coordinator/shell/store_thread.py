"""The one thread in which the writer uses its store, one call after another."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass(frozen=True, slots=True)
class StoreThread:
    """Makes the calls that it is given, in their order."""

    executor: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="store")
    )

    async def do(self, call: Callable[[*Ts], T], *args: *Ts, wait_ms: int = 0) -> T:
        """Return what *call* returns; the loop stands still for it, but not longer than *wait_ms*.

        Whoever cancels this gets the thread at rest.
        """
        job = self.executor.submit(call, *args)
        if wait_ms and _ends_within(wait_ms, job):
            return job.result()
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            # Whoever comes next must find the store at rest.
            await asyncio.wrap_future(self.executor.submit(lambda: None))
            raise

    def close(self) -> None:
        """Let the thread end."""
        self.executor.shutdown()


def _ends_within(wait_ms: int, job: "Future[Any]") -> bool:
    """Wait in place; not by the future's own means, which wake each other up in vain."""
    over = threading.Lock()
    over.acquire()
    job.add_done_callback(lambda _job: over.release())
    return over.acquire(timeout=wait_ms / 1000)
