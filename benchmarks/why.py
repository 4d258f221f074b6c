"""How long explanations take: 10,000 agents in 50 classes, 100,000 waiting tasks, limits tight.

What is measured is the processor's time, so that a busy machine does not change the answer, and
without the garbage collector, which has a hundred thousand tasks of the benchmark's own to visit.

Run: ``python -m benchmarks.why`` (about half a minute, most of it building the fleet).
"""

import argparse
import gc
import statistics
import time
from collections.abc import Callable
from typing import Any

from coordinator.core.events import Heard, Submitted
from coordinator.core.instant import Instant
from coordinator.core.policy import Policy
from coordinator.core.state import State
from coordinator.core.step import step
from coordinator.core.tasks import Task
from coordinator.core.views import summary_view
from coordinator.core.why.idle import why_idle
from coordinator.core.why.overview import why_summary
from coordinator.core.why.reasons import EVERY_MS, note_reasons
from coordinator.core.why.task import why
from protocol.messages import Heartbeat, Info, Metrics, Presence, Seen, Submit, TaskSpec
from protocol.vocabulary import CoordinatorState, PresenceState, Priority, SubmitOp

BUDGET_MS = 5.0
START = Instant(1_767_571_200_000, 1_000_000)
MODES = tuple(f"mode{number}" for number in range(8))
PRIORITIES = tuple(Priority)


def fleet(agents: int, classes: int, tasks: int) -> State:
    limits = {"global": agents * 3 // 4} | {f"mode:{mode}": agents // 10 for mode in MODES}
    state = State(Policy(limits=limits), "c", term=1, phase=CoordinatorState.ONLINE)
    for number in range(agents):
        bring_up(state, number, classes)
    for number in range(tasks):
        spec = TaskSpec(
            name=f"series{number % 5}",
            mode=MODES[number % len(MODES)],
            priority=PRIORITIES[number // 7 % 5],
            capabilities=(f"skill{number // 11 % 5}",),
        )
        asked = Submit(request_id=f"r{number}", op=SubmitOp.CREATE, spec=spec)
        now = Instant(START.wall_ms + number, START.mono_ms)
        step(state, Submitted("bench", asked), now)
    return state


def bring_up(state: State, number: int, classes: int) -> None:
    which = number % classes
    said: dict[str, Any] = {
        "ts_ms": 0,
        "agent": f"agent{number}",
        "boot": "a" * 32,
        "epoch": 1,
        "conn": 1,
        "seq": 1,
    }
    skills = (*MODES, f"skill{which % 5}", f"skill{which // 5 % 5}", f"extra{which}")
    for message in (
        Presence(state=PresenceState.ONLINE, **said),
        Info(
            machine_id="m",
            window_id=f"w{number}",
            capabilities=skills,
            slots=1,
            features=(),
            heartbeat_s=10.0,
            **said,
        ),
        Metrics(m={"cpu_usage": 10.0}, **said),
        Heartbeat(interval_s=10.0, holding=(), seen=Seen(term=0, rev=0), **said),
    ):
        step(state, Heard(message), START)


def measure(what: str, times: int, once: Callable[[int], object]) -> float:
    taken = []
    for number in range(times):
        begin = time.process_time()
        once(number)
        taken.append((time.process_time() - begin) * 1000)
    taken.sort()
    p50, worst = statistics.median(taken), taken[-1]
    p99 = taken[min(len(taken) - 1, int(len(taken) * 0.99))]
    print(f"{what:<28} p50 {p50:8.2f} ms   p99 {p99:8.2f} ms   max {worst:8.2f} ms")
    return p99


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=10_000)
    parser.add_argument("--classes", type=int, default=50)
    parser.add_argument("--tasks", type=int, default=100_000)
    asked = parser.parse_args()
    begin = time.perf_counter()
    state = fleet(asked.agents, asked.classes, asked.tasks)
    now = Instant(START.wall_ms + asked.tasks, START.mono_ms + 1_000)
    print(
        f"{len(state.agents)} agents in {len(state.classes)} classes, {len(state.tasks)} tasks "
        f"in {len(state.shapes)} shapes, built in {time.perf_counter() - begin:.0f} s"
    )
    gc.collect()
    gc.freeze()
    waiting = [task for task in state.tasks.values() if task.shape is not None]
    every: list[Task] = waiting[:: max(1, len(waiting) // 400)]
    names = list(state.agents)
    p99 = [
        measure("why, first in line", 200, lambda n: why(state, waiting[n], now)),
        measure("why, anywhere", len(every), lambda n: why(state, every[n], now)),
        measure("why idle", 200, lambda n: why_idle(state, state.agents[names[-n - 1]], now)),
        measure("why summary", 50, lambda _: why_summary(state, now)),
    ]
    measure("summary of the fleet", 20, lambda _: summary_view(state, now))
    measure(
        "reasons, once a second",
        20,
        lambda n: note_reasons(state, Instant(now.wall_ms, now.mono_ms + n * 2 * EVERY_MS)),
    )
    print(f"budget {BUDGET_MS:g} ms: {'kept' if max(p99) <= BUDGET_MS else 'NOT kept'}")


if __name__ == "__main__":
    main()
