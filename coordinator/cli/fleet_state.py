"""The fleet as a watcher knows it: what the topics said last. Pure; a message in, a picture kept.

A watcher believes the newest message of each topic and forgets what an empty one clears. What it
cannot read it counts, because a watcher is often somebody looking for just that.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from protocol import codec
from protocol.errors import WireError
from protocol.messages import (
    CoordinatorPresence,
    FleetEvent,
    HostActual,
    HostMetrics,
    HostPresence,
    Message,
    Presence,
    Registry,
    Summary,
    TaskView,
)
from protocol.topics import Topics

FILTERS: Final = (
    "coordinator/presence",
    "coordinator/summary",
    "registry/+",
    "agents/+/presence",
    "tasks/+",
    "hosts/+/presence",
    "hosts/+/actual",
    "hosts/+/metrics",
    "events",
)
MAX_EVENTS: Final = 50


@dataclass(slots=True)
class FleetState:
    """What is known of the fleet under one root."""

    topics: Topics
    coordinator: CoordinatorPresence | None = None
    summary: Summary | None = None
    agents: dict[str, Registry] = field(default_factory=dict)
    presences: dict[str, Presence] = field(default_factory=dict)
    tasks: dict[str, TaskView] = field(default_factory=dict)
    hosts: dict[str, HostPresence] = field(default_factory=dict)
    actual: dict[str, HostActual] = field(default_factory=dict)
    machines: dict[str, HostMetrics] = field(default_factory=dict)
    events: list[FleetEvent] = field(default_factory=list)
    unreadable: int = 0

    @property
    def filters(self) -> list[str]:
        """What to subscribe to for :meth:`apply`."""
        return [self.topics.under(pattern) for pattern in FILTERS]

    def apply(self, topic: str, payload: bytes) -> None:
        """Take in one message."""
        if not payload:
            self._forget(topic)
            return
        try:
            message = codec.decode_from(self.topics.parse(topic), payload)
        except WireError:
            self.unreadable += 1
            return
        self._keep(message)

    def apply_all(self, messages: Mapping[str, bytes]) -> None:
        """Take in a snapshot."""
        for topic, payload in messages.items():
            self.apply(topic, payload)

    def _keep(self, message: Message) -> None:
        match message:
            case CoordinatorPresence():
                self.coordinator = message
            case Summary():
                self.summary = message
            case Registry():
                self.agents[message.agent] = message
            case Presence():
                self.presences[message.agent] = message
            case TaskView():
                self.tasks[message.task] = message
            case HostPresence():
                self.hosts[message.host] = message
            case HostActual():
                self.actual[message.host] = message
            case HostMetrics():
                self.machines[message.host] = message
            case FleetEvent():
                self.events = [*self.events, message][-MAX_EVENTS:]
            case _:
                pass

    def _forget(self, topic: str) -> None:
        name = topic.rsplit("/", 1)[-1]
        if topic == self.topics.task(name):
            self.tasks.pop(name, None)
        elif topic == self.topics.registry(name):
            self.agents.pop(name, None)


def merged_tasks(
    stored: Iterable[Mapping[str, Any]], shown: Mapping[str, TaskView]
) -> list[dict[str, Any]]:
    """Put together what the store answered and what the topics show; the topics are newer."""
    tasks = {str(task["task"]): dict(task) for task in stored if "task" in task}
    for name, view in shown.items():
        tasks[name] = view.model_dump(mode="json", exclude_none=True)
    return sorted(tasks.values(), key=lambda task: (task.get("created_ms") or 0, task["task"]))
