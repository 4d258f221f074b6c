"""Bots whose work is done in processes of its own and notes each step, to be frozen and killed.

A first attempt does not listen when it is asked to stop, so that nothing but its end ends it.
"""

import contextlib
import itertools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.support.fleet_process import (
    CAPABILITIES,
    HEARTBEAT_S,
    LEASE_S,
    MARGIN_S,
    Fleet,
    Part,
    broker_for_a_fleet,
    brokers_to_test,
    plan_of,
    running_fleet,
    wait_until_idle,
)

WITHIN_S: Final = 60.0

STEPS: Final = """
import os, signal, sys, time

def note(task, fence):
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    os.write(FILE, f"{task} {fence} {os.getpid()} {now}\\n".encode())

def steps(task, fence):
    if fence == 1:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the first one does not listen
    for _ in range(1_500 if fence == 1 else LATER_STEPS):
        note(task, fence)
        time.sleep(0.01)

LATER_STEPS = int(os.environ.get("LATER_STEPS", "20"))
FILE = os.open(os.environ["STEPS_FILE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
"""

BOT: Final = """
import logging, sys
from agent_client import Agent
from steps import steps

logging.basicConfig(level="INFO")
name, broker, root, heartbeat_s, state_dir, *capabilities = sys.argv[1:]
agent = Agent(name, broker=broker, root=root, heartbeat_s=float(heartbeat_s),
              state_dir=state_dir, capabilities=capabilities)

@agent.handler("quest", isolation="process")
def quest(task):
    steps(task.id, task.fence)

if __name__ == "__main__":
    agent.run()
"""

COMMAND: Final = (
    "import os; from steps import steps;"
    'steps(os.environ["FLEETBUS_TASK"], int(os.environ["FLEETBUS_FENCE"]))'
)


@dataclass(frozen=True)
class Step:
    task: str
    fence: int
    pid: int
    at: float


class Scene:
    """A fleet whose bots do each step of their work in a process of its own."""

    def __init__(self, fleet: Fleet, kind: str) -> None:
        self.fleet = fleet
        self.client = fleet.client("me")
        self._kind = kind

    def start_bot(self, name: str) -> Part:
        """Start a bot and wait until it is idle."""
        part = self.begin_bot(name)
        wait_until_idle(self.client, [name])
        return part

    def begin_bot(self, name: str, *words: str, later_steps: int = 20) -> Part:
        """Start a bot; later attempts than the first take so many steps."""
        where, folder = self.fleet.where, self.fleet.folder
        environment = {"STEPS_FILE": str(folder / "steps.txt"), "LATER_STEPS": str(later_steps)}
        state = str(folder / "state")
        if self._kind == "function":
            return self.fleet.start(
                name,
                "bot",
                *(name, where.url, where.root, str(HEARTBEAT_S), state, *CAPABILITIES),
                environment=environment | {"PYTHONPATH": os.pathsep.join([str(folder), ROOT])},
            )
        config = folder / f"{name}.json"  # its own: others may be reading theirs just now
        command = {"exec": [sys.executable, "-c", COMMAND], "env": environment}
        config.write_text(json.dumps({"handlers": {"quest": command}}))
        known = ("--config", str(config), "--state-dir", state)
        return self.fleet.start_agent(name, *known, *words)

    def steps(self) -> list[Step]:
        path = self.fleet.folder / "steps.txt"
        lines = path.read_text().splitlines() if path.exists() else []
        read = (line.split() for line in lines)
        return [Step(task, int(fence), int(pid), float(at)) for task, fence, pid, at in read]

    def begin(self, **spec: Any) -> tuple[str, Step]:
        """Create a task and wait until its first steps were executed."""
        task = self.client.create("quest-1", **spec)
        wait_for(lambda: len(self.steps()) > 10, "a few steps")
        return task, self.steps()[-1]


ROOT: Final = str(Path(__file__).parents[2])


@contextlib.contextmanager
def a_scene(
    kind: str, folder: Path, lease_s: float = LEASE_S, bots: Sequence[str] = ("bot-1", "bot-2")
) -> Iterator[Scene]:
    """Run a fleet of no bots yet; the plan knows *bots*."""
    fleet_folder = folder / "fleet"
    fleet_folder.mkdir()
    (fleet_folder / "steps.py").write_text(STEPS)
    (fleet_folder / "bot.py").write_text(BOT)
    leases = {"heartbeat": HEARTBEAT_S, "lease_s": lease_s, "margin_s": MARGIN_S}
    plan = plan_of(bots, leases=leases)
    with (
        broker_for_a_fleet(brokers_to_test()[0], folder) as where,
        running_fleet(where, fleet_folder, [], plan) as fleet,
    ):
        yield Scene(fleet, kind)


def wait_for(found: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not found():
        assert time.monotonic() < deadline, f"not within {WITHIN_S} s: {what}"
        time.sleep(0.01)


def overlapping_steps(steps: Sequence[Step]) -> Iterator[str]:
    """Name the attempts that took a step when a later one of the same task had taken one."""
    spans: dict[tuple[str, int], tuple[float, float]] = {}
    for step in steps:
        first, last = spans.get((step.task, step.fence), (step.at, step.at))
        spans[step.task, step.fence] = min(first, step.at), max(last, step.at)
    for (task, former), (later_task, later) in itertools.pairwise(sorted(spans)):
        late_s = spans[task, former][1] - spans[later_task, later][0]
        if task == later_task and late_s >= 0:
            yield f"{task}: fence {former} took a step {late_s:.3f} s into fence {later}"
