"""Which report tells of which step of a job, and when.

``started`` waits 20 ms, because most short work has ended by then and one report with ``ran_ms``
says both. Progress is told at most once a second per job, newest words only, and never while an
earlier one is unacknowledged: what cannot be delivered must not pile up.
"""

from typing import Final

from agent_client.core.effects import Effect, SendReport
from agent_client.core.fence import Fence
from agent_client.core.job import Job, Phase
from agent_client.core.outbox import Outbox
from agent_client.core.outcomes import Declined, GaveWay, Outcome, Raised, Returned, StopWhy
from agent_client.messages import ReportDetail
from protocol.vocabulary import ReportEvent

STARTED_AFTER_MS: Final = 20
PROGRESS_EVERY_MS: Final = 1_000

_END_OF_STOP: Final = {
    StopWhy.CANCELLED: (ReportEvent.CANCELLED, None, "cancelled, as asked"),
    StopWhy.LEASE_LOST: (ReportEvent.ABANDONED, "lease_lost", "no fresh lease arrived in time"),
    StopWhy.NOT_ASSIGNED: (ReportEvent.ABANDONED, "not_assigned", "no longer assigned to me"),
    StopWhy.LEAVING: (ReportEvent.ABANDONED, "leaving", "this agent is going"),
    StopWhy.RUN_LIMIT: (ReportEvent.FAILED, "run_limit", "ran longer than run_limit_s"),
    StopWhy.PROGRESS_LIMIT: (
        ReportEvent.FAILED,
        "progress_limit",
        "made no progress for progress_limit_s",
    ),
}


class Reporter:
    """Writes reports into the outbox and asks for their sending."""

    def __init__(self, outbox: Outbox, out: list[Effect]) -> None:
        self.outbox = outbox
        self._out = out

    def say(self, fence: Fence, event: ReportEvent, detail: ReportDetail, now: int) -> SendReport:
        """Report *event*."""
        send = SendReport(self.outbox.add(fence, event, detail, now))
        self._out.append(send)
        return send

    def started(self, job: Job, now: int) -> None:
        """Report that *job* has started, if that was not said yet."""
        if not job.started_reported and job.started_ms is not None:
            job.started_reported = True
            self.say(job.fence, ReportEvent.STARTED, ReportDetail(), now)

    def started_due(self, job: Job) -> int | None:
        """When to look whether *job* has started, or to say that it has."""
        if job.phase is Phase.STARTING and job.leave_given_ms is not None:
            return job.leave_given_ms + STARTED_AFTER_MS
        if job.started_ms is not None and not job.started_reported:
            return job.started_ms + STARTED_AFTER_MS
        return None

    def progress_due(self, job: Job) -> int | None:
        """When to report the progress of *job* that was not reported yet."""
        if not job.progress_waits or not job.executes:
            return None
        if job.progress_report is not None and self.outbox.holds(job.progress_report):
            return None
        return 0 if job.progress_sent_ms is None else job.progress_sent_ms + PROGRESS_EVERY_MS

    def progress(self, job: Job, now: int) -> None:
        """Report the newest progress of *job* if that is due."""
        due = self.progress_due(job)
        if due is None or (job.progress_sent_ms is not None and now < due):
            return
        self.started(job, now)
        detail = ReportDetail(pct=job.pct, step=job.step, eta_s=job.eta_s)
        job.progress_report = self.say(job.fence, ReportEvent.PROGRESS, detail, now).report
        job.progress_waits, job.progress_sent_ms = False, now

    def ended(self, job: Job, outcome: Outcome, now: int) -> None:
        """Report how *job* has ended; the truth about finished work beats why it should stop."""
        ran_ms = job.ran_ms(now)
        match outcome:
            case Returned(result):
                event, detail = ReportEvent.SUCCEEDED, ReportDetail(result=result, ran_ms=ran_ms)
            case Raised(code, message, retryable, retry_after_s) if job.stop_why is None:
                event, detail = (
                    ReportEvent.FAILED,
                    ReportDetail(
                        code=code,
                        message=message,
                        retryable=retryable,
                        retry_after_s=retry_after_s,
                        ran_ms=ran_ms,
                    ),
                )
            case Declined(code, message, retryable, retry_after_s) if job.stop_why is None:
                self.rejected(job.fence, outcome, now)
                return
            case Raised(message=said) | Declined(message=said) | GaveWay(message=said):
                event, reason, usual = _END_OF_STOP[job.stop_why or StopWhy.LEASE_LOST]
                detail = ReportDetail(
                    code=reason,
                    message=said or usual,
                    retryable=True if event is ReportEvent.FAILED else None,
                    ran_ms=ran_ms,
                )
        self.say(job.fence, event, detail, now)

    def rejected(self, fence: Fence, why: Declined, now: int) -> None:
        """Report that *fence* is not wanted here."""
        detail = ReportDetail(
            code=why.code,
            message=why.message,
            retryable=why.retryable,
            retry_after_s=why.retry_after_s,
        )
        self.say(fence, ReportEvent.REJECTED, detail, now)
