"""People who read what is retained of agents: their cards, and how many of them the fleet has.

What a broker lost is not the coordinator's fault: its last word is judged then. Where nothing was
lost, and once the coordinator has connected anew, what is retained is judged itself.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from protocol.messages import Message, Registry, Summary
from protocol.messages.base import FromAgent
from protocol.vocabulary import AgentHealth, AgentStatus

if TYPE_CHECKING:
    from tests.simulation.agent_process import AgentProcess
    from tests.simulation.coordinator_process import CoordinatorProcess
    from tests.simulation.world import World

SUMMARY: Final = "coordinator/summary"
WORDS: Final = ("presence", "info", "heartbeat", "metrics")


class Readers:
    """Everybody who looks at the fleet and decides nothing."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._said: dict[str, Message | None] = {}
        """Topic to the last word of a coordinator; nothing, if that cleared it."""
        self._in_doubt: set[str] = set()
        """Topics whose last word may not have reached the broker."""

    def hear(self, topic: str, said: Message | None) -> None:
        """Note the last word of a coordinator on one of its topics."""
        self._said[topic] = said
        bus = self._world.bus
        if bus.loses_nothing and "C" not in bus.mute:
            self._in_doubt.discard(topic)
        else:
            self._in_doubt.add(topic)

    def see_ghosts(self, coordinator: "CoordinatorProcess") -> Iterator[str]:
        """Name the agents that *coordinator* has forgotten, and shown since."""
        state = coordinator.state
        for name, agent in state.agents.items():
            if agent.is_forgotten:
                card = self._said.get(f"registry/{name}")
                if isinstance(card, Registry) and card.term == state.term:
                    yield f"{name} is forgotten, and a card was said last: {card}"

    def misled(self, *, anew: bool) -> Iterator[str]:
        """Name what is not as it is shown; *anew*: everything was just stated again."""
        world = self._world
        alive = {process.name: process for process in world.processes}
        for n in range(world.scenario.shape.agents):
            name = f"a{n}"
            process = alive.get(name)
            if process is None:
                yield from self._leftovers(name, anew=anew)
            elif _differs(card := self._shown(f"registry/{name}", anew=anew), process):
                yield f"the card of {name} says {card}"
        said, count = self._shown(SUMMARY, anew=anew), len(alive)
        if not isinstance(said, Summary) or _numbers(said) != (count, count, 0, count, count):
            yield f"of {count} agents, all idle and healthy, the summary says {said}"

    def _shown(self, topic: str, *, anew: bool) -> Message | None:
        """Return what the broker must have; or what was said, if it may have been lost."""
        is_certain = anew or topic not in self._in_doubt
        return (self._world.bus.retained if is_certain else self._said).get(topic)

    def _leftovers(self, name: str, *, anew: bool) -> Iterator[str]:
        """Name what is left of an agent that was forgotten."""
        world = self._world
        retained = world.bus.retained
        topic = f"registry/{name}"
        if topic in retained and self._shown(topic, anew=anew) is not None:
            yield f"{name} was forgotten and has a card: {retained[topic]}"
        tombstone = world.coordinator.state.agents[name].forgotten_epoch
        for channel in WORDS:
            word = retained.get(f"agents/{name}/{channel}")
            if not isinstance(word, FromAgent):
                continue
            if word.epoch > tombstone:
                yield f"{name} was forgotten, and its {channel} would bring it back: {word}"
            elif anew:
                yield f"{name} was forgotten, and its {channel} is left: {word}"
        if anew and f"inbox/{name}/desired" in retained:
            yield f"{name} was forgotten, and what it should hold is left"


def _differs(card: Message | None, process: "AgentProcess") -> bool:
    return (
        not isinstance(card, Registry)
        or card.status is not AgentStatus.IDLE
        or card.health is not AgentHealth.HEALTHY
        or card.suspect
        or card.holds != ()
        or card.epoch != process.identity.epoch
    )


def _numbers(said: Summary) -> tuple[int, int, int, int, int]:
    return (
        said.total_agents,
        said.online_agents,
        said.busy_agents,
        said.agents_by_status[AgentStatus.IDLE.value],
        said.healthy_agents,
    )
