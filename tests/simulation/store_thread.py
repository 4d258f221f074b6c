"""The store's thread of a writer: what is handed to it stops the writer, until somebody goes on."""

import asyncio
import contextlib
from collections.abc import Callable, Generator, Iterator
from typing import Final, cast


class _Loop:
    """What the writer takes for its event loop: work for the store's thread comes to us."""

    def run_in_executor(
        self, _thread: object, work: Callable[..., object], *args: object
    ) -> "Handed":
        return Handed(work, args)


class Handed:
    def __init__(self, work: Callable[..., object], args: tuple[object, ...]) -> None:
        self.work = work
        self.args = args

    def __await__(self) -> "Generator[Handed, object, object]":
        return (yield self)


_LOOP: Final = cast("asyncio.AbstractEventLoop", _Loop())


@contextlib.contextmanager
def store_thread() -> Iterator[None]:
    """Hand what writers want done in their store's thread to whoever drives them."""
    asyncio._set_running_loop(_LOOP)
    try:
        yield
    finally:
        asyncio._set_running_loop(None)
