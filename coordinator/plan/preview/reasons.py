"""Why a task waits at one moment of a preview: one reason token, the one that is nearest to go.

A gate that many share comes first; then the agents that could do it, of which the one that passes
most of its gates counts. Infeasible is what no agent of the fleet could ever do.
"""

from itertools import islice
from typing import Final

from coordinator.core.agents import Agent
from coordinator.core.cooldowns import held_back
from coordinator.core.instant import Instant
from coordinator.core.openings import OUTSIDE_WINDOW
from coordinator.core.queue.shapes import Shape
from coordinator.core.scoring import fits
from coordinator.core.state import State
from coordinator.core.tasks import Phase, Task
from coordinator.core.turn import Turn

LOOKED_AT: Final = 64
"""How many agents of a shape are asked why; more would say the same."""

NO_AGENT: Final = "NO_CAPABLE_AGENT"
_NEAREST_LAST: Final = (
    "CORDONED",
    "AVOID_HOURS",
    "IDLE_BLOCK",
    "CAP_REACHED",
    "RUNTIME_CAP",
    "FAILURE_COOLDOWN",
    "TASK_COOLDOWN",
    "AGENT_BUSY",
    "BEHIND_OTHERS",
)
_RANK: Final = {code: rank for rank, code in enumerate(_NEAREST_LAST)}
_OF_PHASE: Final = {
    Phase.SCHEDULED: "NOT_BEFORE",
    Phase.DEPENDENT: "DEPENDENCY",
    Phase.PAUSED_PENDING: "PAUSED",
}


class Reasons:
    """Tells why shapes wait; remembers which agents could take them."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._capable: dict[int, tuple[Agent, ...]] = {}

    def forget_agents(self) -> None:
        """Look again who could take what: an agent's class may have changed."""
        self._capable.clear()

    def of_task(self, task: Task, wall_ms: int) -> str:
        """Say why *task*, which nobody runs, waits."""
        if task.shape is not None:
            return self.of_shape(task.shape, wall_ms)
        return _OF_PHASE.get(task.phase, "AGENT_BUSY")

    def of_shape(self, shape: Shape, wall_ms: int) -> str:
        """Say why the first of *shape* waits."""
        capable = self.capable(shape)
        if not capable:
            return NO_AGENT
        for gate in shape.signature.gates:
            if not gate.is_open:
                return gate.code
        if shape.kind.must_fit and not fits(Turn(self._state, Instant(wall_ms, 0)), shape):
            return OUTSIDE_WINDOW  # open, and closing before it could end
        return max(
            (self._of_agent(agent, shape, wall_ms) for agent in capable),
            key=lambda code: _RANK.get(code, 0),
        )

    def capable(self, shape: Shape) -> tuple[Agent, ...]:
        """Return agents that could do tasks of *shape* if nothing else stood against it."""
        known = self._capable.get(shape.number)
        if known is None:
            if shape.kind.pin is not None:
                pinned = self._state.agents.get(shape.kind.pin)
                among = iter([pinned] if pinned is not None else [])
            else:
                among = (m for c in self._state.classes.values() for m in c.members.values())
            able = (
                agent
                for agent in among
                if agent.name not in shape.kind.excluded
                and agent.agent_class is not None
                and agent.agent_class.key.takes(shape)
            )
            known = self._capable[shape.number] = tuple(islice(able, LOOKED_AT))
        return known

    @staticmethod
    def _of_agent(agent: Agent, shape: Shape, wall_ms: int) -> str:
        if agent.blocks:
            return agent.blocks[0].code
        if not agent.takes_work:
            return "CORDONED"
        cooldown = held_back(agent, shape.kind.type_keys, wall_ms)
        if cooldown is not None:
            return cooldown.code
        return "AGENT_BUSY" if len(agent.held) >= agent.slots else "BEHIND_OTHERS"
