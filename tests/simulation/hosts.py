"""The host of all machines: it says which processes are dead for good, some time after they died.

It speaks in every tenth hour only, and draws from a stream of its own, so that the other hours are
what they would be without it.
"""

from typing import TYPE_CHECKING, Any, Final

from protocol.messages import HostActual, HostedAgent, HostPresence
from protocol.vocabulary import HostedState, PresenceState

if TYPE_CHECKING:
    from tests.simulation.world import World

EVERY: Final = 10
TURN: Final = 7
AGAIN_S: Final = (0.0, 5.0, 20.0)
"""It says what it knows at every change and now and then; any of it may be lost, or come late."""
LOST: Final = 0.3
KEPT: Final = 8


class Undertaker:
    """Knows who is dead, and tells the coordinator."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.speaks = world.scenario.seed % EVERY == TURN
        self._random = world.stream("undertaker")
        self._dead: dict[str, tuple[str, ...]] = {}
        self._seq = 0

    def bury(self, name: str, boot: str) -> None:
        """Note that *boot* is dead, and say so soon."""
        if not self.speaks:
            return
        self._dead[name] = (*self._dead.get(name, ()), boot)[-KEPT:]
        delay_s = self._random.choice((0.05, 0.5, 8.0)) * self._random.random()
        for again_s in AGAIN_S:
            if self._random.random() >= LOST:
                self.world.after(delay_s + again_s, self._state)

    def _state(self) -> None:
        self._seq += 1
        said: dict[str, Any] = {
            "ts_ms": 0,
            "host": "host-all",
            "machine_id": "all",
            "boot": "d" * 32,
        }
        said |= {"epoch": 1, "conn": 1, "seq": self._seq}
        here = HostPresence(**said, state=PresenceState.ONLINE, stands_in=True)
        agents = tuple(
            HostedAgent(agent=name, state=HostedState.RUNNING, since_ms=0, dead_boots=dead)
            for name, dead in self._dead.items()
        )
        actual = HostActual(**said, interval_s=3600.0, agents=agents)
        self.world.coordinator.hear([here])
        self.world.coordinator.hear([actual])
