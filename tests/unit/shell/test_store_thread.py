"""Calls in the store's thread, waited for in place or not."""

import asyncio
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from coordinator.shell import store_thread
from coordinator.shell.store import StoreSilent
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


async def test_the_loop_uses_the_time_that_the_disk_takes(thread: StoreThread) -> None:
    order: list[str] = []
    rendered = threading.Event()

    def commit() -> None:
        order.append("written")
        thread.note_at_disk()
        assert rendered.wait(LONG_MS / 1000)
        order.append("stored")

    def render() -> None:
        order.append("rendered")
        rendered.set()

    await thread.do(commit, wait_ms=LONG_MS, meanwhile=render)
    assert order == ["written", "rendered", "stored"]


async def test_whoever_does_not_reach_the_disk_is_waited_for_all_the_same(
    thread: StoreThread,
) -> None:
    order: list[str] = []
    call = partial(order.append, "called")
    await thread.do(call, wait_ms=LONG_MS, meanwhile=partial(order.append, "meanwhile"))
    await thread.do(call, meanwhile=partial(order.append, "never: the loop does not stand still"))
    assert order == ["called", "meanwhile", "called"]


async def test_calls_are_made_in_their_order_by_one_thread(thread: StoreThread) -> None:
    made: list[int] = []
    threads = await asyncio.gather(*(thread.do(_noted, made, n) for n in range(50)))
    assert made == list(range(50))
    assert len(set(threads)) == 1


def _noted(made: list[int], n: int) -> int:
    made.append(n)
    return threading.get_ident()


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


async def test_a_call_that_hangs_is_told_of_and_the_next_waits_for_it(
    thread: StoreThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_thread, "ANSWERS_WITHIN_S", 0.05)
    may_end, made = threading.Event(), list[str]()

    def hang() -> None:
        may_end.wait(LONG_MS / 1000)
        made.append("hung")

    try:
        with pytest.raises(StoreSilent, match=r"has not answered for 0\.05 s"):
            await thread.do(hang)
        with pytest.raises(StoreSilent):
            await thread.do(partial(made.append, "nobody waits any more"))
    finally:
        may_end.set()
    monkeypatch.undo()
    await thread.do(partial(made.append, "asked again"))
    assert made == ["hung", "asked again"]


async def test_whoever_stops_leaves_a_store_behind_that_hangs(
    thread: StoreThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_thread, "RESTS_WITHIN_S", 0.05)
    hangs, goes_on = threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        goes_on.wait()

    asked = asyncio.create_task(thread.do(hang))
    await asyncio.to_thread(hangs.wait)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert not thread.close()
    goes_on.set()
    monkeypatch.undo()
    assert thread.close()
