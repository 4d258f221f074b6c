"""Effects as MQTT messages: topic, payload, QoS and retain flag of everything that is said.

What is said for every heartbeat and every task is written without building its model first; the
tests read it back through the model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import orjson

from coordinator.core.agents import DesiredState
from coordinator.core.effects import LogEvent, SayLease
from coordinator.core.hosts.model import HostedList
from coordinator.core.instant import Instant
from coordinator.core.state import State
from coordinator.core.views import registry_view, summary_view, task_view
from protocol.codec import encode
from protocol.limits import PROTOCOL_VERSION
from protocol.messages import (
    CoordinatorPresence,
    FleetEvent,
    HostDesired,
    Reply,
    RollCall,
)
from protocol.topics import AgentChannel, CoordinatorChannel, HostChannel, InboxChannel, Topics
from protocol.vocabulary import CoordinatorState

ROLLCALL_JITTER_MS: Final = 500
VIEW_QOS: Final = 0
"""Of cards that people read: the newest counts, all are stated anew after every connection, and an
acknowledgement for each would cost as much as the message."""


class Said(NamedTuple):
    """One message to publish."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = True


@dataclass(frozen=True, slots=True)
class Speaker:
    """Renders what one coordinator says in one term."""

    topics: Topics
    coord: str
    term: int

    def presence(
        self, state: CoordinatorState, now: Instant, settles_in_s: float | None = None
    ) -> Said:
        """Render the coordinator's own presence; with state offline it is also the will."""
        message = CoordinatorPresence(
            ts_ms=now.wall_ms,
            coord=self.coord,
            term=self.term,
            state=state,
            settles_in_s=settles_in_s,
        )
        return Said(self.topics.coordinator(CoordinatorChannel.PRESENCE), encode(message))

    def safe_presence(self, reason: str, now: Instant) -> Said:
        """Render the presence of a coordinator that cannot store anything, and says why."""
        message = CoordinatorPresence(
            ts_ms=now.wall_ms,
            coord=self.coord,
            term=self.term,
            state=CoordinatorState.SAFE,
            reason=reason[:1000],
        )
        return Said(self.topics.coordinator(CoordinatorChannel.PRESENCE), encode(message))

    def rollcall(self, now: Instant) -> Said:
        """Render the request that everyone state itself."""
        message = RollCall(
            ts_ms=now.wall_ms, coord=self.coord, term=self.term, jitter_ms=ROLLCALL_JITTER_MS
        )
        topic = self.topics.coordinator(CoordinatorChannel.ROLLCALL)
        return Said(topic, encode(message), retain=False)

    def desired(self, desired: DesiredState, tasks: Sequence[bytes], now: Instant) -> Said:
        """Render a :class:`~protocol.messages.Desired`; *tasks* are its assignments, encoded."""
        payload = orjson.dumps(
            {
                **self._envelope(now),
                "rev": desired.rev,
                "for_boot": desired.boot,
                "as_of": desired.as_of,
                "mode": desired.mode.value,
                "report_ack": desired.report_ack,
                "tasks": [orjson.Fragment(task) for task in tasks],
            }
        )
        return Said(self.topics.inbox(desired.agent, InboxChannel.DESIRED), payload)

    def host_desired(self, desired: HostedList, now: Instant) -> Said:
        """Render what a host should run."""
        message = HostDesired.model_construct(
            ts_ms=now.wall_ms,
            coord=self.coord,
            term=self.term,
            rev=desired.rev,
            for_boot=desired.boot,
            agents=desired.agents,
        )
        return Said(self.topics.host(desired.host, HostChannel.DESIRED), encode(message))

    def lease(self, lease: SayLease, now: Instant) -> Said:
        """Render a :class:`~protocol.messages.Lease`, the answer to a heartbeat."""
        payload = orjson.dumps(
            {
                **self._envelope(now),
                "boot": lease.boot,
                "as_of": lease.as_of,
                "rev": lease.rev,
                "granted": [{"task": task, "fence": fence} for task, fence in lease.granted],
                "report_ack": lease.report_ack,
            }
        )
        topic = self.topics.inbox(lease.agent, InboxChannel.LEASE)
        return Said(topic, payload, qos=0, retain=False)

    def _envelope(self, now: Instant) -> dict[str, object]:
        """Write the fields of :class:`~protocol.messages.base.FromCoordinator`."""
        return {
            "v": PROTOCOL_VERSION,
            "ts_ms": now.wall_ms,
            "coord": self.coord,
            "term": self.term,
        }

    def reply(self, client: str, reply: Reply) -> Said:
        """Render the answer to a client."""
        return Said(self.topics.replies(client), encode(reply), retain=False)

    def agent(self, state: State, name: str, now: Instant) -> Said:
        """Render the card of an agent."""
        view = registry_view(state, state.agents[name], now)
        return Said(self.topics.registry(name), encode(view), qos=VIEW_QOS)

    def task(self, state: State, task_id: str, now: Instant) -> Said:
        """Render the card of a task, or clear it when the task is not known any more."""
        task = state.tasks.get(task_id)
        if task is None:
            return self.no_task(task_id)
        return Said(self.topics.task(task_id), encode(task_view(state, task, now)), qos=VIEW_QOS)

    def no_task(self, task_id: str) -> Said:
        """Clear the card of a task."""
        return Said(self.topics.task(task_id), b"")

    def no_agent(self, name: str) -> list[Said]:
        """Clear everything retained of an agent: its presence first, or its will is believed."""
        channels = (
            AgentChannel.PRESENCE,
            AgentChannel.INFO,
            AgentChannel.HEARTBEAT,
            AgentChannel.METRICS,
        )
        cleared = [Said(self.topics.agent(name, channel), b"") for channel in channels]
        cleared.append(Said(self.topics.inbox(name, InboxChannel.DESIRED), b""))
        return [*cleared, self.no_card(name)]

    def no_card(self, name: str) -> Said:
        """Clear the card of an agent."""
        return Said(self.topics.registry(name), b"")

    def summary(self, state: State, now: Instant) -> Said:
        """Render the fleet in numbers."""
        topic = self.topics.coordinator(CoordinatorChannel.SUMMARY)
        return Said(topic, encode(summary_view(state, now)), qos=0)

    def event(self, number: int, event: LogEvent, now: Instant) -> Said:
        """Render one line of the fleet's story."""
        message = FleetEvent(
            ts_ms=now.wall_ms,
            coord=self.coord,
            term=self.term,
            number=number,
            kind=event.kind,
            subject=event.subject,
            text=event.text[:1024],
            data=event.data,
        )
        return Said(self.topics.events, encode(message), retain=False)
