"""Measure the fleet bus on this machine and print a table: ``python -m benchmarks``.

Each figure is the median of so many rounds, in each of which everything is measured once on each
broker. ``build/benchmarks`` has every round (``ours.json``) and the table (``ours.md``).
"""

import argparse
import dataclasses
import functools
import json
import os
import platform
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.bus import (
    disk,
    durability,
    growth,
    heartbeats,
    latency,
    memory,
    submission,
    throughput,
)
from benchmarks.quiet import quietly
from tests.support.brokers import BROKERS
from tests.support.fleet_process import OUTSIDE

USUAL: Final = ("tasks", "latency", "heartbeats", "submission", "memory")
ASKED_FOR: Final = ("durability", "growth")
RESULTS: Final = Path(__file__).parents[1] / "build" / "benchmarks"
Figures = dict[str, dict[str, float]]
"""Measure to its figures."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--broker", default="both", help="embedded, mosquitto, both, or mqtt://host:port"
    )
    parser.add_argument("--tasks", type=int, default=2000, help="tasks to complete (default 2000)")
    parser.add_argument("--agents", type=int, default=8, help="agents that run them (default 8)")
    parser.add_argument("--slots", type=int, default=1, help="tasks at once per agent (default 1)")
    parser.add_argument("--samples", type=int, default=200, help="dispatches (default 200)")
    parser.add_argument("--beats", type=int, default=10_000, help="heartbeats (default 10000)")
    parser.add_argument("--submitted", type=int, default=10_000, help="tasks (default 10000)")
    parser.add_argument("--rounds", type=int, default=1, help="of everything (default 1)")
    parser.add_argument("--turns", type=int, default=3, help="of durability (default 3)")
    parser.add_argument(
        "--only",
        choices=(*USUAL, *ASKED_FOR),
        help=f"one of them; {' and '.join(ASKED_FOR)}, which take long, only if asked for",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    kinds = list(BROKERS) if given.broker == "both" else [given.broker]
    if "://" in given.broker:
        os.environ["FLEETBUS_BROKER"] = given.broker
        kinds = [OUTSIDE]
    elif not set(kinds) <= set(BROKERS):
        parser.error(f"--broker {given.broker}: must be {', '.join(BROKERS)}, both or a mqtt URL")

    measures: dict[str, Callable[[str], Any]] = {
        "tasks": lambda kind: throughput.measure(kind, given.tasks, given.agents, given.slots),
        "latency": lambda kind: latency.measure(kind, given.samples, given.agents),
        "heartbeats": lambda kind: heartbeats.measure(kind, 500, max(1, given.beats // 500)),
        "submission": lambda kind: submission.measure(kind, given.submitted),
        "memory": memory.measure,
        "growth": growth.measure,
        "durability": lambda kind: durability.measure(
            kind, given.tasks, given.samples, given.agents, given.slots, given.turns
        ),
    }
    chosen = [given.only] if given.only else list(USUAL)
    rounds: dict[str, list[Figures]] = {kind: [] for kind in kinds}
    for number in range(given.rounds):
        for kind in kinds:
            rounds[kind].append({})
            for name in chosen:
                print(f"round {number + 1}: {name} on {kind} ...", file=sys.stderr)
                found = quietly(functools.partial(measures[name], kind))
                rounds[kind][-1][name] = dataclasses.asdict(found)
    results = {kind: _medians(of_one) for kind, of_one in rounds.items()}
    machine = {"machine": platform.platform(), "python": platform.python_version()}
    machine["processors"] = str(os.cpu_count())
    machine["commit_p50_ms"] = f"{disk.measure(200).commit_p50_ms:.2f}"
    machine["rounds"] = str(given.rounds)
    shown = table(machine, results)
    RESULTS.mkdir(parents=True, exist_ok=True)
    document = {"machine": machine, "results": results, "rounds": rounds}
    (RESULTS / "ours.json").write_text(json.dumps(document, indent=2) + "\n")
    (RESULTS / "ours.md").write_text(shown + "\n")
    print(json.dumps({**machine, "results": results}, indent=2) if given.json else shown)
    return 0


def _medians(rounds: list[Figures]) -> Figures:
    return {
        name: {
            figure: statistics.median(of_round[name][figure] for of_round in rounds)
            for figure in figures
        }
        for name, figures in rounds[0].items()
    }


def table(machine: dict[str, str], results: dict[str, Figures]) -> str:
    """Write the medians as Markdown, a column for each broker."""
    lines = [
        f"{machine['processors']} processors, Python {machine['python']}, {machine['machine']};",
        f"one commit to disk takes {machine['commit_p50_ms']} ms; medians of {machine['rounds']}\n",
    ]
    rows: dict[str, list[str]] = {}
    for measured in results.values():
        for name, figures in measured.items():
            for figure, value in figures.items():
                shown = (
                    f"{value:,.{2 if 'ratio' in figure else 1}f}"
                    if isinstance(value, float)
                    else f"{value:,}"
                )
                rows.setdefault(f"{name}: {figure.replace('_', ' ')}", []).append(shown)
    lines.append(f"| figure | {' | '.join(results)} |")
    lines.append(f"| --- | {' | '.join('---:' for _ in results)} |")
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()]
    return "\n".join(lines)


sys.exit(main())
