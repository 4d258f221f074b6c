"""Tasks and their attempts.

A task is a request; an attempt is one time that it is lent to an agent, under a fence that is
higher than any before. Permits belong to the attempt: a task has one exactly while it is running
or paused on an agent.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from coordinator.core.terms import Terms
from protocol.messages import Assignment
from protocol.vocabulary import OnLeaseLost, Priority, TaskStatus, Want, Word

if TYPE_CHECKING:
    from coordinator.core.gates import CountedGate
    from coordinator.core.queue.shapes import Shape


class Phase(Word):
    """The finer state of a task."""

    SCHEDULED = "scheduled"
    """Waits for its time: its start, or the end of a retry's back-off."""
    DEPENDENT = "dependent"
    """Waits for other tasks to complete."""
    READY = "ready"
    """Waits in the queue."""
    OFFERED = "offered"
    """Assigned; the agent has not said yet that it runs."""
    RUNNING = "running"
    CANCELLING = "cancelling"
    UNKNOWN = "unknown"
    """Its agent is silent: it may run, and keeps its permits until that is impossible."""
    PAUSED_PENDING = "paused_pending"
    PAUSING = "pausing"
    PAUSED_RUNNING = "paused_running"
    ENDED = "ended"


STATUS_OF: Final = {
    Phase.SCHEDULED: TaskStatus.PENDING,
    Phase.DEPENDENT: TaskStatus.PENDING,
    Phase.READY: TaskStatus.PENDING,
    Phase.OFFERED: TaskStatus.RUNNING,
    Phase.RUNNING: TaskStatus.RUNNING,
    Phase.CANCELLING: TaskStatus.RUNNING,
    Phase.UNKNOWN: TaskStatus.RUNNING,
    Phase.PAUSING: TaskStatus.RUNNING,
    Phase.PAUSED_PENDING: TaskStatus.PAUSED,
    Phase.PAUSED_RUNNING: TaskStatus.PAUSED,
}
"""The public status of every phase but the last, whose status is how the task ended."""


@dataclass(slots=True)
class Attempt:
    """A task lent to one process of one agent.

    ``born`` is the (term, rev) of the first ``desired`` that lists it. ``expires_ms`` is monotonic
    and never moves back: until then the agent may be running the task.
    """

    fence: int
    agent: str
    boot: str
    lease_ms: int
    margin_ms: int
    born: tuple[int, int]
    offered_ms: int
    expires_ms: int
    started_ms: int | None = None
    missing: int = 0
    score: tuple[int, ...] | None = field(default=None, repr=False, compare=False)
    """How its agent was judged when it was chosen; lower is better. Not known after a restart."""
    told: Assignment | None = field(default=None, repr=False, compare=False)
    """What its agent was told of it last; the same object as long as nothing of it changes."""

    def renew(self, heard_mono_ms: int) -> None:
        """Extend the lease as of a heartbeat that was processed at *heard_mono_ms*."""
        self.expires_ms = max(self.expires_ms, heard_mono_ms + self.lease_ms + self.margin_ms)


@dataclass(slots=True)
class Task:
    """A request, from its creation to its end."""

    id: str
    name: str
    mode: str
    priority: Priority
    terms: Terms
    created_ms: int
    enqueued_ms: int
    pin: str | None = None
    args: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    client: str | None = None
    parent: str | None = None
    trace: str | None = None
    depends_on: tuple[str, ...] = ()
    not_before_ms: int | None = None
    scheduled_for_ms: int | None = None
    expires_ms: int | None = None
    phase: Phase = Phase.READY
    outcome: TaskStatus | None = None
    want: Want = Want.RUN
    fence: int = 0
    starts: int = 0
    failures: int = 0
    attempt: Attempt | None = None
    fenced_to: str | None = None
    """The agent that the newest fence was given to, held or not."""
    permits: "tuple[CountedGate, ...]" = ()
    """Where its attempt has taken a place."""
    charged: frozenset[str] = frozenset()
    """Caps that have counted this task already: a retry is not charged again."""
    excluded: frozenset[str] = frozenset()
    pct: float | None = None
    step: str | None = None
    result: Any = None
    error_code: str | None = None
    error: str | None = None
    started_ms: int | None = None
    completed_ms: int | None = None
    ran_ms: int = 0
    paused_at_ms: int | None = None
    shape: "Shape | None" = None
    """Where the task waits; ``None`` when it does not."""
    ticket: int = 0
    """Tells the task's live entry in a queue from its dead ones."""

    @property
    def status(self) -> TaskStatus:
        """The public status."""
        return self.outcome or STATUS_OF[self.phase]

    @property
    def is_over(self) -> bool:
        """Whether the task will never change again."""
        return self.outcome is not None

    @property
    def on_lease_lost(self) -> OnLeaseLost:
        """What its agent does when the lease runs out."""
        return self.terms.on_lease_lost
