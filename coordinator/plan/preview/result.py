"""What a preview has to say: what would run when, what would wait for what, and what never runs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Run:
    """One task that starts within the horizon, the first time that it does."""

    task: str
    name: str
    mode: str
    agent: str
    starts_ms: int
    ends_ms: int
    """As expected; it may lie beyond the horizon."""
    waited_ms: int
    waits: tuple[tuple[str, int], ...]
    """Reason to the time spent for it, longest first."""
    basis: str
    """By what its duration is known."""


@dataclass(frozen=True, slots=True)
class NeverRuns:
    """One task that does not start within the horizon, and why."""

    task: str
    name: str
    mode: str
    code: str
    text: str
    waits: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """One reason for which tasks wait: how many ever do, and for how long in all."""

    code: str
    tasks: int
    total_ms: int
    longest_ms: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """Runs of a schedule that are left out, and why."""

    schedule: str
    reason: str
    count: int
    first_ms: int


@dataclass(frozen=True, slots=True)
class LimitUse:
    """How far a limit or a cap is used at most, and for how long nothing more may pass."""

    key: str
    limit: int
    peak: int
    full_ms: int


@dataclass(frozen=True, slots=True)
class Preview:
    """A look ahead from ``from_ms`` to ``until_ms``."""

    from_ms: int
    until_ms: int
    zone: str
    assumptions: tuple[str, ...]
    runs: tuple[Run, ...]
    waiting: tuple[Waiting, ...]
    never: tuple[NeverRuns, ...]
    skipped: tuple[Skipped, ...]
    limits: tuple[LimitUse, ...]
    began_running: int = 0
    """Tasks that ran already when the preview began."""
    runs_total: int = 0
    never_total: int = 0

    def shortened(self, most: int) -> "Preview":
        """Return the preview with at most *most* entries in each list; the totals stay."""
        return replace(
            self,
            runs=self.runs[:most],
            never=self.never[:most],
            skipped=self.skipped[:most],
            limits=self.limits[:most],
        )

    def document(self) -> dict[str, Any]:
        """Write the preview down as JSON."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Preview":
        """Read a preview back from its document."""
        return cls(
            **{
                **document,
                "assumptions": tuple(document["assumptions"]),
                "runs": tuple(Run(**_pairs(run)) for run in document["runs"]),
                "waiting": tuple(Waiting(**one) for one in document["waiting"]),
                "never": tuple(NeverRuns(**_pairs(one)) for one in document["never"]),
                "skipped": tuple(Skipped(**one) for one in document["skipped"]),
                "limits": tuple(LimitUse(**one) for one in document["limits"]),
            }
        )


def _pairs(record: dict[str, Any]) -> dict[str, Any]:
    waits: Sequence[Sequence[Any]] = record["waits"]
    return {**record, "waits": tuple((code, spent_ms) for code, spent_ms in waits)}
