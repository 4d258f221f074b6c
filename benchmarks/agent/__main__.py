"""Measure what an agent costs its bot: ``python -m benchmarks.agent``, on Linux.

Time to import, time from a start to being online, memory and threads with a connection, and
processor time at rest with a heartbeat every ten seconds.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.support.brokers import embedded_broker

IMPORTS: Final = 15
BUDGETS: Final = {"import_ms": 100, "rss_mib": 32, "cpu_at_rest_pct": 0.2}

BOT: Final = """
import json, sys, time
began = time.perf_counter()
from agent_client import Agent
imported = time.perf_counter()
agent = Agent("bot-1", broker=sys.argv[1])
agent.add_handler(lambda task: None, "quest")
agent.start()
agent.wait_until_online(20)
online = time.perf_counter()
time.sleep(2)
at, busy = time.perf_counter(), time.process_time()
time.sleep(float(sys.argv[2]))
share = 100 * (time.process_time() - busy) / (time.perf_counter() - at)
told = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "import_ms": round(1000 * (imported - began), 1),
    "online_ms": round(1000 * (online - began), 1),
    "rss_mib": round(int(told["VmRSS"].split()[0]) / 1024, 1),
    "threads": int(told["Threads"]),
    "cpu_at_rest_pct": round(share, 3),
}), flush=True)
agent.stop(0)
"""
IMPORT: Final = (
    "import time; began = time.perf_counter(); import agent_client; "
    "print(1000 * (time.perf_counter() - began))"
)


def measured(rest_s: float) -> dict[str, float]:
    """Return the figures; the time to import is the best of several."""
    imports = [float(_python("-c", IMPORT)) for _ in range(IMPORTS)]
    with tempfile.TemporaryDirectory() as folder, embedded_broker(Path(folder)) as broker:
        figures: dict[str, float] = json.loads(_python("-c", BOT, broker.url(), str(rest_s)))
    return figures | {"import_ms": round(min(imports), 1)}


def _python(*words: str) -> str:
    return subprocess.run(
        [sys.executable, *words], check=True, capture_output=True, text=True, env=os.environ
    ).stdout


def main() -> int:
    """Print the table; the status is 1 if a budget is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rest", type=float, default=30.0, metavar="SECONDS")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures = measured(given.rest)
    if given.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            budget = f"  (budget {BUDGETS[name]:g})" if name in BUDGETS else ""
            print(f"{name:<16} {value:>8g}{budget}")
    return int(any(figures[name] > budget for name, budget in BUDGETS.items()))


if __name__ == "__main__":
    sys.exit(main())
