"""What every peer is measured by: its task returns the machine's clock, and nothing else is asked.

Runs in the peers' own environment, as a script: ``python measure.py APP throughput 2000`` and
so on. Each prints one JSON object.
"""

import importlib
import json
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

now = time.monotonic
"""The same clock in every process of this machine."""
IDLE_S = 0.05
"""For so long idle workers have had nothing to do; as in ``benchmarks/bus/latency.py``."""


def throughput(
    tasks: int, submit: Callable[[int], list[Any]], results: Callable[[list[Any]], Iterable[float]]
) -> dict[str, float]:
    """Submit *tasks* at once; it is over when the last one has run and all results were read."""
    began = now()
    handles = submit(tasks)
    submitted = now()
    ends = list(results(handles))
    assert len(ends) == tasks, f"{len(ends)} of {tasks} results"
    return {
        "submit_per_s": tasks / (submitted - began),
        "tasks_per_s": tasks / (max(ends) - began),
    }


def latency(
    samples: int,
    submit: Callable[[int], list[Any]],
    results: Callable[[list[Any]], Iterable[float]],
) -> dict[str, float]:
    """Submit one task after the other: from just before until it runs.

    Each when the result of the one before it is there: at once, and after a pause in which the
    workers are idle.
    """
    found = {}
    for name, pause_s in (("row", 0.0), ("idle", IDLE_S)):
        waits = []
        for _ in range(samples):
            time.sleep(pause_s)
            at = now()
            (began,) = results(submit(1))
            waits.append(1000 * (began - at))
        waits.sort()
        found[f"{name}_p50_ms"] = waits[len(waits) // 2]
        found[f"{name}_p99_ms"] = waits[min(len(waits) - 1, samples * 99 // 100)]
    return found


def main() -> None:
    """Do what the command line asks of the app that it names."""
    name, what, count = sys.argv[1:]
    app = importlib.import_module(name)
    list(app.results(app.submit(20)))  # everything is loaded and connected
    figures = {"throughput": throughput, "latency": latency}[what]
    print(json.dumps(figures(int(count), app.submit, app.results)), flush=True)


if __name__ == "__main__":
    main()
