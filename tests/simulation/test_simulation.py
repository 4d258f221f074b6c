"""The promises of the fleet, in simulated hours of faults; and that no rule could be left out.

``python -m tests.simulation`` runs more of them, and runs one again by its seed.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.simulation.caught import SEEDS
from tests.simulation.mutants import MUTANTS
from tests.simulation.run import Order, carry_out, judge
from tests.simulation.scenario import Scenario, generate
from tests.simulation.shrinking import fewer, shrunk
from tests.simulation.summary import CAUGHT, RAN

HOURS = 1_400
HOURS_AT_ONCE = 20
LARGER = 6
"""Agents of fleets that are larger than those that are drawn."""


@pytest.mark.parametrize("first", range(0, HOURS, HOURS_AT_ONCE))
def test_no_promise_is_broken_in_hours_of_faults(
    first: int, record_property: Callable[[str, object], None]
) -> None:
    verdicts = [carry_out(Order(seed)) for seed in range(first, first + HOURS_AT_ONCE)]

    assert [(v.seed, v.violation) for v in verdicts if v.violation is not None] == []
    assert all(verdict.runs > 30 for verdict in verdicts), "hardly anything was executed"
    record_property(RAN, (first, len(verdicts), sum(verdict.runs for verdict in verdicts)))


def test_no_promise_is_broken_in_a_larger_fleet() -> None:
    verdicts = [carry_out(Order(seed, agents=LARGER)) for seed in range(HOURS_AT_ONCE)]

    assert [(v.seed, v.violation) for v in verdicts if v.violation is not None] == []


@pytest.mark.parametrize("mutant", MUTANTS)
def test_no_rule_can_be_broken_unnoticed(
    mutant: str, record_property: Callable[[str, object], None]
) -> None:
    verdicts = (carry_out(Order(seed, mutant=mutant)) for seed in SEEDS[mutant])
    caught = next((verdict for verdict in verdicts if verdict.violation is not None), None)

    assert caught is not None
    record_property(CAUGHT, (mutant, caught.seed))


def test_the_same_seed_gives_the_same_hour() -> None:
    first, again = carry_out(Order(3)), carry_out(Order(3))

    assert first == again
    assert first.hash != carry_out(Order(4)).hash


def test_what_fails_is_made_small() -> None:
    assert fewer(range(100), lambda kept: {17, 61} <= set(kept)) == (17, 61)


def _short(seed: int) -> Scenario:
    """Return the beginning of an hour: little to take away, so that taking away is quick."""
    hour = generate(seed)
    jobs = tuple(job for job in hour.jobs[:30] if not job.depends_on)
    names = {job.task for job in jobs}
    asks = tuple(ask for ask in hour.asks if ask.task in names)
    return replace(hour, jobs=jobs, asks=asks, faults=hour.faults[:16])


def test_a_failure_needs_less_than_an_hour_of_faults() -> None:
    hours = map(_short, range(20))
    failing = next(hour for hour in hours if judge(hour, "nofence")[0].violation)
    small = shrunk(failing, lambda smaller: judge(smaller, "nofence")[0].violation)

    assert judge(small, "nofence")[0].violation is not None
    assert len(small.faults) <= 3
    assert len(small.jobs) < len(failing.jobs)
