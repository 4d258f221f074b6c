"""What a decision costs a large fleet: it must not grow with what waits, nor with who is there."""

import gc
import tracemalloc
from typing import Final

from benchmarks.core import Bench
from benchmarks.quick.counting import Work

AGENTS: Final = (100, 1000)
DEPTHS: Final = (500, 5000)
PAIRS: Final = 60


def measure() -> dict[str, float]:
    few, many = (_fleet(agents, DEPTHS[0]) for agents in AGENTS)
    shallow = many
    found = {f"next task, {AGENTS[1]} agents: instructions": _pair(shallow)}
    found["next task: instructions with 10 times the agents"] = _pair(shallow) / _pair(few)
    before = _pair(shallow)
    gc.collect()
    tracemalloc.start()
    _fill(shallow, DEPTHS[1])
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    found["next task: instructions with 10 times the tasks that wait"] = _pair(shallow) / before
    found["waiting task: bytes of memory"] = held / (DEPTHS[1] - DEPTHS[0])
    return found


def _fleet(agents: int, depth: int) -> Bench:
    bench = Bench(agents, limit=50)
    _fill(bench, depth)
    return bench


def _fill(bench: Bench, depth: int) -> None:
    """Create tasks until *depth* wait."""
    waiting = sum(shape.live for shape in bench.state.shapes.values())
    while waiting < depth:
        for _ in range(depth - waiting):
            bench.do(bench.submit(next(bench.numbers)))
        waiting = sum(shape.live for shape in bench.state.shapes.values())


def _pair(bench: Bench) -> float:
    """Let tasks succeed one after the other, and count what it takes to give the next one."""
    bench.finish_one()
    work = Work()
    with work.counted():
        for _ in range(PAIRS):
            bench.finish_one()
    return work.instructions / PAIRS
