"""The store's thread of a writer: what is handed to it stops the writer, until somebody goes on."""

from collections.abc import Callable, Generator
from typing import TypeVar, TypeVarTuple, cast

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Handed:
    """A call that the writer wants made, and waits for."""

    def __init__(self, work: Callable[..., object], args: tuple[object, ...]) -> None:
        self.work = work
        self.args = args

    def __await__(self) -> "Generator[Handed, object, object]":
        return (yield self)


class HandedOver:
    """Takes the place of a writer's thread: what it is given comes to whoever drives the writer."""

    async def do(
        self,
        call: Callable[[*Ts], T],
        *args: *Ts,
        wait_ms: int = 0,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> T:
        if wait_ms:
            meanwhile()
        return cast("T", await Handed(call, args))

    def note_at_disk(self) -> None:
        pass

    def close(self) -> bool:
        return True
