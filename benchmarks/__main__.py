"""Measure the fleet bus on this machine and print a table: ``python -m benchmarks``."""

import argparse
import contextlib
import dataclasses
import io
import json
import os
import platform
import sys
from collections.abc import Callable
from typing import Any, Final

from benchmarks.bus import disk, durability, heartbeats, latency, throughput
from tests.support.brokers import BROKERS
from tests.support.fleet_process import OUTSIDE

USUAL: Final = ("tasks", "latency", "heartbeats")


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
    parser.add_argument("--turns", type=int, default=3, help="of durability (default 3)")
    parser.add_argument(
        "--only",
        choices=(*USUAL, "durability"),
        help="one of them; durability, which measures the others several times, only if asked for",
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
        "durability": lambda kind: durability.measure(
            kind, given.tasks, given.samples, given.agents, given.slots, given.turns
        ),
    }
    chosen = [given.only] if given.only else list(USUAL)
    results: dict[str, dict[str, Any]] = {}
    for kind in kinds:
        for name in chosen:
            print(f"measuring {name} on {kind} ...", file=sys.stderr)
            # The parts' logs belong to the table only when something has failed.
            with contextlib.redirect_stdout(io.StringIO()) as logs:
                try:
                    result = measures[name](kind)
                except BaseException:
                    sys.stderr.write(logs.getvalue())
                    raise
            results.setdefault(kind, {})[name] = dataclasses.asdict(result)
    machine = {"machine": platform.platform(), "python": platform.python_version()}
    machine["processors"] = str(os.cpu_count())
    machine["commit_p50_ms"] = f"{disk.measure(200).commit_p50_ms:.2f}"
    if given.json:
        print(json.dumps({**machine, "results": results}, indent=2))
    else:
        print_table(machine, results)
    return 0


def print_table(machine: dict[str, str], results: dict[str, dict[str, Any]]) -> None:
    print(f"{machine['processors']} processors, Python {machine['python']}, {machine['machine']};")
    print(f"one commit to disk takes {machine['commit_p50_ms']} ms\n")
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
    print("| figure |", " | ".join(results), "|")
    print("| --- |", " | ".join("---:" for _ in results), "|")
    for name, cells in rows.items():
        print(f"| {name} |", " | ".join(cells), "|")


sys.exit(main())
