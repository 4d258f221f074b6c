"""Reports that the coordinator has not acknowledged yet, in the order of their numbers.

Acknowledgement is by (boot, seq) and without gaps, so a report is never taken back once it has
a number. Reports of earlier boots may be put in beside this boot's; they keep their numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from agent_client.core.fence import Fence
from agent_client.messages import ReportDetail
from protocol.vocabulary import ReportEvent


@dataclass(frozen=True, slots=True)
class StoredReport:
    """One numbered report, as it was born."""

    boot: str
    seq: int
    fence: Fence
    event: ReportEvent
    detail: ReportDetail


class Outbox:
    """The reports of ``boot``, and of earlier boots that were left unacknowledged."""

    def __init__(self, boot: str, earlier: tuple[StoredReport, ...] = ()) -> None:
        self.boot = boot
        self.seq = 0
        self._waiting = {(report.boot, report.seq): report for report in earlier}
        self._sent_ms: dict[tuple[str, int], int] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, fence: Fence, event: ReportEvent, detail: ReportDetail, now: int) -> StoredReport:
        """Give a new report its number; the caller sends it at once."""
        self.seq += 1
        report = StoredReport(self.boot, self.seq, fence, event, detail)
        self._waiting[report.boot, report.seq] = report
        self._sent_ms[report.boot, report.seq] = now
        return report

    def acknowledge(self, acks: Mapping[str, int]) -> tuple[StoredReport, ...]:
        """Take out what is stored by the coordinator, and return it."""
        if not self._waiting:
            return ()
        done = tuple(r for r in self._waiting.values() if r.seq <= acks.get(r.boot, 0))
        for report in done:
            del self._waiting[report.boot, report.seq]
            self._sent_ms.pop((report.boot, report.seq), None)
        return done

    def to_resend(self, now: int, *, older_than_ms: int, at_most: int) -> tuple[StoredReport, ...]:
        """Choose the oldest reports that have waited long for their acknowledgement."""
        due = [
            report
            for key, report in self._waiting.items()
            if key not in self._sent_ms or now - self._sent_ms[key] >= older_than_ms
        ][:at_most]
        for report in due:
            self._sent_ms[report.boot, report.seq] = now
        return tuple(due)

    def ended(self) -> tuple[Fence, ...]:
        """Name the fences whose end is not acknowledged yet."""
        return tuple(r.fence for r in self._waiting.values() if r.event.is_terminal)

    def holds(self, report: StoredReport) -> bool:
        """Say whether *report* still waits for its acknowledgement."""
        return (report.boot, report.seq) in self._waiting
