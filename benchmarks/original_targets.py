"""Measure what the original orchestrator set itself: ``python -m benchmarks.original_targets``.

Everything goes over HTTP, the way of its own examples: 100 agents registered (target 5 s), 100
tasks created (5 s), 1,000 heartbeats (10 s). Agents register ten at a time, as bots of one machine
do that start together; one after the other each waits up to 50 ms, because cards are told no more
often.
Exit status 1 beyond a target.
"""

import contextlib
import io
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from benchmarks.bus.scene import fleet_on
from coordinator.http.client import AgentStatus, Orchestrator
from tests.support.control_room import control_room

AGENTS: Final = 100
TASKS: Final = 100
BEATS: Final = 1000
METRICS: Final = {"cpu_usage": 45.2, "memory_usage": 67.8, "response_time": 1200.0, "fps": 60.0}


def main() -> int:
    rows: list[tuple[str, float, float]] = []
    with (
        contextlib.redirect_stdout(io.StringIO()),
        fleet_on("embedded", []) as fleet,
        control_room(fleet) as room,
        Orchestrator(room.address, room.secrets["operate"]) as client,
    ):

        def timed(
            what: str, target_s: float, times: int, act: Callable[[int], object], at_once: int = 1
        ) -> None:
            began = time.perf_counter()
            if at_once > 1:
                with ThreadPoolExecutor(at_once) as bots:
                    list(bots.map(act, range(times)))
            else:
                for n in range(times):
                    act(n)
            rows.append((f"{times} {what}", time.perf_counter() - began, target_s))

        timed(
            "agents registered",
            5,
            AGENTS,
            lambda n: client.register_agent(f"A{n}", "a machine", f"w{n}", ["quest"]),
            at_once=10,
        )
        timed(
            "tasks created", 5, TASKS, lambda n: client.create_schedule_task(f"task {n}", "combat")
        )
        timed(
            "heartbeats",
            10,
            BEATS,
            lambda n: client.update_agent_heartbeat(
                f"A{n % AGENTS}", AgentStatus.IDLE, "quest", METRICS
            ),
        )
    print("| figure | seconds | target |\n| --- | ---: | ---: |")
    for what, took_s, target_s in rows:
        print(f"| {what} | {took_s:.2f} | {target_s:.0f} |")
    return 0 if all(took_s < target_s for _, took_s, target_s in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
