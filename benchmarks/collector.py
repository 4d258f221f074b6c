"""What the garbage collector takes from a coordinator: ``python -m benchmarks.collector``.

A coordinator, from the bytes that it hears to those that it says, with a store on disk: so many
tasks are created, then agents beat and end tasks while the rest wait. Each way to treat the
collector has a process of its own. A pause stands in the way of everybody. All times are of the
processor, which neighbours on the machine disturb less.
"""

import argparse
import asyncio
import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import psutil

from benchmarks.quick.coordinator import Stage, stage
from benchmarks.quick.counting import Work
from coordinator.shell.collector import spare_the_collector

AGENTS: Final = 50
AT_ONCE: Final = 1_000


def _freeze_only() -> None:
    gc.collect()
    gc.freeze()


def _at(*thresholds: int) -> Callable[[], None]:
    def freeze_and_set() -> None:
        _freeze_only()
        gc.set_threshold(*thresholds)

    return freeze_and_set


WAYS: Final[dict[str, Callable[[], None]]] = {
    "as Python has it": lambda: None,
    "frozen at the start": _freeze_only,
    "and 20000, 20, 100": _at(20_000, 20, 100),
    "and 20000, 5, 100": _at(20_000, 5, 100),
    "ours": spare_the_collector,
    "off": gc.disable,
}


@dataclass
class Pauses:
    """How long the collector took, each time."""

    ms: list[float] = field(default_factory=list)
    full: int = 0
    _began: float = 0.0

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.thread_time()
            return
        self.ms.append(1000 * (time.thread_time() - self._began))
        self.full += info["generation"] == 2


async def measure(way: str, tasks: int, flows: int) -> dict[str, Any]:
    """Measure one way, in this process."""
    pauses = Pauses()
    async with stage(Work(traces=False)) as scene:
        WAYS[way]()
        gc.callbacks.insert(0, pauses)
        began = time.thread_time()
        creating = await _create(scene, tasks)
        created_s = time.thread_time() - began
        while_created = sorted(pauses.ms) or [0.0]
        share_while_created = sum(pauses.ms) / created_s / 10
        pauses.ms.clear()
        began = time.thread_time()
        turns = await _flow(scene, flows)
        took_s = time.thread_time() - began
        gc.callbacks.remove(pauses)
        garbage = gc.collect()
    turns.sort()
    ms = sorted(pauses.ms)
    return {
        "created_s": created_s,
        "worst_turn_while_created_ms": max(creating),
        "collector_share_while_created_pct": share_while_created,
        "pause_p99_while_created_ms": while_created[len(while_created) * 99 // 100],
        "pause_worst_while_created_ms": while_created[-1],
        "flow_s": took_s,
        "collections": len(ms),
        "full_collections": pauses.full,
        "share_pct": sum(ms) / took_s / 10,
        "pause_p99_ms": ms[len(ms) * 99 // 100] if ms else 0.0,
        "pause_worst_ms": ms[-1] if ms else 0.0,
        "turn_p99_ms": turns[len(turns) * 99 // 100],
        "turn_worst_ms": turns[-1],
        "objects_in_cycles_left": garbage,
        "mib": psutil.Process().memory_info().rss / 2**20,
    }


async def _create(scene: Stage, tasks: int) -> list[float]:
    took_ms = []
    for number in range(tasks // AT_ONCE):
        specs = [
            {"name": f"task {n % 50}", "mode": "noop", "priority": ("normal", "low")[n % 2]}
            for n in range(AT_ONCE)
        ]
        asked = {"request_id": f"many-{number}", "op": "create_many", "specs": specs}
        scene.say("submit/bench", orjson.dumps(asked))
        took_ms.append(await _timed_turn(scene))
    return took_ms


async def _flow(scene: Stage, flows: int) -> list[float]:
    """Let agents beat and end tasks, until *flows* of them are over; return each turn's time."""
    took_ms = []
    scene.join(f"Agent-{n}" for n in range(AGENTS))
    while sum(bot.done for bot in scene.bots.values()) < flows:
        for bot in scene.bots.values():
            scene.say(f"agents/{bot.name}/heartbeat", bot.heartbeat(0.0))
        took_ms.append(await _timed_turn(scene))
    return took_ms


async def _timed_turn(scene: Stage) -> float:
    began = time.thread_time()
    await scene.turn()
    return 1000 * (time.thread_time() - began)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collector", description=__doc__)
    parser.add_argument("--tasks", type=int, default=100_000, help="that wait (default 100000)")
    parser.add_argument("--flows", type=int, default=20_000, help="that end (default 20000)")
    parser.add_argument("--way", choices=list(WAYS), help="one of them, in this process")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    if given.way:
        print(json.dumps(asyncio.run(measure(given.way, given.tasks, given.flows))))
        return 0
    found = {}
    for way in WAYS:
        print(f"measuring: {way} ...", file=sys.stderr)
        words = ["--way", way, "--tasks", str(given.tasks), "--flows", str(given.flows)]
        command = [sys.executable, "-m", "benchmarks.collector", *words]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found[way] = json.loads(done.stdout)
    if given.json:
        print(json.dumps(found, indent=2))
        return 0
    print(f"| | {' | '.join(found)} |\n| --- |{' ---: |' * len(found)}")
    for figure in next(iter(found.values())):
        cells = " | ".join(f"{figures[figure]:,.1f}" for figures in found.values())
        print(f"| {figure.replace('_', ' ')} | {cells} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
