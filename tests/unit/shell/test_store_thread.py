"""Calls in the store's thread, waited for in place or not."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from coordinator.shell.store_thread import StoreThread

LONG_MS = 60_000


@pytest.fixture
def thread() -> Iterator[StoreThread]:
    thread = StoreThread()
    yield thread
    thread.close()


async def test_what_ends_soon_is_returned_within_the_same_turn_of_the_loop(
    thread: StoreThread,
) -> None:
    turned: list[str] = []
    asyncio.get_running_loop().call_soon(turned.append, "a turn")
    assert await thread.do(threading.get_ident, wait_ms=LONG_MS) != threading.get_ident()
    assert turned == []


async def test_the_loop_goes_on_when_it_has_waited_long_enough(thread: StoreThread) -> None:
    turned = threading.Event()
    asyncio.get_running_loop().call_soon(turned.set)
    assert await thread.do(turned.wait, LONG_MS / 1000, wait_ms=1)


@pytest.mark.parametrize("wait_ms", [0, LONG_MS])
async def test_what_goes_wrong_is_raised_either_way(thread: StoreThread, wait_ms: int) -> None:
    with pytest.raises(ZeroDivisionError):
        await thread.do(lambda: 1 // 0, wait_ms=wait_ms)


async def test_whoever_cancels_gets_the_thread_at_rest(thread: StoreThread) -> None:
    began, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        may_end.wait()
        ended.set()

    task = asyncio.create_task(thread.do(work, wait_ms=1))
    await asyncio.to_thread(began.wait)
    task.cancel()
    asyncio.get_running_loop().call_soon(may_end.set)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
