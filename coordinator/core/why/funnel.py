"""The agents seen from one kind of task: how many pass each gate, and who fails the fewest.

The numbers come from what each class has written down of its members, so the cost is that of the
classes and not of the fleet. An agent that fails nothing is free for the task.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NamedTuple

from coordinator.core.agents import Agent
from coordinator.core.cooldowns import held_back
from coordinator.core.instant import Instant
from coordinator.core.queue.classes import TIER, ClassKey
from coordinator.core.queue.shapes import Kind
from coordinator.core.state import State
from coordinator.core.why.agent_reasons import reason
from coordinator.core.why.codes import OF_AGENT, RANK, in_order
from coordinator.core.why.obstacles import Obstacles
from protocol.vocabulary import AgentHealth, Priority

INCAPABLE: Final = "NO_CAPABLE_AGENT"
NEAREST_SHOWN: Final = 5
_SAMPLE: Final = 8
_COOLING_CHECKED: Final = 64
"""Of how many agents a cooldown is looked at itself; beyond, what is written down is believed."""

_STAGES: Final = (
    ("capable", INCAPABLE),
    ("online", "AGENT_OFFLINE"),
    ("in_service", "CORDONED"),
    ("healthy", "HEALTH_TOO_LOW"),
    ("in_hours", "RUNTIME_CAP"),
    ("off_cooldown", "TASK_COOLDOWN"),
    ("free", "AGENT_BUSY"),
)
"""Each stage, and the last of the gates that are behind it."""


class Row(NamedTuple):
    """Agents that fail the same gates, which are in order of precedence; and some of them."""

    fails: tuple[str, ...]
    size: int
    agents: tuple[Agent, ...]


@dataclass(frozen=True, slots=True)
class Funnel:
    """All agents, by the gates that they fail."""

    rows: tuple[Row, ...]

    @property
    def total(self) -> int:
        """How many agents there are."""
        return sum(row.size for row in self.rows)

    @property
    def free(self) -> int:
        """How many agents fail nothing."""
        return sum(row.size for row in self.rows if not row.fails)

    def passing(self, last: str) -> int:
        """Count the agents that pass every gate up to and including *last*."""
        rank = RANK[last]
        return sum(row.size for row in self.rows if not row.fails or self._first(row.fails) > rank)

    @staticmethod
    def _first(fails: tuple[str, ...]) -> int:
        # A cap of one agent is a rule about its hours, not a gate of the fleet.
        ranks = (RANK["RUNTIME_CAP"] if code == "CAP_REACHED" else RANK[code] for code in fails)
        return min(ranks)

    def nearest(self) -> list[Row]:
        """List the rows of capable agents, those that fail the fewest gates first."""
        able = [row for row in self.rows if row.fails and INCAPABLE not in row.fails]
        return sorted(able, key=lambda row: (len(row.fails), -self._first(row.fails), -row.size))

    def headline(self) -> str | None:
        """Name the gate that is in the way; ``None`` when an agent is free."""
        if self.free:
            return None
        nearest = self.nearest()
        return nearest[0].fails[0] if nearest else INCAPABLE

    def document(self, kind: Kind, now: Instant) -> dict[str, Any]:
        """Render the funnel in numbers, and the nearest misses by name."""
        numbers = {stage: self.passing(last) for stage, last in _STAGES}
        return {"total": self.total, **numbers, "nearest_miss": list(self._misses(kind, now))}

    def _misses(self, kind: Kind, now: Instant) -> Iterator[dict[str, Any]]:
        named = ((row, agent) for row in self.nearest() for agent in row.agents)
        for row, agent in islice(named, NEAREST_SHOWN):
            text, until_ms = reason(agent, row.fails[0], kind, now)
            yield {
                "agent": agent.name,
                "fails": list(row.fails),
                "text": text,
                "until_ms": until_ms,
            }

    def gates(self) -> Iterator[dict[str, Any]]:
        """Render each gate of agents: open as long as somebody is left behind it."""
        left, nearest = self.total, self.nearest()
        blamed = nearest[0].fails if nearest and not self.free else ()
        for code in OF_AGENT:
            behind = self.passing(code)
            shut = (left > 0 or code == INCAPABLE) and behind == 0
            yield {
                "code": code,
                "scope": "agents",
                "ok": not shut and code not in blamed,
                "passed": behind,
                "failed": left - behind,
            }
            left = behind


def funnel_of(state: State, kind: Kind, now: Instant) -> Funnel:
    """Sort all agents by the gates that they fail for tasks of *kind*."""
    counts: dict[tuple[str, ...], int] = {}
    names: dict[tuple[str, ...], list[Agent]] = {}
    for fails, count, agents in _rows(state, kind, now):
        counts[fails] = counts.get(fails, 0) + count
        known = names.setdefault(fails, [])
        if len(known) < _SAMPLE:
            known += agents
    rows = (Row(fails, counts[fails], tuple(names[fails][:_SAMPLE])) for fails in counts)
    return Funnel(tuple(row for row in rows if row.size))


def _rows(state: State, kind: Kind, now: Instant) -> Iterator[Row]:
    if kind.pin is not None:
        agent = state.agents.get(kind.pin)
        if agent is not None:
            yield Row(fails_of(agent, kind, now), 1, (agent,))
        return
    checked = _COOLING_CHECKED
    known = 0
    for joined in state.classes.values():
        known += len(joined.members)
        of_class = _class_fails(joined.key, kind)
        for obstacles, members in joined.obstacles.items():
            cooling = _cooling(obstacles, kind)
            if cooling and len(members) <= checked:
                checked -= len(members)
                for agent in members.values():
                    yield Row(fails_of(agent, kind, now), 1, (agent,))
                continue
            fails = in_order(of_class | cooling | {*obstacles.codes})
            yield Row(fails, len(members), tuple(islice(members.values(), _SAMPLE)))
    for name in kind.excluded:
        agent = state.agents.get(name)
        if agent is not None and agent.agent_class is not None:
            fails = fails_of(agent, kind, now)
            yield Row(fails, 1, (agent,))
            yield Row(tuple(code for code in fails if code != INCAPABLE), -1, ())
    if known < len(state.agents):
        yield from _never_heard(state.agents.values(), kind, now)


def _never_heard(agents: Iterable[Agent], kind: Kind, now: Instant) -> Iterator[Row]:
    """Sort the agents that no class has: they are known from the plan or from the store."""
    for agent in agents:
        if agent.agent_class is None and agent.name not in kind.excluded:
            yield Row(fails_of(agent, kind, now), 1, (agent,))


def fails_of(agent: Agent, kind: Kind, now: Instant) -> tuple[str, ...]:
    """Name the gates that *agent* fails for tasks of *kind*."""
    joined, obstacles = agent.agent_class, agent.obstacles
    if joined is None or obstacles is None:
        able = kind.capabilities <= agent.capabilities
        return ("AGENT_OFFLINE",) if able else (INCAPABLE, "AGENT_OFFLINE")
    codes = _class_fails(joined.key, kind) | {*obstacles.codes}
    if agent.name in kind.excluded:
        codes.add(INCAPABLE)
    cooldown = held_back(agent, kind.type_keys, now.wall_ms) if agent.cooldowns else None
    if cooldown is not None:
        codes.add(cooldown.code)
    return in_order(codes)


def _class_fails(key: ClassKey, kind: Kind) -> set[str]:
    codes = set()
    if not kind.capabilities <= key.capabilities:
        codes.add(INCAPABLE)
    unknown_will_do = kind.allows_unknown_health and key.health is AgentHealth.UNKNOWN
    least = kind.min_health
    if least is not None and TIER[key.health] < TIER[least] and not unknown_will_do:
        codes.add("HEALTH_TOO_LOW")
    if key.in_maintenance and kind.priority is not Priority.MAINTENANCE:
        codes.add("CORDONED")
    return codes


def _cooling(obstacles: Obstacles, kind: Kind) -> set[str]:
    return {code for type_key, code in obstacles.cooling if type_key in kind.type_keys}
