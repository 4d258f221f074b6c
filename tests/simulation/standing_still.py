"""A process with clocks of its own, that can stand still: as a whole, or only in its loop.

What its loop should do meanwhile waits for it, and so does what its handlers' processes should do;
they live beside the loop, and stand still only with the whole group.
"""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any, Final

from agent_client.core.fence import Fence
from tests.simulation.handlers import Execution
from tests.simulation.host import Host

if TYPE_CHECKING:
    from tests.simulation.world import World

WALL_MS: Final = 1_767_607_200_000
"""Monday 2026-01-05 10:00 UTC."""

Waiting = list[tuple[Callable[..., object], tuple[Any, ...]]]


class Process:
    """One process on a machine, with the handlers that it has started."""

    def __init__(self, world: "World", host: Host, random: Random) -> None:
        self.world, self.host, self.random = world, host, random
        self.alive = True
        self.loop_frozen = self.frozen = False
        self.rate = 1 + random.uniform(-world.drift, world.drift)
        self.fine_since = world.now
        """Since when nothing has kept it from speaking."""
        self.executions: dict[Fence, Execution] = {}
        self._origin_s = random.uniform(1e3, 1e6)
        self._asleep_s = 0.0
        self._inbox: Waiting = []
        self._deferred: Waiting = []

    # --- clocks

    def now_ms(self) -> int:
        """Tell the time on this machine's clock, which also counts while it sleeps."""
        seconds = self._origin_s + self.rate * (self.world.now - self._asleep_s)
        return int(seconds * 1000)

    def wall_ms(self) -> int:
        """Tell what this machine takes for the time of day."""
        return WALL_MS + self.host.wall_off_ms + int(self.world.now * 1000)

    # --- the loop, and what runs beside it

    def in_loop(self, act: Callable[..., object], *args: Any) -> None:
        """Let the loop do something: now, or when it is not frozen any more."""
        if self.loop_frozen:
            self._inbox.append((act, args))
        elif self.alive:
            act(*args)

    def in_handler(self, delay: float, act: Callable[..., object], *args: Any) -> None:
        """Let a handler's process do something, unless the whole group stands still."""
        self.world.after(delay, self._in_handler, act, args)

    def _in_handler(self, act: Callable[..., object], args: tuple[Any, ...]) -> None:
        if self.frozen:
            self._deferred.append((act, args))
        elif self.alive:
            act(*args)

    # --- standing still

    def freeze(self, seconds: float, *, kind: str) -> None:
        """Stand still: only the loop (``loop``), or all of the process's group."""
        if self.loop_frozen or not self.alive:
            return
        self.loop_frozen, self.frozen = True, kind != "loop"
        still = [e for e in self.executions.values() if e.is_executing] if self.frozen else []
        for execution in still:
            execution.stand_still()
        self.world.after(seconds, self._thaw, seconds, kind, still)

    def _thaw(self, seconds: float, kind: str, still: list[Execution]) -> None:
        if not self.alive:
            return
        self.frozen, self.fine_since = False, self.world.now
        if kind == "suspend" and self.world.broken("clock_stops_in_suspend"):
            self._asleep_s += seconds
        for execution in still:
            execution.wake()
        deferred, self._deferred = self._deferred, []
        for act, args in deferred:
            act(*args)
        self.loop_frozen, inbox, self._inbox = False, self._inbox, []
        for act, args in inbox:
            self.in_loop(act, *args)
        self.woken()

    def woken(self) -> None:
        """Look, after standing still, what is due."""
