"""Delta debugging: take away what a failure does not need, halves first, single things last."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from tests.simulation.scenario import Scenario

T = TypeVar("T")
Fails = Callable[[Scenario], str | None]


def shrunk(scenario: Scenario, fails: Fails) -> Scenario:
    """Return a scenario that still fails in the same way, with less in it.

    Jobs that others depend on are kept with them; what fails by never ending is told apart from
    what fails by happening, so that taking away work does not turn one into the other.
    """
    kind = _kind(fails(scenario))

    def still(smaller: Scenario) -> bool:
        return _kind(fails(smaller)) == kind

    faults = fewer(scenario.faults, lambda kept: still(replace(scenario, faults=kept)))
    scenario = replace(scenario, faults=faults)
    forgettings = fewer(
        scenario.forgettings, lambda kept: still(replace(scenario, forgettings=kept))
    )
    scenario = replace(scenario, forgettings=forgettings)
    asks = fewer(scenario.asks, lambda kept: still(replace(scenario, asks=kept)))
    scenario = replace(scenario, asks=asks)
    needed = {name for job in scenario.jobs for name in job.depends_on}
    needed |= {ask.task for ask in scenario.asks}
    fixed = tuple(job for job in scenario.jobs if job.task in needed)
    free = tuple(job for job in scenario.jobs if job.task not in needed)
    kept = fewer(free, lambda some: still(replace(scenario, jobs=(*fixed, *some))))
    return replace(scenario, jobs=(*fixed, *kept))


def _kind(violation: str | None) -> str | None:
    """Name what went wrong without saying with whom and when."""
    if violation is None:
        return None
    words = violation.partition(" (at ")[0].split()
    return " ".join(word for word in words if word.strip("[]():,'").isalpha())


def fewer(things: Sequence[T], fails: Callable[[tuple[T, ...]], bool]) -> tuple[T, ...]:
    """Return as few of *things* as delta debugging finds to fail."""
    kept = tuple(things)
    if fails(()):
        return ()
    parts = 2
    while len(kept) > 1:
        size = max(1, len(kept) // parts)
        chunks = [kept[n : n + size] for n in range(0, len(kept), size)]
        for n in range(len(chunks)):
            rest = tuple(thing for m, chunk in enumerate(chunks) if m != n for thing in chunk)
            if fails(rest):
                kept, parts = rest, max(2, parts - 1)
                break
        else:
            if size == 1:
                break
            parts = min(len(kept), 2 * parts)
    return kept
