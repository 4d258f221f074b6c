"""What may be done while nothing can be stored: answer questions, refuse the rest, and wait.

Whatever is decided must be stored before anybody is told; so without a store nothing is decided.
Requests that would change something are refused at once, with the reason. Heartbeats are dropped,
for they would be answered with leases; agents' reports and presences wait. When the store is back,
the time without it counts as time in which the coordinator stood still.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from coordinator.core.effects import SayReply
from coordinator.core.events import BusConnected, Event, Heard, PlanApplied, Submitted
from coordinator.core.instant import Instant
from coordinator.core.requests import READS, again, on_submitted
from coordinator.core.state import State
from coordinator.core.turn import Turn
from coordinator.shell.batch import Batch
from protocol.messages import Heartbeat, Metrics, Reply, Submit

UNAVAILABLE: Final = "store_unavailable"
SAFE_MODE: Final = "safe_mode"
ASK_AGAIN_S: Final = 5


@dataclass(frozen=True, slots=True)
class Outage:
    """Why nothing can be stored; with a ``command`` that repairs it, it does not pass by itself."""

    reason: str
    command: str | None = None
    unstored: frozenset[str] = frozenset()
    """Tasks that changed, and the store does not know it yet: nobody is told about them."""
    unanswered: frozenset[tuple[str, str]] = frozenset()
    """Requests, by client and id, whose answers are said once they are stored."""

    @classmethod
    def of(cls, reason: str, batch: Batch | None) -> "Outage":
        """Describe an outage in which *batch*, if any, waits to be stored."""
        if batch is None:
            return cls(reason)
        return cls(
            reason,
            unstored=frozenset(batch.tasks),
            unanswered=frozenset(
                (answer.client, answer.reply.request_id) for answer in batch.replies
            ),
        )

    @property
    def passes(self) -> bool:
        """Whether it may end without anybody doing anything to the store."""
        return self.command is None

    @property
    def code(self) -> str:
        """What programs know it by."""
        return UNAVAILABLE if self.command is None else SAFE_MODE

    @property
    def text(self) -> str:
        """What people are told."""
        if self.command is None:
            return f"{self.reason}; nothing is assigned or changed until it can"
        return (
            f"{self.reason}; nothing is assigned or changed. "
            f"To repair it, stop this coordinator and run: {self.command}"
        )

    def refusal(self, state: State, asked: Submit, now: Instant) -> Reply:
        """Answer a request that cannot be carried out now."""
        data: dict[str, Any] = (
            {"retry_after_s": ASK_AGAIN_S} if self.command is None else {"command": self.command}
        )
        return Reply(
            ts_ms=now.wall_ms,
            coord=state.coord,
            term=state.term,
            request_id=asked.request_id,
            ok=False,
            code=self.code,
            message=self.text[:1000],
            data=data,
        )


class Held(NamedTuple):
    """What came of looking through an inbox."""

    answers: list[SayReply]
    is_connected: bool
    """Whether the bus was connected anew, so that everybody must be told again."""


@dataclass(slots=True)
class _Sorting:
    state: State
    outage: Outage
    now: Instant
    answers: list[SayReply] = field(default_factory=list)

    def refuse(self, client: str, asked: Submit) -> None:
        if (client, asked.request_id) not in self.outage.unanswered:
            refusal = self.outage.refusal(self.state, asked, self.now)
            self.answers.append(SayReply(client, refusal))

    def take_request(self, event: Submitted) -> None:
        client, asked = event.client, event.request
        known = self.state.answered.get((client, asked.request_id))
        if (client, asked.request_id) in self.outage.unanswered:
            return
        if known is not None:
            self.answers.append(SayReply(client, again(self.state, self.now, asked, known)))
        elif asked.op in READS and self._may_tell(asked.task):
            turn = Turn(self.state, self.now)
            on_submitted(turn, client, asked, None)
            self.answers += [effect for effect in turn.effects if isinstance(effect, SayReply)]
        else:
            self.refuse(client, asked)

    def _may_tell(self, task: str | None) -> bool:
        """Say whether what is known of *task* is all there is, and stored."""
        return task is None or (task in self.state.tasks and task not in self.outage.unstored)


def hold(state: State, inbox: deque[Event], outage: Outage, now: Instant) -> Held:
    """Take out of *inbox* what must not wait; what stays is decided when the store is back."""
    sorting = _Sorting(state, outage, now)
    is_connected = False
    for event in [inbox.popleft() for _ in range(len(inbox))]:
        match event:
            case Submitted():
                sorting.take_request(event)
            case PlanApplied(source=source) if source is not None:
                sorting.refuse(source.client, source.request)
            case Heard(Heartbeat() | Metrics()):
                state.dropped[outage.code] += 1
            case BusConnected():
                is_connected = True
            case _ if outage.passes:
                inbox.append(event)
            case _:
                state.dropped[outage.code] += 1
    return Held(sorting.answers, is_connected)
