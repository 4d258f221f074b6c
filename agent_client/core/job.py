"""One assignment that the agent holds, from acceptance until its work has really ended."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from agent_client.core.fence import Fence
from agent_client.core.outbox import StoredReport
from agent_client.core.outcomes import StopWhy
from agent_client.messages import Assignment
from protocol.vocabulary import HoldingPhase, OnLeaseLost


class Phase(Enum):
    """How far an assignment is.

    From ``STARTING`` on, something may execute; only the end of the handler ends the job.
    """

    ACCEPTED = auto()
    STARTING = auto()
    RUNNING = auto()
    PAUSED = auto()
    STOPPING = auto()


TOLD: Final = {
    Phase.ACCEPTED: HoldingPhase.ACCEPTED,
    Phase.STARTING: HoldingPhase.ACCEPTED,
    Phase.RUNNING: HoldingPhase.RUNNING,
    Phase.PAUSED: HoldingPhase.PAUSED,
    Phase.STOPPING: HoldingPhase.STOPPING,
}
"""What a heartbeat calls each phase."""


@dataclass(slots=True)
class Job:
    """What the machine knows of one held assignment."""

    fence: Fence
    assignment: Assignment
    accepted_ms: int
    phase: Phase = Phase.ACCEPTED
    deadline_ms: int | None = None
    # Of the work: when leave was given, when it began, and from when its limits count (a rest
    # moves those two on).
    leave_given_ms: int | None = None
    started_ms: int | None = None
    run_from_ms: int = 0
    progress_from_ms: int = 0
    started_reported: bool = False
    # Of a rest: whether one was asked for, and since when it lasts.
    pause_asked: bool = False
    paused_ms: int | None = None
    # Of progress: the newest words, whether they still have to be reported, the last report.
    pct: float | None = None
    step: str | None = None
    eta_s: float | None = None
    progress_waits: bool = False
    progress_report: StoredReport | None = None
    progress_sent_ms: int | None = None
    # Of stopping: why, and when patience ends; None after it has been killed.
    stop_why: StopWhy | None = None
    kill_ms: int | None = None

    @property
    def executes(self) -> bool:
        """Whether something of it may be executing."""
        return self.phase is not Phase.ACCEPTED

    @property
    def grace_ms(self) -> int:
        """How long it may take to stop when asked."""
        return int(self.assignment.cancel_grace_s * 1000)

    @property
    def obeys_deadline(self) -> bool:
        """Whether it must stop when its lease runs out."""
        return self.assignment.on_lease_lost is OnLeaseLost.STOP

    def extend(self, deadline: int | None) -> bool:
        """Move the deadline; never back. Say whether it moved."""
        if deadline is None or (self.deadline_ms is not None and deadline <= self.deadline_ms):
            return False
        self.deadline_ms = deadline
        return True

    def may_start(self, now: int) -> bool:
        """Whether enough of the lease lies ahead to start, and to stop in time if need be."""
        return self.deadline_ms is not None and self.deadline_ms - self.grace_ms > now

    def stop_due(self) -> tuple[int, StopWhy] | None:
        """When it must be asked to stop if nothing changes, and why."""
        due: tuple[int, StopWhy] | None = None
        if self.deadline_ms is not None and self.obeys_deadline:
            due = self.deadline_ms - self.grace_ms, StopWhy.LEASE_LOST
        if self.started_ms is not None and self.paused_ms is None:
            if (limit := self.assignment.run_limit_s) is not None:
                at = self.run_from_ms + int(limit * 1000)
                due = due if due is not None and due[0] <= at else (at, StopWhy.RUN_LIMIT)
            if (limit := self.assignment.progress_limit_s) is not None:
                at = self.progress_from_ms + int(limit * 1000)
                due = due if due is not None and due[0] <= at else (at, StopWhy.PROGRESS_LIMIT)
        return due

    def ran_ms(self, now: int) -> int | None:
        """How long its work took until now, rests included."""
        return None if self.started_ms is None else max(0, now - self.started_ms)
