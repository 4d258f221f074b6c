"""How long a client may be silent: before its CONNECT, then for one and a half keep-alives."""

import asyncio
from collections.abc import Callable
from typing import Final

KEEPALIVE_FACTOR: Final = 1.5
"""MQTT 3.1.1 §3.1.2.10: a client is gone after one and a half keep-alives of silence."""

_SECOND_LOOK_S: Final = 0.1


class Patience:
    """Calls *over* when nothing was heard for too long.

    It looks twice: after a stall of the whole process, timers may run before what has arrived is
    read. ``heard`` is set by whoever hears something, to the loop's time.
    """

    __slots__ = ("_limit_s", "_loop", "_over", "_timer", "_unheard", "heard")

    def __init__(self, loop: asyncio.AbstractEventLoop, over: Callable[[str], None]) -> None:
        self.heard = loop.time()
        self._loop = loop
        self._over = over
        self._limit_s = 0.0
        self._unheard = False
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, limit_s: float) -> None:
        """Wait for no longer than *limit_s* from now on; 0 is for ever."""
        self.end()
        self._limit_s, self._unheard = limit_s, False
        if limit_s:
            self._timer = self._loop.call_later(limit_s, self._look)

    def end(self) -> None:
        """Wait for nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        silent = self._loop.time() - self.heard
        if silent < self._limit_s:
            self._unheard = False
            self._timer = self._loop.call_later(self._limit_s - silent, self._look)
        elif not self._unheard:
            self._unheard = True
            self._timer = self._loop.call_later(_SECOND_LOOK_S, self._look)
        else:
            self._over(f"silent for {silent:.1f} s")
