"""A TCP link between one process and the broker that fails in the ways links fail.

It passes whole MQTT packets, so that what it does to them is a fault of the network or of a broker
and never nonsense. A test changes ``weather`` whenever it likes; what a link does to single packets
(:mod:`tests.support.tampering`) is decided when it is made.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from enum import Enum, auto
from typing import Final, Self

from tests.support.tampering import Tamper, Way, untouched

_HOST: Final = "127.0.0.1"
_CHUNK: Final = 65_536


class Weather(Enum):
    """What a link does now."""

    FAIR = auto()
    """It passes everything on."""
    HALF_OPEN = auto()
    """It takes nothing in and closes nothing, as with a pulled cable; what is said waits."""
    DEAF = auto()
    """What the broker says is lost on the connections that there are; new ones are fair."""
    DOWN = auto()
    """Nothing is connected, and nothing can be."""


class FaultyLink:
    """Listens on ``port`` and passes everything to the broker and back, unless it is broken.

    *tampers* makes the fault of each connection; *delay_s* is how long each packet is on its way.
    """

    def __init__(
        self,
        host: str,
        port: int,
        tampers: Callable[[], Tamper] = untouched,
        *,
        delay_s: float = 0.0,
    ) -> None:
        self._broker = (host, port)
        self._tampers = tampers
        self._delay_s = delay_s
        self._weather = Weather.FAIR
        self._listener = socket.create_server((_HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._is_fair = asyncio.Event()
        self._is_fair.set()
        self._conversations: set[asyncio.Task[None]] = set()
        self._deaf: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    @property
    def url(self) -> str:
        return f"mqtt://{_HOST}:{self.port}"

    def url_as(self, name: str, password: str) -> str:
        """Return the address for somebody who has to say who they are."""
        return f"mqtt://{name}:{password}@{_HOST}:{self.port}"

    def turn(self, weather: Weather) -> None:
        """Let the link be so from now on."""
        changed = threading.Event()

        def change() -> None:
            self._weather = weather
            if weather is Weather.HALF_OPEN:
                self._is_fair.clear()
            else:
                self._is_fair.set()
            self._deaf = set(self._conversations) if weather is Weather.DEAF else set()
            if weather is Weather.DOWN:
                for conversation in self._conversations:
                    conversation.cancel()
            changed.set()

        self._loop.call_soon_threadsafe(change)
        changed.wait()

    # --- the link's own thread

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._converse, sock=self._listener)
        await self._stop.wait()
        server.close()
        for conversation in self._conversations:
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    async def _converse(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        me = asyncio.current_task()
        if me is None or self._weather is Weather.DOWN:
            back.close()
            return
        self._conversations.add(me)
        far_end: asyncio.StreamWriter | None = None
        try:
            far, far_end = await asyncio.open_connection(*self._broker)
            tamper = self._tampers()
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pass_on(Way.OUT, near, far_end, tamper, me))
                ways.create_task(self._pass_on(Way.IN, far, back, tamper, me))
        except* (OSError, EOFError):
            pass  # one end is gone: so is the other
        except* asyncio.CancelledError:
            pass  # the link is down
        finally:
            self._conversations.discard(me)
            for end in (back, far_end):
                if end is not None:
                    end.transport.abort()

    async def _pass_on(
        self,
        way: Way,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        tamper: Tamper,
        conversation: "asyncio.Task[None]",
    ) -> None:
        while True:
            packet = await _packet(source)
            await self._is_fair.wait()
            if way is Way.IN and conversation in self._deaf:
                continue
            for passed in tamper(way, packet):
                if self._delay_s:
                    self._loop.call_later(self._delay_s, target.write, passed)
                else:
                    target.write(passed)
            await target.drain()


async def _packet(source: asyncio.StreamReader) -> bytes:
    """Read one whole packet."""
    head = bytearray(await source.readexactly(2))
    while head[-1] & 0x80:
        head += await source.readexactly(1)
    length = sum((digit & 0x7F) << 7 * place for place, digit in enumerate(head[1:]))
    return bytes(head) + await source.readexactly(length)
