"""How soon a death is seen, and how soon its work goes on: ``python -m benchmarks.deaths``.

Real processes, the store with ``synchronous=FULL``, and an observer who stamps what he hears. An
agent is killed with ``kill -9`` while it runs a task; frozen with SIGSTOP; and killed where a host
keeps it. ``--beside-dask`` kills workers of Dask as well.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.deaths import dask, frozen, killed, proven
from benchmarks.quiet import quietly


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deaths", description=__doc__)
    parser.add_argument("--broker", default="mosquitto", help="embedded or mosquitto (default)")
    parser.add_argument("--kills", type=int, default=100, help="agents to kill (default 100)")
    parser.add_argument("--freezes", type=int, default=20, help="agents to freeze (default 20)")
    parser.add_argument("--hosted", type=int, default=20, help="agents of a host (default 20)")
    parser.add_argument("--only", choices=("killed", "frozen", "proven", "dask"))
    parser.add_argument("--beside-dask", action="store_true", help="kill workers of Dask as well")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    measures: dict[str, Callable[[], Any]] = {
        "killed": lambda: killed.measure(given.broker, given.kills),
        "frozen": lambda: frozen.measure(given.broker, given.freezes),
        "proven": lambda: proven.measure(given.broker, given.hosted),
    }
    if given.beside_dask or given.only == "dask":
        measures["dask"] = lambda: dask.measure(given.hosted)
    results = {}
    for name in [given.only] if given.only else measures:
        print(f"measuring {name} ...", file=sys.stderr)
        results[name] = dataclasses.asdict(quietly(measures[name]))
    if given.json:
        print(json.dumps(results, indent=2))
        return 0
    print("| figure | samples | p50 ms | p99 ms | worst ms |\n| --- | ---: | ---: | ---: | ---: |")
    for name, figures in results.items():
        for figure, value in figures.items():
            words = f"{name}: {figure.replace('_', ' ')}"
            if isinstance(value, dict):
                cells = " | ".join(f"{value[key]:,.1f}" for key in ("p50_ms", "p99_ms", "worst_ms"))
                print(f"| {words} | {value['samples']} | {cells} |")
            else:
                print(f"| {words} | | {value:,.2f} | | |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
