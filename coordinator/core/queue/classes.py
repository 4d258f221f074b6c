"""Agent classes: agents that no rule of eligibility can tell apart."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from coordinator.core.queue.board import Board
from coordinator.core.queue.shapes import Shape
from protocol.vocabulary import AgentHealth, Priority

if TYPE_CHECKING:
    from coordinator.core.agents import Agent
    from coordinator.core.why.obstacles import Obstacles

TIER: Final = {
    AgentHealth.HEALTHY: 3,
    AgentHealth.WARNING: 2,
    AgentHealth.CRITICAL: 1,
    AgentHealth.UNKNOWN: 0,
}


@dataclass(frozen=True, slots=True)
class ClassKey:
    """What agents of one class have in common."""

    capabilities: frozenset[str]
    health: AgentHealth
    in_maintenance: bool

    def takes(self, shape: Shape) -> bool:
        """Say whether agents of this class could run tasks of *shape* at all."""
        kind = shape.kind
        if not kind.capabilities <= self.capabilities:
            return False
        unknown_will_do = kind.allows_unknown_health and self.health is AgentHealth.UNKNOWN
        least = kind.min_health
        if least is not None and TIER[self.health] < TIER[least] and not unknown_will_do:
            return False
        return not self.in_maintenance or kind.priority is Priority.MAINTENANCE


class AgentClass:
    """The agents of one class, those of them that are free, and the board they look at."""

    __slots__ = ("board", "free", "key", "members", "number", "obstacles")

    def __init__(self, number: int, key: ClassKey) -> None:
        self.number = number
        self.key = key
        self.members: dict[str, Agent] = {}
        self.free: dict[str, Agent] = {}
        """In the order in which they became free: the one that has idled longest first."""
        rank = (-TIER[key.health], len(key.capabilities), number)
        self.board = Board(self.free, rank)
        self.obstacles: dict[Obstacles, dict[str, Agent]] = {}
        """Members by what stands between them and any task, so that a reason need not scan."""

    def note(self, agent: "Agent", found: "Obstacles") -> None:
        """Write down what stands between *agent*, who is a member, and any task."""
        known = agent.obstacles
        if known is not None:
            if known == found and agent.name in self.obstacles.get(known, ()):
                return
            self.forget(agent)
        agent.obstacles = found
        self.obstacles.setdefault(found, {})[agent.name] = agent

    def forget(self, agent: "Agent") -> None:
        """Write nothing of *agent* any more."""
        if agent.obstacles is not None:
            alike = self.obstacles.get(agent.obstacles)
            if alike is not None and alike.pop(agent.name, None) is not None and not alike:
                del self.obstacles[agent.obstacles]
            agent.obstacles = None
