"""What must be done after a decision, as data: first made durable, then said.

Rows are named, not copied: the shell saves what the state says of them when it commits a batch.
What is said is fixed at the time of the decision where that matters (``desired``, leases,
replies) and rendered from the committed state where only the newest counts (views).
"""

from typing import NamedTuple, TypeAlias

from coordinator.core.agents import DesiredState
from coordinator.core.hosts.model import HostedList
from protocol.messages import Reply


class SaveTask(NamedTuple):
    """The row of a task changed."""

    task: str


class SaveAgent(NamedTuple):
    """The row of an agent changed."""

    agent: str


class SaveLedger(NamedTuple):
    """A report was taken in; the ledger of its boot changed."""

    agent: str
    boot: str


class DropLedger(NamedTuple):
    """A boot is long gone; its ledger is given up."""

    agent: str
    boot: str


class LogAttempt(NamedTuple):
    """An attempt ended; ``outcome`` is a report's event, or lost, released."""

    task: str
    fence: int
    agent: str
    outcome: str
    offered_ms: int
    started_ms: int | None
    ended_ms: int
    ran_ms: int


class SaveReply(NamedTuple):
    """The answer to a request must be remembered with what it did."""

    client: str
    request_id: str
    reply: Reply


class SavePlan(NamedTuple):
    """A plan is in force as *version*."""

    version: int
    author: str
    comment: str
    document: bytes
    rollback_of: int | None = None


class LogEvent(NamedTuple):
    """One line of the fleet's story."""

    kind: str
    subject: str | None
    text: str
    data: dict[str, object]


class SaveMark(NamedTuple):
    """One of the small things that survive changed: what is counted, closed, held, or learnt."""

    kind: str
    key: str


class SayDesired(NamedTuple):
    """State to an agent what it should hold. Only the newest of an agent counts."""

    desired: DesiredState


class SayHostDesired(NamedTuple):
    """State to a host which agents it should run. Only the newest of a host counts."""

    desired: HostedList


class SayLease(NamedTuple):
    """Answer an agent's heartbeat, or acknowledge its reports. Only the newest counts."""

    agent: str
    boot: str
    as_of: int
    rev: int
    granted: tuple[tuple[str, int], ...]
    report_ack: dict[str, int]


class SayReply(NamedTuple):
    """Answer a client."""

    client: str
    reply: Reply


class ShowAgent(NamedTuple):
    """The public view of an agent changed."""

    agent: str


class ShowTask(NamedTuple):
    """The public view of a task changed."""

    task: str


class HideTask(NamedTuple):
    """The public view of a task is to be cleared."""

    task: str


class ClearAgent(NamedTuple):
    """Everything retained of an agent is to be cleared, its presence first."""

    agent: str


class SayState(NamedTuple):
    """The coordinator's own state changed."""


class CallRoll(NamedTuple):
    """Ask every agent to state itself."""


class RestateAll(NamedTuple):
    """The bus may have forgotten everything: state all that is retained anew."""


Effect: TypeAlias = (
    SaveTask
    | SaveAgent
    | SaveLedger
    | DropLedger
    | LogAttempt
    | SaveReply
    | SaveMark
    | SavePlan
    | LogEvent
    | SayDesired
    | SayHostDesired
    | SayLease
    | SayReply
    | ShowAgent
    | ShowTask
    | HideTask
    | ClearAgent
    | SayState
    | CallRoll
    | RestateAll
)
