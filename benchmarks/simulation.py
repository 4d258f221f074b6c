"""How fast the simulated fleet is: ``python -m benchmarks.simulation [--hours N] [--json]``.

One fleet-hour is an hour of two to four agents, 32 to 48 tasks and some 72 faults, with every
check, as in ``tests/simulation``. The unit is fleet-hours per second of one core: of its time, not
of the clock on the wall, so that neighbours on the machine disturb it less.
"""

import argparse
import gc
import sys
import time

import orjson

from tests.simulation.run import Order, carry_out


def main() -> int:
    """Run the benchmark and print what it found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=100, help="fleet-hours to run (default 100)")
    parser.add_argument("--json", action="store_true", help="one JSON document and nothing else")
    options = parser.parse_args()
    carry_out(Order(0))  # everything is imported and compiled
    gc.freeze()
    began = time.process_time()
    verdicts = [carry_out(Order(seed)) for seed in range(options.hours)]
    took_s = time.process_time() - began
    found = {
        "fleet_hours": options.hours,
        "runs": sum(verdict.runs for verdict in verdicts),
        "violations": sum(verdict.violation is not None for verdict in verdicts),
        "fleet_hours_per_core_second": round(options.hours / took_s, 2),
    }
    if options.json:
        sys.stdout.write(orjson.dumps(found).decode() + "\n")
    else:
        for name, figure in found.items():
            print(f"{name.replace('_', ' '):>28}  {figure}")
    return 1 if found["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
