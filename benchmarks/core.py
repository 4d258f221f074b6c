"""What a decision costs, without disk or network: ``python -m benchmarks.core [--quick] [--json]``.

A fleet of many agents in many classes, limits so tight that most agents idle, and ever more tasks
that wait. One *pair* is what a busy fleet does all day: an agent reports success, and whoever is
best gets the next task. Everything goes through ``step``, as in production.
"""

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import orjson

from coordinator.core.effects import Effect, SayDesired
from coordinator.core.events import Heard, Submitted, Ticked
from coordinator.core.instant import Instant
from coordinator.core.policy import Policy
from coordinator.core.recovery import restore
from coordinator.core.state import State
from coordinator.core.step import step
from protocol.messages import (
    Heartbeat,
    Info,
    Metrics,
    Presence,
    Report,
    Seen,
    Submit,
    TaskSpec,
)
from protocol.vocabulary import PresenceState, Priority, ReportEvent, SubmitOp

CLASSES = 50
MODES = 8
START_MS = 1_700_000_000_000
PRIORITIES = (Priority.HIGH, Priority.NORMAL, Priority.NORMAL, Priority.LOW)


class Bench:
    """A coordinator's core with a fleet that does as it is told."""

    def __init__(self, agents: int, limit: int) -> None:
        limits = {"global": limit, **{f"mode:m{n}": limit // MODES + 2 for n in range(MODES)}}
        self.state = State(policy=Policy(limits=limits), coord="bench", term=1)
        self.clock_ms = 0
        self.held: dict[str, tuple[str, int]] = {}
        self.numbers = count(1)
        self.seqs: dict[str, Iterator[int]] = {}
        restore(self.state, [], [], self.now())
        self.do(Ticked())
        for n in range(agents):
            self._join(f"a{n}", n % CLASSES)

    def now(self) -> Instant:
        return Instant(START_MS + self.clock_ms, self.clock_ms)

    def do(self, event: Heard | Submitted | Ticked) -> list[Effect]:
        effects = step(self.state, event, self.now())
        for effect in effects:
            if isinstance(effect, SayDesired):
                for assignment in effect.desired.tasks:
                    self.held[assignment.task] = (effect.desired.agent, assignment.fence)
        return effects

    def _envelope(self, agent: str, seq: int) -> dict[str, Any]:
        boot = f"{int(agent[1:]):032x}"
        return {"ts_ms": 1, "agent": agent, "boot": boot, "epoch": 1, "conn": 1, "seq": seq}

    def heartbeat(self, agent: str, seq: int) -> Heard:
        seen = Seen(term=1, rev=self.state.agent(agent).rev)
        return Heard(Heartbeat(**self._envelope(agent, seq), interval_s=10.0, seen=seen))

    def _join(self, agent: str, kind: int) -> None:
        self.seqs[agent] = count(1)
        able = (f"m{kind % MODES}", f"m{(kind // MODES) % MODES}", f"special{kind}")
        self.do(Heard(Presence(**self._envelope(agent, 1), state=PresenceState.ONLINE)))
        self.do(
            Heard(
                Info(
                    **self._envelope(agent, 1),
                    machine_id=f"machine-{kind}",
                    window_id=agent,
                    capabilities=tuple(sorted(set(able))),
                )
            )
        )
        self.do(Heard(Metrics(**self._envelope(agent, 1), m={"cpu_usage": 10.0})))
        self.do(self.heartbeat(agent, 1))

    def submit(self, number: int) -> Submitted:
        kind = number % CLASSES
        rare = (f"special{kind}",) if number % 5 == 0 else ()
        spec = TaskSpec(
            name="bench",
            mode=f"m{kind % MODES}",
            priority=PRIORITIES[number % len(PRIORITIES)],
            capabilities=rare,
        )
        return Submitted("bench", Submit(request_id=f"r{number}", op=SubmitOp.CREATE, spec=spec))

    def finish_one(self) -> float:
        """Let one held task succeed; return what the step took, in µs."""
        task = next(iter(self.held))
        agent, fence = self.held.pop(task)
        report = Report(
            **self._envelope(agent, next(self.seqs[agent])),
            task=task,
            fence=fence,
            event=ReportEvent.SUCCEEDED,
        )
        self.clock_ms += 1
        event = Heard(report)
        now = self.now()
        began = time.perf_counter_ns()
        effects = step(self.state, event, now)
        took = time.perf_counter_ns() - began
        for effect in effects:
            if isinstance(effect, SayDesired):
                for assignment in effect.desired.tasks:
                    self.held[assignment.task] = (effect.desired.agent, assignment.fence)
        return took / 1000


def _fill(bench: Bench, pending: int) -> float:
    """Create tasks until *pending* wait; return the seconds that the core took for 100,000."""
    spent = created = 0.0
    chunk = 20_000
    while (waiting := sum(shape.live for shape in bench.state.shapes.values())) < pending:
        requests = [bench.submit(next(bench.numbers)) for _ in range(min(chunk, pending - waiting))]
        began = time.perf_counter()
        for request in requests:
            bench.do(request)
        spent += time.perf_counter() - began
        created += len(requests)
    return spent / created * 100_000


def _pairs(bench: Bench, number: int) -> dict[str, float]:
    for _ in range(200):
        bench.finish_one()
    gc.collect()
    costs = sorted(bench.finish_one() for _ in range(number))
    return {
        "p50_us": round(statistics.median(costs), 1),
        "p99_us": round(costs[int(number * 0.99)], 1),
        "max_us": round(costs[-1], 1),
    }


def _heartbeats(bench: Bench, number: int) -> float:
    """Return the seconds that the core takes for a million heartbeats."""
    agents = list(bench.seqs)[:1000]
    beats = [
        bench.heartbeat(agent, n + 2) for n in range(number // len(agents)) for agent in agents
    ]
    bench.clock_ms += 1000
    now = bench.now()
    began = time.perf_counter()
    for beat in beats:
        step(bench.state, beat, now)
    return (time.perf_counter() - began) / len(beats) * 1_000_000


def _heartbeats_as_time_passes(bench: Bench, number: int) -> tuple[float, int]:
    """Return the seconds for a million heartbeats one after the other, and the timers that fired.

    Each agent speaks every 10 s, and after each heartbeat the writer looks what is due.
    """
    agents = list(bench.seqs)[:1000]
    beats = [
        bench.heartbeat(agent, n + 1_000) for n in range(number // len(agents)) for agent in agents
    ]
    fired = 0
    began = time.perf_counter()
    for beat in beats:
        bench.clock_ms += 10_000 // len(agents)
        now = bench.now()
        step(bench.state, beat, now)
        if bench.state.timers.next_in_ms(now) == 0:
            step(bench.state, Ticked(), now)
            fired += 1
    return (time.perf_counter() - began) / len(beats) * 1_000_000, fired


def run(
    *, agents: int, depths: list[int], pairs: int, say: Callable[[str], None]
) -> dict[str, object]:
    """Measure a fleet of *agents* at each of *depths* tasks that wait."""
    gc.freeze()
    bench = Bench(agents, limit=200)
    say(f"{agents} agents in {len(bench.state.classes)} classes, limit 200")
    result: dict[str, object] = {"agents": agents, "heartbeats_1m_s": 0.0, "pairs": {}}
    result["heartbeats_1m_s"] = round(_heartbeats(bench, 100_000), 2)
    say(f"1,000,000 heartbeats: {result['heartbeats_1m_s']} s")
    passing_s, fired = _heartbeats_as_time_passes(bench, 50_000)
    result["heartbeats_as_time_passes_1m_s"] = round(passing_s, 2)
    say(f"the same as time passes: {passing_s:.2f} s; timers fired {fired} times in 50,000")
    by_depth: dict[str, dict[str, float]] = {}
    for depth in depths:
        creation_s = _fill(bench, depth)
        gc.freeze()
        by_depth[str(depth)] = {**_pairs(bench, pairs), "create_100k_s": round(creation_s, 2)}
        say(f"{depth:>9,} pending: {by_depth[str(depth)]}")
    result["pairs"] = by_depth
    return result


def main() -> int:
    """Run the benchmark and print what it found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer agents and tasks")
    parser.add_argument("--json", action="store_true", help="one JSON document and nothing else")
    options = parser.parse_args()
    depths = [5_000, 20_000] if options.quick else [20_000, 100_000, 1_000_000]
    found = run(
        agents=1_000 if options.quick else 10_000,
        depths=depths,
        pairs=5_000,
        say=(lambda _line: None) if options.json else print,
    )
    if options.json:
        sys.stdout.write(orjson.dumps(found).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
