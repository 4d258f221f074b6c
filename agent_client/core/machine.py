"""Everything an agent decides, behind one door: ``step(event, now)`` returns what must be done.

The coordinator says what the agent should have; the machine makes reality match it and says what
it has. It trusts only a ``desired`` for its own boot and above the newest applied, and a grant
only for the fences it names, counted from the sending of the heartbeat that it answers.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, assert_never

from agent_client.core import events
from agent_client.core.effects import (
    Effect,
    ForgetReports,
    Leave,
    Reconnect,
    SendHeartbeat,
    SendReport,
    StatePresence,
)
from agent_client.core.fence import Fence
from agent_client.core.job import TOLD
from agent_client.core.lease_clock import LeaseClock
from agent_client.core.outbox import Outbox, StoredReport
from agent_client.core.outcomes import Declined, StopWhy
from agent_client.core.reporting import Reporter
from agent_client.core.work import Work
from agent_client.messages import Desired, Holding, Lease, Seen
from protocol.limits import MAX_HOLDINGS
from protocol.vocabulary import LEAVING, AgentMode, CoordinatorState, HoldingPhase, PresenceState

DEAF_AFTER: Final = 3
"""So many heartbeats without a lease, while the coordinator is there, mean a deaf connection."""
DEAF_IN_DOUBT_AFTER: Final = 12
"""The same while it is not known to be there: one who is deaf is not told of its return."""
EXTRA_HEARTBEAT_EVERY_MS: Final = 1_000
RESEND_AT_MOST: Final = 500
STEPS_TOLD_UP_TO: Final = 32
"""With more jobs than this, heartbeats leave out the steps: they must stay below 16 KiB."""
STOPPED_FLUSH_MS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Settings:
    """What the machine must know of its agent."""

    boot: str
    modes: Collection[str]
    slots: int = 1
    heartbeat_ms: int = 10_000
    earlier_reports: tuple[StoredReport, ...] = field(default=())


class Machine:
    """The state of one agent process, and its rules."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.seen: tuple[int, int] = (0, 0)
        self.term = 0
        self.mode = AgentMode.ACTIVE
        self._own_state = PresenceState.ONLINE
        self.connected = False
        self.gone = False
        self.leases = LeaseClock()
        self.outbox = Outbox(settings.boot, settings.earlier_reports)
        self._out: list[Effect] = []
        self._reporter = Reporter(self.outbox, self._out)
        self.work = Work(settings.modes, self.leases, self._reporter, self._out)
        self._coordinator: CoordinatorState | None = None
        self._unanswered = 0
        self._beat_due: int | None = None
        self._beat_sent: int | None = None
        self._newest_lease: int | None = None
        self._leaving: events.LeaveAsked | None = None

    # --- the one door

    def step(self, event: events.Event, now: int) -> list[Effect]:
        """Take in *event* at *now*; return what must be done, in order."""
        self._out.clear()
        before = self.presence
        self._take(event, now)
        if not self.gone:
            self._keep_time(now)
        if self.presence is not before:
            self._out.append(StatePresence())
        return list(self._out)

    def next_due(self, now: int) -> int | None:
        """When a :class:`Tick` is due if nothing else happens."""
        if self.gone:
            return None
        due = self.work.next_due(now)
        beat = self._beat_due if self.connected else None
        if beat is not None and (due is None or beat < due):
            due = beat
        if (leaving := self._leaving) is not None:
            leave = leaving.stop_at_ms if now < leaving.stop_at_ms else leaving.leave_by_ms
            due = leave if due is None else min(due, leave)
        return due

    @property
    def presence(self) -> PresenceState:
        """What the agent says of itself."""
        if self.gone:
            return PresenceState.OFFLINE
        if self._leaving is None and self.mode is AgentMode.ACTIVE:
            return self._own_state
        if self._leaving is not None or self.mode is not AgentMode.PAUSED:
            return PresenceState.DRAINING
        return PresenceState.PAUSED

    def _take(self, event: events.Event, now: int) -> None:  # noqa: C901, PLR0912 - one case per event
        match event:
            case events.Tick():
                pass
            case events.Connected():
                self.connected, self._unanswered = True, 0
                self._heartbeat(now, resend_after_ms=0)
            case events.Disconnected():
                self.connected = False
            case events.RollCalled():
                self._heartbeat(now, resend_after_ms=EXTRA_HEARTBEAT_EVERY_MS)
            case events.DesiredReceived(desired):
                self._on_desired(desired, now)
            case events.LeaseReceived(lease):
                self._on_lease(lease, now)
            case events.CoordinatorSeen(state):
                if state is not self._coordinator:
                    self._coordinator, self._unanswered = state, 0
            case events.HandlerStarted(fence, at_ms):
                self.work.started(fence, at_ms)
            case events.HandlerNotStarted(fence):
                self.work.not_started(fence, now)
            case events.HandlerProgressed(fence, pct, step, eta_s):
                self.work.progressed(fence, now, pct=pct, step=step, eta_s=eta_s)
            case events.HandlerPaused(fence):
                self.work.paused(fence, now)
            case events.HandlerResumed(fence):
                self.work.resumed(fence, now)
            case events.HandlerEnded(fence, outcome):
                self.work.ended(fence, outcome, now)
            case events.LeaveAsked():
                self._leaving = event
                self.work.drop_waiting(now)
            case events.StateAsked(state):
                self._own_state = state
            case _:
                assert_never(event)

    # --- what the coordinator says

    def _on_desired(self, desired: Desired, now: int) -> None:
        number = (desired.term, desired.rev)
        if desired.for_boot != self.settings.boot or number <= self.seen:
            return
        self.seen, self.term = number, max(self.term, desired.term)
        self._acknowledge(desired.report_ack)
        self.mode = desired.mode
        if desired.mode is AgentMode.STOP and self._leaving is None:
            grace = max((job.grace_ms for job in self.work.jobs.values()), default=0)
            self._leaving = events.LeaveAsked(now, now + grace + STOPPED_FLUSH_MS, "told to stop")
        self.work.reconcile(
            desired.tasks,
            desired.as_of,
            now,
            refusal=self._refusal(),
            all_rest=desired.mode is AgentMode.PAUSED,
        )
        # What waits for a fresher lease asks for it at once instead of at the next heartbeat.
        if self.connected and self.work.starved(now) and self._extra_heartbeat_allowed(now):
            self._heartbeat(now, resend_after_ms=EXTRA_HEARTBEAT_EVERY_MS)

    def _refusal(self) -> Declined | None:
        return None if self._leaving is None else Declined(LEAVING, "this agent is going")

    def _on_lease(self, lease: Lease, now: int) -> None:
        # An older term is a coordinator that does not know yet that it has been replaced.
        if lease.boot != self.settings.boot or lease.term < self.term:
            return
        self.term, self._unanswered = lease.term, 0
        self._newest_lease = max(self._newest_lease or 0, lease.as_of)
        self._acknowledge(lease.report_ack)
        for granted in lease.granted:
            job = self.work.jobs.get(Fence(granted.task, granted.fence))
            if job is not None:
                self.work.grant(job, lease.as_of, now)

    def _acknowledge(self, acks: dict[str, int]) -> None:
        if done := self.outbox.acknowledge(acks):
            self._out.append(ForgetReports(done))

    # --- time

    def _keep_time(self, now: int) -> None:
        self.work.tick(now)
        if self.connected and self._beat_due is not None and now >= self._beat_due:
            self._beat(now)
        leaving = self._leaving
        if leaving is None:
            return
        if now >= leaving.stop_at_ms:
            self.work.stop_all(StopWhy.LEAVING, now)
        # Without a connection, nothing that is left in the outbox can go before us anyway.
        done = not self.work.jobs and (not self.outbox or not self.connected)
        if done or now >= leaving.leave_by_ms:
            self.gone = True
            self._out.append(Leave(leaving.reason, tuple(self.work.jobs)))

    def _beat(self, now: int) -> None:
        is_there = self._coordinator is CoordinatorState.ONLINE
        if self._unanswered >= (DEAF_AFTER if is_there else DEAF_IN_DOUBT_AFTER):
            told = f"no lease for {self._unanswered} heartbeats"
            self._unanswered, self._beat_due = 0, now + self.settings.heartbeat_ms
            self._out.append(Reconnect(told))
            return
        self._unanswered += 1
        self._heartbeat(now, resend_after_ms=self.settings.heartbeat_ms // 2)

    def _extra_heartbeat_allowed(self, now: int) -> bool:
        return self._beat_sent is None or now - self._beat_sent >= EXTRA_HEARTBEAT_EVERY_MS

    def _heartbeat(self, now: int, *, resend_after_ms: int) -> None:
        if not self.connected:
            return
        self._beat_sent, self._beat_due = now, now + self.settings.heartbeat_ms
        holding = self.holding(now)
        executing = [job for job in self.work.jobs.values() if job.executes]
        self._out.append(
            SendHeartbeat(
                seq=self.leases.sent(now),
                holding=holding,
                seen=Seen(term=self.seen[0], rev=self.seen[1], lease_age_ms=self._lease_age(now)),
                mode=executing[0].assignment.mode if executing else None,
                slots_free=self._slots_free(len(self.work.jobs)),
                report_seq=self.outbox.seq,
                outbox=len(self.outbox),
            )
        )
        for report in self.outbox.to_resend(
            now, older_than_ms=resend_after_ms, at_most=RESEND_AT_MOST
        ):
            self._out.append(SendReport(report))

    def _slots_free(self, held: int) -> int:
        active = self.presence is PresenceState.ONLINE
        return max(0, self.settings.slots - held) if active else 0

    def _lease_age(self, now: int) -> int | None:
        return None if self._newest_lease is None else self.leases.age_ms(self._newest_lease, now)

    def holding(self, now: int) -> tuple[Holding, ...]:
        """List what the agent holds: from acceptance until the end is acknowledged."""
        steps = len(self.work.jobs) <= STEPS_TOLD_UP_TO
        held = [
            Holding(
                task=fence.task,
                fence=fence.number,
                phase=TOLD[job.phase],
                pct=job.pct,
                step=job.step if steps else None,
                for_ms=max(0, now - job.accepted_ms),
            )
            for fence, job in self.work.jobs.items()
        ]
        held += [
            Holding(task=fence.task, fence=fence.number, phase=HoldingPhase.REPORTING)
            for fence in self.outbox.ended()
            if fence not in self.work.jobs
        ]
        # A report on its way says by itself what the last of them would.
        return tuple(held[:MAX_HOLDINGS])
