"""From the mirror to what the judge of alerts is shown, and to the figures that are kept."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from coordinator.core.alerts.observation import (
    AgentSeen,
    FailedTask,
    Happening,
    Observation,
    Room,
    Waiting,
)
from coordinator.http.live.mirror import Mirror
from coordinator.shell.history.store import SeriesKey
from coordinator.shell.report import IDLE, NO_WORK
from protocol.messages import FleetEvent, Registry, Summary
from protocol.vocabulary import AgentStatus, CoordinatorState, PresenceState, TaskStatus

RESTARTS_WITHIN_MS: Final = 300_000
MOST_FAILED: Final = 10_000
MOST_METRICS: Final = 20
"""Numbers of one agent that are kept."""

Document = Mapping[str, Any]


@dataclass(slots=True)
class Observer:
    """Looks at the mirror; remembers which failures were seen, and what agents idled for."""

    mirror: Mirror
    why: Document | None = None
    """The coordinator's newest explanation of the fleet; ``None`` if it is too old."""
    store_is_readable: bool = True
    _failed: dict[str, None] | None = None
    _reasons: set[str] = field(default_factory=set)

    def observe(self, events: Iterable[FleetEvent], now_ms: int) -> Observation:
        """Say what is seen now; *events* are new lines of the fleet's story."""
        mirror, said = self.mirror, self.mirror.coordinator
        state = None
        if mirror.bus and said is not None:
            # Silence is not in its last word: one that nobody hears is not at work.
            is_silent = mirror.state == "unknown"
            state = CoordinatorState.OFFLINE if is_silent else said.state
        summary = mirror.summary
        return Observation(
            bus=mirror.bus,
            store=self.store_is_readable,
            coordinator=state,
            coordinator_reason=(said.reason or "") if said is not None else "",
            agents=tuple(self._agents()),
            waiting=None if self.why is None else tuple(_waiting(self.why)),
            limits=None if summary is None else _limits(summary),
            failed=self._new_failures(),
            happenings=tuple(happening_of(event) for event in events),
            restarts=self._restarts(now_ms),
        )

    def figures(self) -> dict[SeriesKey, float]:
        """Return the numbers to keep: of the fleet, and of every agent that is there."""
        found: dict[SeriesKey, float] = {}
        summary = self.mirror.summary
        if summary is not None:
            found |= {("", name): value for name, value in _of_fleet(summary).items()}
        if self.why is not None:
            idle = {**self.why["agents"]["not_free"], NO_WORK: self.why["agents"]["free"]}
            self._reasons |= idle.keys()
            found |= {("", IDLE + code): float(idle.get(code, 0)) for code in self._reasons}
        for name in self.mirror.agent_names():
            card, metrics = self.mirror.registry(name), self.mirror.metrics(name)
            if card is None or metrics is None or card.status is AgentStatus.OFFLINE:
                continue
            for metric, value in sorted(metrics.m.items())[:MOST_METRICS]:
                found[name, metric] = value
        return found

    def _agents(self) -> Iterable[AgentSeen]:
        for name in self.mirror.agent_names():
            card = self.mirror.registry(name)
            if card is not None:
                yield self._agent(name, card)

    def _agent(self, name: str, card: Registry) -> AgentSeen:
        is_offline = card.status is AgentStatus.OFFLINE
        presence = self.mirror.presence(name)
        lost_by_will = presence is not None and presence.state is PresenceState.LOST
        return AgentSeen(
            name=name,
            machine=card.machine_id or "",
            window=card.window_id or "",
            is_gone=is_offline and (card.suspect or lost_by_will),
            is_present=not is_offline,
            health=card.health,
            reasons=card.reasons,
            in_maintenance=card.operator is not None and card.operator.verb == "maintenance",
        )

    def _new_failures(self) -> tuple[FailedTask, ...]:
        """Return tasks that failed since the last look; what had before the first is old news."""
        is_first = self._failed is None
        known = self._failed if self._failed is not None else {}
        found = []
        for task in self.mirror.task_ids():
            if task in known:
                continue
            card = self.mirror.task(task)
            if card is None or card.status is not TaskStatus.FAILED:
                continue
            known[task] = None
            code = card.error.code if card.error is not None else ""
            found.append(FailedTask(task, card.mode, code, card.agent))
        while len(known) > MOST_FAILED:
            del known[next(iter(known))]
        self._failed = known
        return () if is_first else tuple(found)

    def _restarts(self, now_ms: int) -> dict[str, int]:
        return Counter(
            event.subject
            for event in self.mirror.events
            if event.kind == "agent_restarted"
            and event.subject is not None
            and now_ms - event.ts_ms < RESTARTS_WITHIN_MS
        )


def happening_of(event: FleetEvent) -> Happening:
    """Show the judge a line of the story."""
    return Happening(event.number, event.ts_ms, event.kind, event.subject, event.text, event.data)


def _waiting(why: Document) -> Iterable[Waiting]:
    for entry in why["blocked"]:
        oldest = entry.get("oldest") or {}
        yield Waiting(
            entry["code"],
            entry["tasks"],
            oldest.get("task", ""),
            oldest.get("since_ms"),
            entry.get("since_ms"),
        )


def _limits(summary: Summary) -> dict[str, Room]:
    return {key: Room(view.used, view.max) for key, view in summary.limits.items()}


def _of_fleet(summary: Summary) -> dict[str, float]:
    found: dict[str, float] = {
        "agents_total": summary.total_agents,
        "agents_online": summary.online_agents,
        "agents_busy": summary.busy_agents,
        "agents_healthy": summary.healthy_agents,
    }
    found |= {f"tasks_{status}": count for status, count in summary.tasks_by_status.items()}
    found |= {f"blocked:{code}": count for code, count in summary.blocked_by.items()}
    found |= {f"limit:{key}": view.used for key, view in summary.limits.items()}
    return found
