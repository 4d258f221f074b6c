"""What the agent holds, and the rules by which it starts and stops.

Work starts only under a live lease of this very process, and is asked to stop before that runs
out. A fence not above the highest seen of its task never starts; a new one starts when the old
has really ended. A deadline never moves back.
"""

from collections import OrderedDict
from collections.abc import Collection
from typing import Final

from agent_client.core.effects import (
    Effect,
    ExtendDeadline,
    KillHandler,
    PauseHandler,
    ResumeHandler,
    StartHandler,
    StopHandler,
)
from agent_client.core.fence import Fence
from agent_client.core.job import Job, Phase
from agent_client.core.lease_clock import LeaseClock
from agent_client.core.modes import ANY_MODE
from agent_client.core.outcomes import Declined, GaveWay, Outcome, StopWhy
from agent_client.core.reporting import Reporter
from agent_client.messages import Assignment, ReportDetail
from protocol.vocabulary import ReportEvent, Want

REMEMBERED_TASKS: Final = 10_000
"""A task is forgotten only long after its end was acknowledged; nothing lists it again then."""


class Work:
    """Every job of this process."""

    def __init__(
        self, modes: Collection[str], leases: LeaseClock, reporter: Reporter, out: list[Effect]
    ) -> None:
        self.jobs: dict[Fence, Job] = {}
        self._modes = frozenset(modes)
        self._leases = leases
        self._reporter = reporter
        self._out = out
        self._highest: OrderedDict[str, int] = OrderedDict()

    @property
    def remembered(self) -> frozenset[str]:
        """The tasks whose highest fence is still known."""
        return frozenset(self._highest)

    # --- what should be held

    def reconcile(
        self,
        wanted: Collection[Assignment],
        as_of: int,
        now: int,
        *,
        refusal: Declined | None,
        all_rest: bool,
    ) -> None:
        """Make the jobs match *wanted*; with a *refusal*, take nothing new."""
        listed = {Fence(a.task, a.fence) for a in wanted}
        for unlisted in [job for fence, job in self.jobs.items() if fence not in listed]:
            self.stop(unlisted, StopWhy.NOT_ASSIGNED, now)
        for assignment in wanted:
            fence = Fence(assignment.task, assignment.fence)
            held = self.jobs.get(fence)
            job = self._accept(fence, assignment, now, refusal) if held is None else held
            if job is None:
                continue
            job.assignment = assignment
            if assignment.want is Want.CANCEL:
                self.stop(job, StopWhy.CANCELLED, now)
            else:
                self._rest_or_go_on(job, rest=all_rest or assignment.want is Want.PAUSE)
                self.grant(job, as_of, now)

    def _accept(
        self, fence: Fence, assignment: Assignment, now: int, refusal: Declined | None
    ) -> Job | None:
        if fence.number <= self._highest.get(fence.task, -1):
            return None
        self._highest[fence.task] = fence.number
        self._highest.move_to_end(fence.task)
        self._forget_old_tasks()
        if refusal is None and not self._modes & {assignment.mode, ANY_MODE}:
            known = ", ".join(sorted(self._modes)) or "none"
            refusal = Declined("no_handler", f"no handler for {assignment.mode!r}; I have: {known}")
        if refusal is not None and assignment.want is not Want.CANCEL:
            self._reporter.rejected(fence, refusal, now)
            return None
        job = self.jobs[fence] = Job(fence, assignment, accepted_ms=now)
        return job

    def _forget_old_tasks(self) -> None:
        if len(self._highest) <= REMEMBERED_TASKS:
            return
        needed = {fence.task for fence in (*self.jobs, *self._reporter.outbox.ended())}
        for task in list(self._highest)[: len(self._highest) - REMEMBERED_TASKS]:
            if task not in needed:
                del self._highest[task]

    def _rest_or_go_on(self, job: Job, *, rest: bool) -> None:
        if rest == job.pause_asked:
            return
        job.pause_asked = rest
        if job.executes and job.phase is not Phase.STOPPING:
            self._out.append((PauseHandler if rest else ResumeHandler)(job.fence))

    # --- leases

    def grant(self, job: Job, as_of: int, now: int) -> None:
        """Extend the lease of *job* as of heartbeat *as_of*, and start it if it waited for that."""
        assignment = job.assignment
        deadline = self._leases.deadline(as_of, assignment.lease_s, assignment.margin_s)
        if job.extend(deadline) and job.executes and job.deadline_ms is not None:
            self._out.append(ExtendDeadline(job.fence, job.deadline_ms))
        self._try_start(job, now)

    def _try_start(self, job: Job, now: int) -> None:
        if job.phase is not Phase.ACCEPTED or job.pause_asked or not job.may_start(now):
            return
        if job.deadline_ms is None or self._blocked(job):
            return
        job.phase, job.leave_given_ms = Phase.STARTING, now
        self._out.append(StartHandler(job.fence, job.assignment, job.deadline_ms))

    def _blocked(self, job: Job) -> bool:
        return any(
            other.fence.task == job.fence.task
            for other in self.jobs.values()
            if other is not job and (other.executes or other.fence.number > job.fence.number)
        )

    def starved(self, now: int) -> bool:
        """Whether a job waits for nothing but a fresher lease."""
        return any(
            job.phase is Phase.ACCEPTED
            and not job.pause_asked
            and not job.may_start(now)
            and not self._blocked(job)
            for job in self.jobs.values()
        )

    # --- what the executing side says

    def started(self, fence: Fence, at_ms: int) -> None:
        """Note that the work of *fence* began at *at_ms*."""
        job = self.jobs.get(fence)
        if job is None or job.started_ms is not None:
            return
        job.started_ms = job.run_from_ms = job.progress_from_ms = at_ms
        if job.phase is Phase.STARTING:
            job.phase = Phase.RUNNING

    def not_started(self, fence: Fence, now: int) -> None:
        """Note that it was too late to begin: wait for a fresher lease, unless told to stop."""
        job = self.jobs.get(fence)
        if job is None:
            return
        if job.phase is Phase.STOPPING:
            self.ended(fence, GaveWay(), now)
        elif job.phase is Phase.STARTING:
            job.phase, job.leave_given_ms = Phase.ACCEPTED, None
            self._try_start(job, now)

    def progressed(
        self, fence: Fence, now: int, *, pct: float | None, step: str | None, eta_s: float | None
    ) -> None:
        """Note how far the work of *fence* is."""
        job = self.jobs.get(fence)
        if job is None or not job.executes:
            return
        job.pct = job.pct if pct is None else pct
        job.step = job.step if step is None else step
        job.eta_s, job.progress_from_ms, job.progress_waits = eta_s, now, True
        self._reporter.progress(job, now)

    def paused(self, fence: Fence, now: int) -> None:
        """Note that the work of *fence* rests."""
        job = self.jobs.get(fence)
        if job is not None and job.phase is Phase.RUNNING:
            job.phase, job.paused_ms = Phase.PAUSED, now
            self._reporter.started(job, now)
            self._reporter.say(fence, ReportEvent.PAUSED, ReportDetail(), now)

    def resumed(self, fence: Fence, now: int) -> None:
        """Note that the work of *fence* goes on; its limits do not count the rest."""
        job = self.jobs.get(fence)
        if job is not None and job.phase is Phase.PAUSED and job.paused_ms is not None:
            rest = now - job.paused_ms
            job.phase, job.paused_ms = Phase.RUNNING, None
            job.run_from_ms += rest
            job.progress_from_ms += rest
            self._reporter.say(fence, ReportEvent.RESUMED, ReportDetail(), now)

    def ended(self, fence: Fence, outcome: Outcome, now: int) -> None:
        """Report how *fence* has ended, and start what waited for that."""
        job = self.jobs.pop(fence, None)
        if job is None:
            return
        self._reporter.ended(job, outcome, now)
        for other in list(self.jobs.values()):
            if other.fence.task == fence.task:
                self._try_start(other, now)

    # --- stopping

    def stop(self, job: Job, why: StopWhy, now: int) -> None:
        """Stop *job*: at once if nothing of it executes, else ask its handler."""
        if job.phase is Phase.STOPPING:
            return
        job.stop_why = why
        if not job.executes:
            self.ended(job.fence, GaveWay(), now)
            return
        job.phase, job.kill_ms = Phase.STOPPING, now + job.grace_ms
        if job.obeys_deadline and job.deadline_ms is not None:
            job.kill_ms = min(job.kill_ms, job.deadline_ms)
        self._out.append(StopHandler(job.fence, why))

    def stop_all(self, why: StopWhy, now: int) -> None:
        """Stop everything."""
        for job in list(self.jobs.values()):
            self.stop(job, why, now)

    def drop_waiting(self, now: int) -> None:
        """Give back what has not been started."""
        for job in [job for job in self.jobs.values() if not job.executes]:
            self.stop(job, StopWhy.LEAVING, now)

    # --- time

    def tick(self, now: int) -> None:
        """Do what has come due."""
        if not self.jobs:
            return
        for job in [job for job in self.jobs.values() if job.executes]:
            self._tick(job, now)

    def _tick(self, job: Job, now: int) -> None:
        if job.phase is Phase.STOPPING:
            if job.kill_ms is not None and now >= job.kill_ms:
                job.kill_ms = None
                self._out.append(KillHandler(job.fence))
            return
        stop = job.stop_due()
        if stop is not None and now >= stop[0]:
            self.stop(job, stop[1], now)
            return
        due = self._reporter.started_due(job)
        if due is not None and now >= due:
            self._reporter.started(job, now)
        self._reporter.progress(job, now)

    def next_due(self, now: int) -> int | None:
        """When :meth:`tick` has something to do."""
        soonest: int | None = None
        for job in self.jobs.values():
            due = self._due(job, now) if job.executes else None
            if due is not None and (soonest is None or due < soonest):
                soonest = due
        return soonest

    def _due(self, job: Job, now: int) -> int | None:
        if job.phase is Phase.STOPPING:
            return job.kill_ms
        stop = job.stop_due()
        soonest = None if stop is None else stop[0]
        started = self._reporter.started_due(job)
        if started is not None:
            # A look at a start that has not happened yet is worth repeating, but not at once.
            if job.phase is Phase.STARTING and started <= now:
                started = now + 1_000
            soonest = started if soonest is None else min(soonest, started)
        progress = self._reporter.progress_due(job)
        if progress is not None:
            soonest = progress if soonest is None else min(soonest, progress)
        return soonest
