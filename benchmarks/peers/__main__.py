"""Measure fleetbus beside its peers: ``python -m benchmarks.peers``.

Everybody is asked in turn, round after round, so that a machine which changes its speed does so to
all of them. Ignore differences under 25 %, and latencies under 1 ms.
"""

import argparse
import contextlib
import io
import json
import os
import platform
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.bus import disk
from benchmarks.peers import ours, report
from benchmarks.peers.contenders import (
    DASK,
    PEERS,
    WORKERS,
    Contender,
    Peer,
    running_dask,
    running_peer,
)
from benchmarks.peers.environment import peers_python, redis

RESULTS = Path(__file__).parents[2] / "build" / "benchmarks"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--tasks", type=int, default=5000, help="tasks per run (default 5000)")
    parser.add_argument("--samples", type=int, default=200, help="dispatches (default 200)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each (default 3)")
    parser.add_argument("--only", default="", help="names to measure, separated by commas")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    python = peers_python()
    with tempfile.TemporaryDirectory(prefix="fleetbus-peers-") as place:
        folder = Path(place)
        with redis(folder) as url:
            contenders = _contenders(python, url, folder, given.tasks, given.samples)
            chosen = [name for name in given.only.split(",") if name] or list(contenders)
            unknown = set(chosen) - contenders.keys()
            if unknown:
                parser.error(f"--only {', '.join(unknown)}: choose from {', '.join(contenders)}")
            runs = defaultdict(list)
            for turn in range(given.rounds):
                for name in chosen:
                    print(f"round {turn + 1}: {name} ...", file=sys.stderr)
                    runs[name].append(contenders[name]())
    machine = {
        "processors": str(os.cpu_count()),
        "python": platform.python_version(),
        "system": platform.platform(),
        "workers": str(WORKERS),
        "commit_p50_ms": f"{disk.measure(200).commit_p50_ms:.2f}",
    }
    keeps = {peer.name: peer.keeps for peer in PEERS} | {way.name: way.keeps for way in ours.WAYS}
    table = report.table(runs, keeps | {DASK: "in its scheduler's memory"}, ours.WAYS[0].name)
    report.save(runs, table, RESULTS, python, machine)
    if given.json:
        print(json.dumps({"machine": machine, "medians": report.medians(runs), "runs": runs}))
        return 0
    print(f"{machine['processors']} processors, {WORKERS} workers or agents each, medians of")
    print(f"{given.rounds} runs; one commit to disk takes {machine['commit_p50_ms']} ms\n")
    print(table)
    print(f"\n{RESULTS} has peers.json, which is every run, peers.md and peers.svg.")
    return 0


def _contenders(
    python: Path, url: str, folder: Path, tasks: int, samples: int
) -> Mapping[str, Callable[[], dict[str, float]]]:
    def asked(contender: Contender) -> dict[str, float]:
        return {
            **contender.ask("throughput", tasks),
            **contender.ask("latency", samples),
            "memory_mib": contender.memory_mib(),
        }

    def of_peer(peer: Peer) -> Callable[[], dict[str, float]]:
        def run() -> dict[str, float]:
            with running_peer(peer, python, url, folder / f"{peer.app}.log") as contender:
                return asked(contender)

        return run

    def dask() -> dict[str, float]:
        with running_dask(python, folder / "dask.log") as contender:
            return asked(contender)

    def of_ours(way: ours.Ours) -> Callable[[], dict[str, float]]:
        def run() -> dict[str, float]:
            # The parts' logs belong to the table only when something has failed.
            with contextlib.redirect_stdout(io.StringIO()):
                return ours.measure(way, tasks, samples)

        return run

    return (
        {way.name: of_ours(way) for way in ours.WAYS}
        | {peer.name: of_peer(peer) for peer in PEERS}
        | {DASK: dask}
    )


sys.exit(main())
