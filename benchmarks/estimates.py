"""How good the fleet's estimates are: each run against what was expected of it before.

First the demo's work, done by a real fleet on this machine; then histories that are made up, from
one seed, of what bots do: keep a pace, differ, slow down, do two kinds of work under one name.

Run: ``python -m benchmarks.estimates`` (about half a minute; ``--made-up`` needs a second).
"""

import argparse
import contextlib
import io
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from coordinator.core.history import Accuracy, History
from tests.support.brokers import chosen_brokers
from tests.support.fleet_process import broker_for_a_fleet, plan_of, running_fleet

AGENTS: Final = ("Main", "Heals", "Crafter", "Scout", "Trader")
MODES: Final = {"quest": 1_800_000, "combat": 300_000, "crafting": 600_000}
LIMITS: Final = {"max_concurrent_agents": 3, "max_concurrent_combat": 2}
DEMO: Final = (*(("quest", 1.5),) * 3, *(("combat", 0.8),) * 11, *(("crafting", 0.8),) * 3)
"""The demo's tasks, but for the one that is killed: mode and seconds."""
ROUNDS: Final = 4
RUNS: Final = 5_000


class Ran(NamedTuple):
    """A run that succeeded."""

    mode: str
    agent: str
    ms: int


def demo_runs() -> list[Ran]:
    """Let a real fleet do the demo's work, and return what its coordinator saw, in order."""
    plan = plan_of(AGENTS, global_constraints=LIMITS)
    with (
        contextlib.redirect_stdout(io.StringIO()),  # the parts' logs
        tempfile.TemporaryDirectory() as name,
        broker_for_a_fleet(chosen_brokers()[0], Path(name)) as where,
        running_fleet(
            where, Path(name) / "fleet", AGENTS, plan, ("--capability", "crafting")
        ) as fleet,
    ):
        client = fleet.client("bench")
        tasks = [
            client.create(f"{mode}-{n}", mode, args={"sleep": seconds})
            for n in range(ROUNDS)
            for mode, seconds in DEMO
        ]
        cards = [client.wait_for(f"tasks/{task}", 120, status="completed") for task in tasks]
    cards.sort(key=lambda card: card["completed_ms"])
    return [
        Ran(card["mode"], card["agent"], card["completed_ms"] - card["started_ms"])
        for card in cards
    ]


def made_up(takes_ms: Callable[[random.Random, str, str, float], float]) -> Iterator[Ran]:
    """Make up a history; *takes_ms* is told mode, agent and how much of it has passed (0 to 1)."""
    dice = random.Random(1)
    for n in range(RUNS):
        mode, agent = dice.choice(list(MODES)), dice.choice(AGENTS)
        yield Ran(mode, agent, round(takes_ms(dice, mode, agent, n / RUNS)))


def steady(dice: random.Random, mode: str, _agent: str, _passed: float) -> float:
    return MODES[mode] * dice.lognormvariate(0, 0.3)


def different(dice: random.Random, mode: str, agent: str, passed: float) -> float:
    return steady(dice, mode, agent, passed) * (1 + AGENTS.index(agent) / 4)


def slower(dice: random.Random, mode: str, agent: str, passed: float) -> float:
    return steady(dice, mode, agent, passed) * (2 if passed > 0.5 else 1)


def two_kinds(dice: random.Random, mode: str, agent: str, passed: float) -> float:
    return steady(dice, mode, agent, passed) * dice.choice((1, 5))


def judged(runs: list[Ran]) -> Accuracy:
    """Learn *runs* one after the other, comparing each with what was expected before."""
    history = History()
    for run in runs:
        history.observe(run.mode, run.agent, run.ms, "succeeded")
    return history.accuracy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--made-up", action="store_true", help="without a real fleet")
    histories: dict[str, list[Ran]] = {}
    if not parser.parse_args().made_up:
        histories["the demo's work, by a real fleet"] = demo_runs()
    histories |= {
        "steady, spread by 30 %": list(made_up(steady)),
        "agents up to twice as slow as others": list(made_up(different)),
        "all become twice as slow halfway": list(made_up(slower)),
        "one mode, two kinds of work (1 : 5)": list(made_up(two_kinds)),
    }
    print("| history | runs | compared | median ratio | p90 of ratio | coverage of p90 |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, runs in histories.items():
        seen = judged(runs)
        median, worst = seen.ratios.quantile(0.5), seen.ratios.quantile(0.9)
        figures = [f"{value:.2f}" for value in (median, worst, seen.p90_coverage) if value]
        print(f"| {name} | {len(runs):,} | {seen.ratios.count:,} |", " | ".join(figures), "|")


if __name__ == "__main__":
    main()
