"""What both sides say, built without the wire: messages as objects instead of bytes.

The real codec is used on a sample, in the bus; rendering each of a million messages to bytes and
back would make an hour of the fleet cost five times as much.
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Generic, TypeVar, cast

from pydantic import BaseModel

from coordinator.core.agents import DesiredState
from coordinator.core.effects import LogEvent, SayLease
from coordinator.core.hosts.model import HostedList
from coordinator.core.instant import Instant
from coordinator.core.state import State
from coordinator.core.views import agent_counts, registry_view
from coordinator.shell.outgoing import Said, Speaker
from protocol.limits import PROTOCOL_VERSION
from protocol.messages import (
    CoordinatorPresence,
    Desired,
    Granted,
    Lease,
    Message,
    Reply,
    RollCall,
    Summary,
)
from protocol.vocabulary import CoordinatorState

M = TypeVar("M", bound=Message)
_NO_FIELDS: set[str] = set()
_new = object.__new__
_set_fields = BaseModel.__dict__["__dict__"].__set__
_set_fields_set = BaseModel.__dict__["__pydantic_fields_set__"].__set__


def make(kind: type[M], fields: dict[str, Any]) -> M:
    """Build a message of *kind* from all of its *fields*, unchecked.

    It can be read and encoded, and not be compared or copied: what pydantic asks for that is left
    out, because three million of these are made in the hours of a test.
    """
    message = _new(kind)
    _set_fields(message, fields)
    _set_fields_set(message, _NO_FIELDS)
    return message


class SaidAs(Generic[M]):
    """Builds messages of one kind from the agent's own class, which has the same fields."""

    def __init__(self, kind: type[M]) -> None:
        self._kind = kind
        self._names = tuple(kind.model_fields)
        self._values_of = attrgetter(*self._names)

    def __call__(self, said: object) -> M:
        """Build the message that says *said*."""
        return make(self._kind, dict(zip(self._names, self._values_of(said), strict=True)))


def as_heard(message: Message) -> Any:
    """Hand a message to an agent, whose own classes have the same fields and no more."""
    return message


class PlainSpeaker(Speaker):
    """Says messages as they are; of what people read only cards of agents and their number."""

    def presence(
        self, state: CoordinatorState, now: Instant, settles_in_s: float | None = None
    ) -> Said:
        return self._said(
            "coordinator/presence",
            CoordinatorPresence(
                ts_ms=now.wall_ms,
                coord=self.coord,
                term=self.term,
                state=state,
                settles_in_s=settles_in_s,
            ),
        )

    def rollcall(self, now: Instant) -> Said:
        said = RollCall(ts_ms=now.wall_ms, coord=self.coord, term=self.term, jitter_ms=500)
        return self._said("coordinator/rollcall", said, retain=False)

    def desired(self, desired: DesiredState, tasks: Sequence[bytes], now: Instant) -> Said:
        said = make(
            Desired,
            {
                "v": PROTOCOL_VERSION,
                "ts_ms": now.wall_ms,
                "coord": self.coord,
                "term": self.term,
                "rev": desired.rev,
                "for_boot": desired.boot,
                "as_of": desired.as_of,
                "mode": desired.mode,
                "report_ack": desired.report_ack,
                "tasks": desired.tasks,
            },
        )
        return self._said(f"inbox/{desired.agent}/desired", said)

    def host_desired(self, desired: HostedList, now: Instant) -> Said:
        return Said("", b"")

    def lease(self, lease: SayLease, now: Instant) -> Said:
        granted = [make(Granted, {"task": task, "fence": fence}) for task, fence in lease.granted]
        said = make(
            Lease,
            {
                "v": PROTOCOL_VERSION,
                "ts_ms": now.wall_ms,
                "coord": self.coord,
                "term": self.term,
                "boot": lease.boot,
                "as_of": lease.as_of,
                "rev": lease.rev,
                "granted": tuple(granted),
                "report_ack": lease.report_ack,
            },
        )
        return self._said(f"inbox/{lease.agent}/lease", said, retain=False)

    def reply(self, client: str, reply: Reply) -> Said:
        return self._said(f"replies/{client}", reply, retain=False)

    def agent(self, state: State, name: str, now: Instant) -> Said:
        return self._said(f"registry/{name}", registry_view(state, state.agents[name], now))

    def task(self, state: State, task_id: str, now: Instant) -> Said:
        return Said("", b"")

    def no_task(self, task_id: str) -> Said:
        return Said("", b"")

    def no_agent(self, name: str) -> list[Said]:
        prefix = f"{self.topics.root}/v1/"
        cleared = super().no_agent(name)
        return [said._replace(topic=said.topic.removeprefix(prefix)) for said in cleared]

    def no_card(self, name: str) -> Said:
        return Said(f"registry/{name}", b"")

    def summary(self, state: State, now: Instant) -> Said:
        return self._said("coordinator/summary", make(Summary, agent_counts(state)))

    def event(self, number: int, event: LogEvent, now: Instant) -> Said:
        return Said("", b"")

    def _said(self, topic: str, message: Message, *, retain: bool = True) -> Said:
        # The writer hands payloads on without looking at them.
        return Said(topic, cast("bytes", message), retain=retain)
