"""Count what a heartbeat, a task and a message make Python do: ``python -m benchmarks.quick``.

The counts are compared with ``benchmarks/baseline.json``; the exit status is 1 if one of them is
more than 20 % above it. ``--write`` makes what was found the new baseline.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
from pathlib import Path
from typing import Final

from benchmarks.quick import agent, broker, coordinator, decisions
from benchmarks.quick.verdict import TOLERANCE_PCT, WRITE, Baseline, Line, compare, missing

BASELINE: Final = Path(__file__).parents[1] / "baseline.json"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quick", description=__doc__)
    parser.add_argument("--baseline", type=Path, default=BASELINE, metavar="FILE")
    parser.add_argument("--write", action="store_true", help="make this the baseline")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    python = ".".join(platform.python_version_tuple()[:2])
    found = _counted()
    if given.write:
        document = {"python": python, "figures": found}
        given.baseline.write_text(json.dumps(document, indent=2) + "\n")
        print(f"{given.baseline} holds {len(found)} figures of Python {python} now")
        return 0
    document = json.loads(given.baseline.read_text())
    baseline = Baseline(document["python"], document["figures"])
    lines = compare(found, baseline, python)
    faults = [fault for line in lines if (fault := line.fault)] + missing(found, baseline)
    if given.json:
        print(json.dumps({"python": python, "figures": found, "faults": faults}, indent=2))
    else:
        _print_table(lines, python, baseline)
    for fault in faults:
        print(f"FAILED: {fault}", file=sys.stderr)
    if faults:
        print(
            f"More than {TOLERANCE_PCT} % above {given.baseline} is a regression. If it has to be: "
            f"{WRITE}, and say in the commit why.",
            file=sys.stderr,
        )
    return int(bool(faults))


def _counted() -> dict[str, float]:
    parts = {
        "coordinator": asyncio.run(coordinator.measure()),
        "core": decisions.measure(),
        "broker": asyncio.run(broker.measure()),
        "agent": agent.measure(),
    }
    return {
        f"{part}: {name}": round(value, 3)
        for part, figures in parts.items()
        for name, value in figures.items()
    }


def _print_table(lines: list[Line], python: str, baseline: Baseline) -> None:
    print("| figure | baseline | found | change |\n| --- | ---: | ---: | ---: |")
    for line in lines:
        before = "-" if line.before is None else f"{line.before:,.2f}"
        change = "-" if line.change_pct is None else f"{line.change_pct:+.1f} %"
        shown = change if line.is_judged else f"{change}, not judged"
        print(f"| {line.name} | {before} | {line.found:,.2f} | {shown} |")
    if python != baseline.python:
        print(
            f"\nThe baseline is of Python {baseline.python}, this is {python}: what depends on "
            "that is not judged."
        )


if __name__ == "__main__":
    # The order of a set decides how often one is looked through; it must be the same every time.
    if os.environ.get("PYTHONHASHSEED") != "0":
        again = [sys.executable, "-m", "benchmarks.quick", *sys.argv[1:]]
        os.execve(sys.executable, again, os.environ | {"PYTHONHASHSEED": "0"})  # noqa: S606 -- ourselves
    sys.exit(main())
