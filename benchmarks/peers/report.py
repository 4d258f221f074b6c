"""Several runs as a table, as JSON and as a plot: medians, and ratios within one session."""

import json
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.peers.environment import HERE

Figures = Mapping[str, float]
Runs = Mapping[str, Sequence[Figures]]
"""Contender to what each of its runs has measured."""

COLUMNS: Final = {
    "tasks_per_s": "tasks/s, end to end",
    "submit_per_s": "submitted/s",
    "idle_p50_ms": "idle dispatch p50 ms",
    "idle_p99_ms": "p99 ms",
    "row_p50_ms": "dispatch in a row p50 ms",
    "row_p99_ms": "p99 ms",
    "memory_mib": "workers MiB",
}


def medians(runs: Runs) -> dict[str, dict[str, float]]:
    """Take the median of each figure over the runs of each contender."""
    return {
        name: {
            key: statistics.median(run[key] for run in of_one if key in run)
            for key in COLUMNS
            if any(key in run for run in of_one)
        }
        for name, of_one in runs.items()
    }


def table(runs: Runs, keeps: Mapping[str, str], reference: str) -> str:
    """Write the medians as Markdown, with the rate as a ratio to *reference*."""
    found = medians(runs)
    base = found.get(reference, {}).get("tasks_per_s")
    lines = [
        f"| | {' | '.join(COLUMNS.values())} | rate ÷ {reference} | an accepted task is |",
        f"| --- | {' | '.join('---:' for _ in COLUMNS)} | ---: | --- |",
    ]
    for name, figures in sorted(found.items(), key=lambda item: -item[1].get("tasks_per_s", 0)):
        cells = [f"{figures[key]:,.1f}" if key in figures else "-" for key in COLUMNS]
        rate = figures.get("tasks_per_s")
        ratio = f"{rate / base:.2f}" if rate and base else "-"
        lines.append(f"| {name} | {' | '.join(cells)} | {ratio} | {keeps.get(name, '-')} |")
    return "\n".join(lines)


def save(runs: Runs, table: str, folder: Path, python: Path, machine: Mapping[str, str]) -> None:
    """Keep everything in *folder*: ``peers.json``, the *table* in ``peers.md``, ``peers.svg``."""
    folder.mkdir(parents=True, exist_ok=True)
    document = folder / "peers.json"
    content = {"machine": dict(machine), "medians": medians(runs), "runs": runs}
    document.write_text(json.dumps(content, indent=2) + "\n")
    (folder / "peers.md").write_text(table + "\n")
    plot = folder / "peers.svg"
    subprocess.run([python, HERE / "apps" / "plot.py", document, plot], check=True)
