"""Operators who have agents forgotten: dead ones, living ones, and ones that are just restarted.

Each asks until the coordinator agrees, because an agent that holds something cannot be forgotten.
Who wants an agent gone looks again now and then: the late words of a process that is dead by now
may have made it known anew.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from protocol.messages import Reply, Submit
from protocol.vocabulary import SubmitOp
from tests.simulation.scenario import Forgetting

if TYPE_CHECKING:
    from tests.simulation.world import World

ASKS_AGAIN_S: Final = 10.0
LOOKS_AGAIN_S: Final = 45.0


class Operators:
    """Everybody who decides which agents there are to be."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.retired: set[str] = set()
        """Agents that were forgotten for good."""
        self._asked = 0

    def begin(self) -> None:
        """Plan every act."""
        for forgetting in self.world.scenario.forgettings:
            self.world.after(forgetting.at, self._act, forgetting)

    def _act(self, forgetting: Forgetting) -> None:
        world, name = self.world, f"a{forgetting.agent}"
        world.note("operator", str(forgetting))
        for process in [process for process in world.processes if process.name == name]:
            if forgetting.how == "killed":
                process.die()
            elif forgetting.how == "stopped":
                process.in_loop(process.leave, "decommissioned")
            if forgetting.restarts_s is not None:
                world.after(forgetting.restarts_s, world.supervise, name, process.host)

        def forget_soon(_reply: Reply | None = None) -> None:
            world.after(forgetting.asks_s, self._forget, forgetting)

        if forgetting.how == "drained":
            self._ask(SubmitOp.DRAIN, name, forget_soon)
        else:
            forget_soon()

    def _forget(self, forgetting: Forgetting) -> None:
        def answered(reply: Reply) -> None:
            if reply.ok:
                self._forgotten(forgetting)
            else:  # it holds something
                self.world.after(ASKS_AGAIN_S, self._forget, forgetting)

        self._ask(SubmitOp.FORGET, f"a{forgetting.agent}", answered)

    def _forgotten(self, forgetting: Forgetting) -> None:
        world, name = self.world, f"a{forgetting.agent}"
        if forgetting.back_s is not None:
            world.after(forgetting.back_s, world.supervise, name, world.homes[name])
        elif forgetting.is_for_good:
            self.retired.add(name)
            epoch = world.coordinator.state.agents[name].epoch
            world.after(LOOKS_AGAIN_S, self._look, forgetting, epoch)

    def _look(self, forgetting: Forgetting, epoch: int) -> None:
        """Have it forgotten again if it is dead, and late words of a newer boot were believed."""
        world, name = self.world, f"a{forgetting.agent}"
        is_alive = any(process.name == name for process in world.processes)
        if not is_alive and world.coordinator.knows(name, since=epoch):
            self._forget(forgetting)
        else:
            world.after(LOOKS_AGAIN_S, self._look, forgetting, epoch)

    def _ask(self, op: SubmitOp, name: str, then: Callable[[Reply], object]) -> None:
        self._asked += 1
        request_id, forever = f"{op}-{name}-{self._asked}", op is SubmitOp.DRAIN
        request = Submit(request_id=request_id, op=op, agent=name, forever=forever)
        self.world.clients.ask(request, then)
