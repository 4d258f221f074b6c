"""A coordinator that was replaced and does not know it yet: it goes on to answer heartbeats.

The mutant ``old_coordinator_answers`` lets it; agents must not believe it.
"""

from typing import TYPE_CHECKING

from coordinator.core.state import State
from protocol.messages import Granted, Heartbeat, Lease

if TYPE_CHECKING:
    from tests.simulation.world import World


class Ghost:
    """What the last coordinator that crashed still lends."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._until = 0.0
        self._lends: dict[str, tuple[int, tuple[tuple[str, int], ...]]] = {}

    @property
    def lingers(self) -> bool:
        """Whether it still answers."""
        return self._world.now < self._until

    def haunt(self, state: State, for_s: float) -> None:
        """Answer for so long by *state*, whose coordinator has just lost its lock."""
        self._until = self._world.now + for_s
        self._lends = {
            agent.boot: (state.term, tuple((t.id, t.fence) for t in agent.held.values()))
            for agent in state.agents.values()
            if agent.boot is not None
        }

    def answer(self, said: Heartbeat) -> None:
        """Lend on what *said* should hold, as it was."""
        term, lends = self._lends.get(said.boot, (0, ()))
        lease = Lease(
            ts_ms=0,
            coord="ghost",
            term=term,
            boot=said.boot,
            as_of=said.seq,
            rev=0,
            granted=tuple(Granted(task=task, fence=fence) for task, fence in lends),
        )
        self._world.bus.publish("ghost", f"inbox/{said.agent}/lease", lease, retain=False)
