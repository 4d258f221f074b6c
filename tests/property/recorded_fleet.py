"""A fleet that writes down all that happens to its core, to be told again to a fresh one.

What a core decided is written down as text at once: the effects, and the record of everything that
they name. So nothing that changes later can make two different decisions look the same.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from coordinator.core.agents import Agent
from coordinator.core.effects import Effect, SaveAgent, SaveLedger, SaveMark, SaveTask
from coordinator.core.events import Event
from coordinator.core.instant import Instant
from coordinator.core.policy import Policy
from coordinator.core.records import (
    agent_from,
    agent_record,
    ledger_from,
    ledger_record,
    mark_record,
    remember_mark,
    task_from,
    task_record,
)
from coordinator.core.recovery import restore
from coordinator.core.state import State
from coordinator.core.step import step
from coordinator.core.tasks import Task
from tests.support.fleet import Fleet


@dataclass(frozen=True)
class Begun:
    """A coordinator began with what its store remembered."""

    policy: Policy
    coord: str
    term: int
    now: Instant
    tasks: tuple[str, ...]
    agents: tuple[str, ...]
    ledgers: tuple[tuple[str, str, str], ...]
    marks: tuple[tuple[str, str, str], ...]

    def state(self) -> tuple[State, list[Effect]]:
        """Return a state that was begun in the same way, and what it decided by that."""
        state = State(self.policy, self.coord, self.term)
        agents = {}
        for row in self.agents:
            agent = agent_from(json.loads(row), self.policy)
            agents[agent.name] = agent
        for name, boot, row in self.ledgers:
            agents[name].ledgers[boot] = ledger_from(json.loads(row))
        for kind, key, row in self.marks:
            remember_mark(state, kind, key, json.loads(row))
        tasks = [task_from(json.loads(row)) for row in self.tasks]
        state.tally = Counter((task.status, task.priority, task.mode) for task in tasks)
        return state, restore(state, agents.values(), tasks, self.now)


@dataclass(frozen=True)
class Happened:
    """An event was decided."""

    event: Event
    now: Instant


Page: TypeAlias = tuple[Begun | Happened, str]
"""What happened, and what was decided."""


def written(state: State, effects: list[Effect]) -> str:
    """Write down what was decided: the effects, and each record that they have stored."""
    lines: list[str] = []
    for effect in effects:
        lines.append(repr(effect))
        match effect:
            case SaveTask(task):
                lines.append(text(task_record(state.tasks[task])))
            case SaveAgent(name):
                lines.append(text(agent_record(state.agents[name])))
            case SaveLedger(name, boot):
                lines.append(text(ledger_record(state.agents[name].ledgers[boot])))
            case SaveMark(kind, key):
                lines.append(text(mark_record(state, kind, key)))
            case _:
                pass
    return "\n".join(lines)


def records(state: State) -> str:
    """Write down everything that a store would remember of *state*."""
    marks = [("usage", key) for key in state.usage]
    marks += [("closure", key) for key in state.closures]
    marks += [("hold", key) for key in state.holds]
    marks += [("cooldown", key) for key in state.type_cooldowns]
    marks += [("schedule", key) for key in state.schedules.progress]
    marks += [("history", key) for key in state.history.paces]
    return "\n".join(
        [
            *(text(task_record(task)) for task in state.tasks.values()),
            *(text(agent_record(agent)) for agent in state.agents.values()),
            *(f"{kind} {key} {text(mark_record(state, kind, key))}" for kind, key in marks),
        ]
    )


def text(record: dict[str, Any] | None) -> str:
    return json.dumps(record)  # in the order in which it was made: that must be the same too


class RecordedFleet(Fleet):
    """A fleet with a log of pages."""

    def __init__(self, *args: Any, **plan: Any) -> None:
        self.log: list[Page] = []
        super().__init__(*args, **plan)

    def _decide(self, event: Event) -> list[Effect]:
        now = self.now
        effects = super()._decide(event)
        self.log.append((Happened(event, now), written(self.state, effects)))
        return effects

    def _begin(self, agents: Iterable[Agent], tasks: Iterable[Task]) -> None:
        begun = Begun(
            policy=self.state.policy,
            coord=self.state.coord,
            term=self.state.term,
            now=self.now,
            tasks=tuple(self.stored_tasks.values()),
            agents=tuple(self.stored_agents.values()),
            ledgers=tuple((*place, row) for place, row in self.stored_ledgers.items()),
            marks=tuple((*place, row) for place, row in self.stored_marks.items() if row != "null"),
        )
        before = len(self.effects)
        super()._begin(agents, tasks)
        decided = written(self.state, self.effects[before:])
        self.log.append((begun, decided))


def replay(log: list[Page]) -> State:
    """Tell *log* to a fresh core; it must decide on each page what was decided then."""
    state: State | None = None
    for number, (page, decided) in enumerate(log):
        if isinstance(page, Begun):
            state, effects = page.state()
        else:
            assert state is not None
            effects = step(state, page.event, page.now)
        assert written(state, effects) == decided, f"page {number}: {page}"
    assert state is not None
    return state
