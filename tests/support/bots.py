"""A bot as the core sees it: it keeps the protocol's rules for agents and does what a test says.

It has no clock and no bus. :class:`~tests.support.fleet.Fleet` asks it what it says, tells it what
was said to it, and hands in the time. What it executes is the ground truth that leases protect.
"""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from coordinator.core.agents import DesiredState
from coordinator.core.effects import SayLease
from protocol.messages import (
    Assignment,
    Heartbeat,
    Holding,
    Info,
    Metrics,
    Presence,
    Report,
    ReportDetail,
    Seen,
)
from protocol.vocabulary import HoldingPhase, PresenceState, ReportEvent, Want

Said: TypeAlias = Presence | Info | Heartbeat | Metrics | Report


@dataclass
class Job:
    """One assignment that the bot holds; it may execute until ``deadline_ms`` and no longer."""

    fence: int
    lease_ms: int
    margin_ms: int
    deadline_ms: int
    phase: HoldingPhase = HoldingPhase.ACCEPTED


@dataclass
class Bot:
    name: str
    capabilities: tuple[str, ...]
    slots: int = 1
    machine_id: str = "machine"
    features: tuple[str, ...] = ("pause", "cancel", "progress")
    heartbeat_ms: int = 10_000
    metrics: dict[str, float] = field(default_factory=lambda: {"cpu_usage": 10.0})
    starts: bool = True
    """Whether it reports at once that an assignment runs."""
    obeys: bool = True
    """Whether it pauses, resumes and cancels when it is told to."""

    boot_number: int = 0
    epoch: int = 0
    conn: int = 0
    prev_boot: str | None = None
    alive: bool = False
    frozen: bool = False
    deaf: bool = False
    mute: bool = False
    beats_at_ms: int = 0
    seq: int = 0
    said: int = 0
    report_seq: int = 0
    seen: tuple[int, int] = (0, 0)
    sent_ms: dict[int, int] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    highest: dict[str, int] = field(default_factory=dict)
    outbox: list[Report] = field(default_factory=list)

    @property
    def boot(self) -> str:
        return f"{self.name.encode().hex()[:16]:0>16}{self.boot_number:016x}"

    @property
    def hears(self) -> bool:
        return self.alive and not self.frozen and not self.deaf

    @property
    def speaks(self) -> bool:
        return self.alive and not self.frozen and not self.mute

    def start(self, now_ms: int, epoch: int, *, knows_predecessor: bool) -> None:
        """Begin as a new process; what the one before held and had not sent is gone."""
        self.prev_boot = self.boot if knows_predecessor and self.boot_number else None
        self.boot_number += 1
        self.epoch, self.conn = epoch, 1
        self.alive, self.frozen, self.deaf, self.mute = True, False, False, False
        self.seq = self.said = self.report_seq = 0
        self.seen = (0, 0)
        self.sent_ms.clear()
        self.jobs.clear()
        self.highest.clear()
        self.outbox.clear()
        self.beats_at_ms = now_ms + self.heartbeat_ms

    # --- what it says

    def presence(self, state: PresenceState = PresenceState.ONLINE) -> Presence:
        return Presence(state=state, prev_boot=self.prev_boot, **self._envelope())

    def info(self) -> Info:
        return Info(
            machine_id=self.machine_id,
            window_id=self.name,
            capabilities=self.capabilities,
            slots=self.slots,
            features=self.features,
            heartbeat_s=self.heartbeat_ms / 1000,
            **self._envelope(),
        )

    def numbers(self) -> Metrics:
        return Metrics(m=self.metrics, **self._envelope())

    def heartbeat(self, now_ms: int) -> Heartbeat:
        """Say what it holds, having stopped whatever its leases do not cover any more."""
        self.stop_overdue(now_ms)
        self.seq += 1
        self.sent_ms[self.seq] = now_ms
        self.beats_at_ms = now_ms + self.heartbeat_ms
        holding = {
            (report.task, report.fence): HoldingPhase.REPORTING
            for report in self.outbox
            if report.event.is_terminal
        }
        holding |= {(task, job.fence): job.phase for task, job in self.jobs.items()}
        return Heartbeat(
            interval_s=self.heartbeat_ms / 1000,
            holding=tuple(
                Holding(task=task, fence=fence, phase=phase)
                for (task, fence), phase in holding.items()
            ),
            seen=Seen(term=self.seen[0], rev=self.seen[1]),
            **(self._envelope() | {"seq": self.seq}),
        )

    def beat(self, now_ms: int) -> list[Said]:
        """Say what it says at every interval: a heartbeat, numbers, and unacknowledged reports."""
        return [self.heartbeat(now_ms), self.numbers(), *self.outbox]

    def report(self, task: str, fence: int, event: ReportEvent, detail: ReportDetail) -> Report:
        """Write a report, which stays in the outbox until it is acknowledged."""
        self.report_seq += 1
        said = Report(
            task=task,
            fence=fence,
            event=event,
            detail=detail,
            **(self._envelope() | {"seq": self.report_seq}),
        )
        self.outbox.append(said)
        if event.is_terminal and task in self.jobs and self.jobs[task].fence == fence:
            del self.jobs[task]
        return said

    def _envelope(self) -> dict[str, Any]:
        self.said += 1
        return {
            "ts_ms": 0,
            "agent": self.name,
            "boot": self.boot,
            "epoch": self.epoch,
            "conn": self.conn,
            "seq": self.said,
        }

    # --- what it is told

    def take_lease(self, lease: SayLease) -> None:
        """Go on with what was granted, and forget the reports that are stored."""
        if lease.boot != self.boot:
            return
        self._acknowledge(lease.report_ack)
        for task, fence in lease.granted:
            job = self.jobs.get(task)
            if job is not None and job.fence == fence:
                self._grant(job, lease.as_of)

    def take_desired(self, desired: DesiredState, term: int, now_ms: int) -> list[Report]:
        """Make reality match what the coordinator wants; return what there is to report of it."""
        if desired.boot != self.boot or (term, desired.rev) <= self.seen:
            return []
        self.seen = (term, desired.rev)
        self._acknowledge(desired.report_ack)
        wanted = {assignment.task: assignment for assignment in desired.tasks}
        for task, job in list(self.jobs.items()):
            if task not in wanted or wanted[task].fence != job.fence:
                del self.jobs[task]
        reports: list[Report] = []
        for assignment in desired.tasks:
            reports += self._take_assignment(assignment, desired.as_of, now_ms)
        return reports

    def _take_assignment(self, told: Assignment, as_of: int, now_ms: int) -> list[Report]:
        job = self.jobs.get(told.task)
        if job is None:
            if told.fence <= self.highest.get(told.task, 0):
                return []  # a fence that has ended here never begins again
            lease_ms, margin_ms = int(told.lease_s * 1000), int(told.margin_s * 1000)
            job = self.jobs[told.task] = Job(told.fence, lease_ms, margin_ms, deadline_ms=now_ms)
            self.highest[told.task] = told.fence
        self._grant(job, as_of)
        match told.want:
            case Want.RUN if job.phase is HoldingPhase.ACCEPTED and self.starts:
                job.phase = HoldingPhase.RUNNING
                return [self._say(told, ReportEvent.STARTED)]
            case Want.RUN if job.phase is HoldingPhase.PAUSED and self.obeys:
                job.phase = HoldingPhase.RUNNING
                return [self._say(told, ReportEvent.RESUMED)]
            case Want.PAUSE if job.phase is not HoldingPhase.PAUSED and self.obeys:
                job.phase = HoldingPhase.PAUSED
                return [self._say(told, ReportEvent.PAUSED)]
            case Want.CANCEL if self.obeys:
                return [self._say(told, ReportEvent.CANCELLED)]
        return []

    def _say(self, told: Assignment, event: ReportEvent) -> Report:
        return self.report(told.task, told.fence, event, ReportDetail())

    def _grant(self, job: Job, as_of: int) -> None:
        sent_ms = self.sent_ms.get(as_of)
        if sent_ms is not None:
            job.deadline_ms = max(job.deadline_ms, sent_ms + job.lease_ms - job.margin_ms)

    def _acknowledge(self, acks: dict[str, int]) -> None:
        self.outbox = [said for said in self.outbox if said.seq > acks.get(said.boot, 0)]

    # --- what it does

    def stop_overdue(self, now_ms: int) -> None:
        """Give up whatever no lease covers any more, and say so."""
        for task, job in list(self.jobs.items()):
            if now_ms >= job.deadline_ms:
                self.report(task, job.fence, ReportEvent.ABANDONED, ReportDetail())

    def executes(self, now_ms: int) -> list[tuple[str, int]]:
        """List the (task, fence) that really run here; a guard ends them at their deadline."""
        if not self.alive:
            return []
        return [
            (task, job.fence)
            for task, job in self.jobs.items()
            if job.phase is HoldingPhase.RUNNING and now_ms < job.deadline_ms
        ]
