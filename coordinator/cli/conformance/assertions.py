"""What a conforming agent does, as numbered sentences; ``docs/protocol.md`` gives the reasons.

The numbers never change: a retired assertion leaves a gap.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Verdict(StrEnum):
    """What came of one assertion."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CLAIMED = "not_claimed"
    """It is about a feature that the agent does not say it has."""
    NOT_REACHED = "not_reached"
    """Something before it went wrong."""


GROUPS: Final = {
    "PRES": "presence, boots and connections",
    "BEAT": "heartbeats",
    "WORK": "assignments, fences and leases",
    "REPT": "reports",
    "BAD": "bad input",
    "END": "leaving",
}

ASSERTIONS: Final = {
    "PRES-1": "the first presence is retained, says `online` and is valid",
    "PRES-2": "info is retained, valid, and names what the agent can do",
    "PRES-3": "a broken connection makes the broker say `lost`, of this boot and this connection",
    "PRES-4": "a new connection has a higher `conn` and states presence, info and heartbeat anew",
    "PRES-5": "a presence of its own boot that it did not say last is corrected within 5 s",
    "PRES-6": "an older boot on its presence topic is overruled, never obeyed",
    "PRES-7": "a higher epoch of another boot ends the process with an error, and silence",
    "PRES-8": "every process has a boot of its own",
    "PRES-9": "a new process takes an epoch above the retained ones, even those of the future",
    "BEAT-1": "heartbeats are retained, valid, and their `seq` grows within a boot",
    "BEAT-2": "they come at the interval that they name",
    "BEAT-3": "`holding` lists a task from its acceptance",
    "BEAT-4": "`holding` lists an ended task until its end is acknowledged, and no longer",
    "BEAT-5": "`seen` is the newest `desired` that was applied",
    "BEAT-6": "a roll call is answered with presence and heartbeat",
    "WORK-1": "an assignment granted as of a fresh heartbeat starts at once and brings its result",
    "WORK-2": "a `desired` for another boot is not obeyed",
    "WORK-3": "an assignment whose grant has run out does not start",
    "WORK-4": "it starts when a fresh lease names it",
    "WORK-5": "a `desired` that is not above the newest applied is not obeyed",
    "WORK-6": "a fence not above the highest seen of its task never starts",
    "WORK-7": "a higher fence of the same task starts",
    "WORK-8": "a held task that is not listed any more is stopped",
    "WORK-9": "`want: cancel` ends the task as `cancelled` within its grace",
    "WORK-10": "without a lease, work has stopped before its deadline and is `abandoned`",
    "WORK-11": "a lease renews only what it names",
    "WORK-12": "`want: pause` rests the task, `want: run` lets it go on",
    "REPT-1": "reports are valid and numbered from 1 without a gap",
    "REPT-2": "an unacknowledged report is sent again as it was",
    "REPT-3": "an acknowledged report is not sent again",
    "REPT-4": "work that fails is reported with its code",
    "REPT-5": "a task of a mode that the agent does not know is `rejected`",
    "BAD-1": "what cannot be read is dropped, and harms nothing",
    "BAD-2": "fields that are not known are ignored",
    "BAD-3": "an illegal value in a known field drops the whole message",
    "END-1": "`mode: drain` is stated as presence `draining`, and work goes on",
    "END-2": "`mode: stop` ends the process with status 0, after `offline`",
    "END-3": "SIGTERM ends the process with status 0, after `offline`",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One assertion, judged."""

    id: str
    verdict: Verdict
    seen: str

    @property
    def expected(self) -> str:
        """What should have been."""
        return ASSERTIONS[self.id]

    @property
    def is_good(self) -> bool:
        """Whether nothing speaks against the agent here."""
        return self.verdict in {Verdict.PASSED, Verdict.NOT_CLAIMED}


@dataclass(slots=True)
class Judge:
    """Collects verdicts; of several on one assertion, the worst counts."""

    findings: dict[str, Finding] = field(default_factory=dict)

    def check(self, number: str, ok: object, seen: object) -> bool:
        """Judge assertion *number*; *seen* tells what was seen. Return whether it holds."""
        holds = bool(ok)
        before = self.findings.get(number)
        if before is None or (before.verdict is Verdict.PASSED and not holds):
            verdict = Verdict.PASSED if holds else Verdict.FAILED
            self.findings[number] = Finding(number, verdict, str(seen))
        return holds

    def not_claimed(self, number: str, why: str) -> None:
        """Leave *number* out: the agent does not say that it can."""
        self.findings[number] = Finding(number, Verdict.NOT_CLAIMED, why)

    def report(self) -> list[Finding]:
        """Return a finding for every assertion, in order."""
        unreached = "an assertion before it failed"
        return [
            self.findings.get(number, Finding(number, Verdict.NOT_REACHED, unreached))
            for number in ASSERTIONS
        ]
