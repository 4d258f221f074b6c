"""The cards that people read: of agents, of tasks, and of the fleet in numbers.

A card is a level: only the newest counts. So changes gather, and what is said is the state as it
was last stored, at most every 50 ms (the numbers: every second). Two things wait for nothing: that
somebody may be dead, and that a task is over, for somebody may wait for its result.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from coordinator.core.agents import Agent
from coordinator.core.instant import Instant
from coordinator.core.state import State
from coordinator.shell.batch import Batch
from coordinator.shell.home_assistant import Devices
from coordinator.shell.outgoing import Said, Speaker

CARDS_EVERY_MS: Final = 50
SUMMARY_EVERY_MS: Final = 1_000


@dataclass(slots=True)
class Cards:
    """What has changed and was not shown yet."""

    state: State
    speaker: Speaker
    devices: Devices | None = None
    """Set where Home Assistant is to know the agents."""
    _agents: dict[str, None] = field(default_factory=dict)
    _tasks: dict[str, bool] = field(default_factory=dict)
    """Task to whether it is to be seen."""
    _doubted: set[str] = field(default_factory=set)
    """The agents whose last card says, or is about to say, that they are suspect."""
    _urgent: list[str] = field(default_factory=list)
    """Those of which no card has said so yet."""
    _over: list[str] = field(default_factory=list)
    """The tasks that have ended since cards were last shown."""
    _shown_at_ms: int = 0
    _summary_at_ms: int = 0
    _summary_due: bool = True
    _dropped_before: int = 0

    def add(self, batch: Batch) -> None:
        """Note what *batch*, which is stored, has changed."""
        for name in batch.shown_agents:
            self._agents[name] = None
            agent = self.state.agents.get(name)
            if agent is None or not agent.suspect:
                self._doubted.discard(name)
            elif name not in self._doubted:
                self._doubted.add(name)
                self._urgent.append(name)
        for task_id, visible in batch.shown_tasks.items():
            self._tasks[task_id] = visible
            task = self.state.tasks.get(task_id) if visible else None
            if task is not None and task.is_over:
                self._over.append(task_id)
        if batch.shown_agents or batch.cleared_agents or batch.tasks:
            self._summary_due = True

    def add_all(self) -> None:
        """Note that everything has to be shown anew: the broker may have forgotten it."""
        for agent in self.state.agents.values():
            if not agent.is_forgotten:
                self._agents[agent.name] = None
        if self.devices is not None:
            self.devices.tell_again()
        for task in self.state.tasks.values():
            if task.attempt is not None or task.id in self.state.shown_ended:
                self._tasks[task.id] = True
        self._summary_due = True

    def due_in_ms(self, now: Instant) -> int | None:
        """Say how long until something is to be shown; ``None`` if nothing has changed."""
        if self._agents or self._tasks:  # sooner than the summary, whenever that is due
            return max(0, self._shown_at_ms + CARDS_EVERY_MS - now.mono_ms)
        if self._summary_due:
            return max(0, self._summary_at_ms + SUMMARY_EVERY_MS - now.mono_ms)
        return None

    def show(self, now: Instant, publish: Callable[[Said], None], *, final: bool = False) -> None:
        """Show what it is time for; *final* is for the last words of a coordinator."""
        for name in self._urgent:
            if name in self._agents:
                del self._agents[name]
                self._show_agent(name, now, publish)
        self._urgent.clear()
        for task in self._over:
            if self._tasks.pop(task, False):
                publish(self.speaker.task(self.state, task, now))
        self._over.clear()
        if (self._agents or self._tasks) and (
            final or now.mono_ms - self._shown_at_ms >= CARDS_EVERY_MS
        ):
            self._shown_at_ms = now.mono_ms
            for name in self._agents:
                self._show_agent(name, now, publish)
            for task, visible in self._tasks.items():
                speaker = self.speaker
                publish(speaker.task(self.state, task, now) if visible else speaker.no_task(task))
            self._agents.clear()
            self._tasks.clear()
        if (dropped := self.state.dropped.total()) != self._dropped_before:
            self._summary_due, self._dropped_before = True, dropped
        if self._summary_due and (final or now.mono_ms - self._summary_at_ms >= SUMMARY_EVERY_MS):
            self._summary_at_ms, self._summary_due = now.mono_ms, False
            publish(self.speaker.summary(self.state, now))

    def clear(self, name: str, publish: Callable[[Said], None]) -> None:
        """Show nothing of an agent any more: its presence goes first, or its will is believed."""
        self._doubted.discard(name)
        self._agents.pop(name, None)
        for said in self.speaker.no_agent(name):
            publish(said)
        for said in self.devices.clear(name) if self.devices is not None else ():
            publish(said)

    def _show_agent(self, name: str, now: Instant, publish: Callable[[Said], None]) -> None:
        agent = self.state.agents.get(name)
        if agent is None:
            return
        publish(self.speaker.agent(self.state, name, now))
        if agent.is_forgotten:
            publish(self.speaker.no_card(name))  # only a process of its name was to hear it
        else:
            self._tell_device(agent, publish)

    def _tell_device(self, agent: Agent, publish: Callable[[Said], None]) -> None:
        for said in self.devices.tell(agent) if self.devices is not None else ():
            publish(said)
