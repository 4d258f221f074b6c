"""What agents noted of what they really did, and what must be true of it.

The notes are the agents' own, on the clock that all processes of a machine share; nothing here is
what anybody said on the bus.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Run:
    """One execution as the agent itself noted it, on the machine's clock; no end: it was cut."""

    task: str
    fence: int
    agent: str
    mode: str
    begin: float
    end: float | None


def read_runs(record: Path) -> list[Run]:
    """Read what the agents noted, in the order of the beginnings."""
    begun: dict[tuple[str, int], dict[str, Any]] = {}
    ends: dict[tuple[str, int], float] = {}
    for line in record.read_text().splitlines():
        note = json.loads(line)
        fence = (note["task"], note["fence"])
        if note["event"] == "begin":
            assert fence not in begun, f"{fence} began twice"
            begun[fence] = note
        else:
            ends[fence] = note["t"]
    runs = [
        Run(task, fence, note["agent"], note["mode"], note["t"], ends.get((task, fence)))
        for (task, fence), note in begun.items()
    ]
    return sorted(runs, key=attrgetter("begin"))


def runs_by_task(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """Sort *runs* by their tasks."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(run.task, []).append(run)
    return found


def overlaps(runs: Iterable[Run]) -> Iterator[str]:
    """Name every two runs of one task, all ended, of which one began before the other had ended."""
    for task, own in runs_by_task(runs).items():
        for former, later in itertools.pairwise(sorted(own, key=attrgetter("begin"))):
            if former.end is None or former.end >= later.begin or later.fence <= former.fence:
                yield f"{task}: {former} and {later}"


def most_at_once(runs: Sequence[Run]) -> int:
    """Count how many of *runs*, all ended, there were at the fullest instant."""
    edges = sorted(
        edge for run in runs if run.end is not None for edge in ((run.begin, 1), (run.end, -1))
    )
    most = now = 0
    for _, change in edges:
        now += change
        most = max(most, now)
    return most
