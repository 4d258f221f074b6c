"""Run fleet-hours and mutants: many at once, one again, or one made as small as it can be."""

import argparse
import gc
import logging
import multiprocessing
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tests.simulation.bus import PROFILES
from tests.simulation.mutants import MUTANTS, applied
from tests.simulation.scenario import Scenario, generate
from tests.simulation.shrinking import shrunk
from tests.simulation.world import World

# What a coordinator logs of its simulated troubles is nobody's concern.
logging.getLogger("fleetbus").addHandler(logging.NullHandler())

LAST_LINES: Final = 50
MUTANT_HOURS: Final = 600
"""After so many hours without a violation a mutant counts as not caught."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one fleet-hour went."""

    seed: int
    profile: str
    hash: str
    violation: str | None
    runs: int
    at_s: float


@dataclass(frozen=True, slots=True)
class Order:
    """One fleet-hour to run."""

    seed: int
    profile: str | None = None
    mutant: str = ""
    agents: int | None = None


def judge(scenario: Scenario, mutant: str = "") -> tuple[Verdict, World]:
    """Run one fleet-hour to its end, or to what must not happen."""
    violation = None
    with applied(mutant):
        world = World(scenario, mutant)
        try:
            world.run()
        except Exception as error:  # noqa: BLE001 -- the code's own assertions are as good
            where = traceback.extract_tb(error.__traceback__)[-1]
            kind = type(error).__name__
            told = str(error) if kind == "Violation" else f"{kind} in {where.name}: {error}"
            violation = f"{told} (at {world.now:.1f} s)"
    runs, digest = world.checkers.runs, world.hash()
    return Verdict(scenario.seed, scenario.profile, digest, violation, runs, world.now), world


def carry_out(order: Order) -> Verdict:
    """Run the fleet-hour of *order*."""
    return judge(generate(order.seed, order.profile, order.agents), order.mutant)[0]


def verdicts(orders: Iterable[Order], workers: int) -> Iterator[Verdict]:
    """Run *orders*, several at a time; the verdicts come in their order."""
    if workers <= 1:
        yield from map(carry_out, orders)
        return
    with multiprocessing.get_context("spawn").Pool(workers, initializer=gc.freeze) as pool:
        yield from pool.imap(carry_out, orders, chunksize=4)


@dataclass(frozen=True, slots=True)
class Catch:
    """Which seed caught a mutant, by what, and how many did not before."""

    mutant: str
    seed: int | None
    violation: str
    tried: int


def hunt(job: tuple[Order, Sequence[int]]) -> Catch:
    """Look for the first of some seeds that catches the mutant of an order."""
    order, seeds = job
    mutant = order.mutant
    for tried, seed in enumerate(seeds, 1):
        verdict = carry_out(replace(order, seed=seed))
        if verdict.violation is not None:
            return Catch(mutant, seed, verdict.violation, tried)
    return Catch(mutant, None, "NOT CAUGHT", len(seeds))


def catches(orders: Iterable[Order], seeds: Sequence[int], workers: int) -> Iterator[Catch]:
    """Hunt the mutants of *orders*, each over *seeds*."""
    jobs = [(order, seeds) for order in orders]
    if workers <= 1:
        yield from map(hunt, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(workers, initializer=gc.freeze) as pool:
        yield from pool.imap(hunt, jobs)


# --- the command


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks; return the exit status."""
    asked = _parser().parse_args(arguments)
    if asked.mutants:
        return _hunt_all(asked)
    if asked.replay is not None:
        return _replay(asked, asked.replay)
    return _hours(asked)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.simulation", description=__doc__)
    parser.add_argument("--hours", type=int, default=500, help="fleet-hours to run")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--mutant", choices=MUTANTS, default="", help="break this rule")
    parser.add_argument("--mutants", action="store_true", help="hunt every mutant")
    parser.add_argument("--profile", choices=sorted(PROFILES), help="the kind of broker")
    parser.add_argument(
        "--agents",
        type=int,
        choices=range(1, 51),
        metavar="N",
        help="how many agents a fleet has (drawn: 2 to 4)",
    )
    parser.add_argument("--replay", type=int, metavar="SEED", help="run one fleet-hour again")
    parser.add_argument("--shrink", action="store_true", help="make what fails small")
    return parser


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _hours(asked: argparse.Namespace) -> int:
    began = time.monotonic()
    orders = [
        Order(seed, asked.profile, asked.mutant, asked.agents)
        for seed in range(asked.seed, asked.seed + asked.hours)
    ]
    bad: list[Verdict] = []
    runs = 0
    for done, verdict in enumerate(verdicts(orders, asked.workers), 1):
        runs += verdict.runs
        if verdict.violation is not None:
            bad.append(verdict)
            _say(f"seed {verdict.seed} ({verdict.profile}): {verdict.violation}")
        if done % 100 == 0 or done == len(orders):
            rate = done / (time.monotonic() - began)
            _say(f"{done} fleet-hours, {runs} runs, {len(bad)} violations, {rate:.1f} hours/s")
    first, last = orders[0].seed, orders[-1].seed
    _say(f"seeds {first} to {last}: {len(bad)} violations in {len(orders)} fleet-hours")
    if bad and asked.shrink:
        _replay(asked, bad[0].seed)
    return 1 if bad else 0


def _replay(asked: argparse.Namespace, seed: int) -> int:
    scenario, mutant = generate(seed, asked.profile, asked.agents), asked.mutant
    verdict, world = judge(scenario, mutant)
    if verdict.violation is not None and asked.shrink:
        scenario = shrunk(scenario, lambda smaller: judge(smaller, mutant)[0].violation)
        verdict, world = judge(scenario, mutant)
        _say(f"{len(scenario.jobs)} jobs, {len(scenario.asks)} requests, and these faults:")
        for event in (*scenario.faults, *scenario.forgettings):
            _say(f"  {event}")
    if verdict.violation is not None:
        for at, what, subject in world.trace[-LAST_LINES:]:
            _say(f"  {at:8.2f} s  {what} {subject}")
    _say(f"seed {seed} ({verdict.profile}): hash {verdict.hash}, {verdict.violation or 'all well'}")
    return 0 if verdict.violation is None else 1


def _hunt_all(asked: argparse.Namespace) -> int:
    hours = min(asked.hours, MUTANT_HOURS)
    chosen = (asked.mutant,) if asked.mutant else MUTANTS
    orders = [Order(asked.seed, asked.profile, mutant, asked.agents) for mutant in chosen]
    missed = 0
    for catch in catches(orders, range(asked.seed, asked.seed + hours), asked.workers):
        missed += catch.seed is None
        _say(f'    "{catch.mutant}": {catch.seed},  # {catch.tried}: {catch.violation[:90]}')
    _say(f"{len(chosen) - missed} of {len(chosen)} mutants caught")
    return 1 if missed else 0
