"""Isolated tasks of real bots that are frozen or killed, judged by the steps that were executed."""

import contextlib
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from tests.support.fleet_process import (
    CAPABILITIES,
    HEARTBEAT_S,
    LEASE_S,
    MARGIN_S,
    Fleet,
    Part,
    broker_for_a_fleet,
    brokers_to_test,
    machine_now,
    plan_of,
    running_fleet,
    wait_until_idle,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ends groups and guards")

WITHIN_S: Final = 30.0

STEPS: Final = """
import os, signal, sys, time

def note(task, fence):
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    os.write(FILE, f"{task} {fence} {os.getpid()} {now}\\n".encode())

def steps(task, fence):
    if fence == 1:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the first one does not listen
    for _ in range(1_500 if fence == 1 else 20):
        note(task, fence)
        time.sleep(0.01)

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
        where, folder = self.fleet.where, self.fleet.folder
        environment = {"STEPS_FILE": str(folder / "steps.txt")}
        state = str(folder / "state")
        if self._kind == "function":
            part = self.fleet.start(
                name,
                "bot",
                *(name, where.url, where.root, str(HEARTBEAT_S), state, *CAPABILITIES),
                environment=environment | {"PYTHONPATH": os.pathsep.join([str(folder), ROOT])},
            )
        else:
            config = folder / "bot.json"
            command = {"exec": [sys.executable, "-c", COMMAND], "env": environment}
            config.write_text(json.dumps({"handlers": {"quest": command}}))
            part = self.fleet.start_agent(name, "--config", str(config), "--state-dir", state)
        wait_until_idle(self.client, [name])
        return part

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


@pytest.fixture(params=["function", "command"])
def kind(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@contextlib.contextmanager
def a_scene(kind: str, folder: Path, lease_s: float = LEASE_S) -> Iterator[Scene]:
    fleet_folder = folder / "fleet"
    fleet_folder.mkdir()
    (fleet_folder / "steps.py").write_text(STEPS)
    (fleet_folder / "bot.py").write_text(BOT)
    leases = {"heartbeat": HEARTBEAT_S, "lease_s": lease_s, "margin_s": MARGIN_S}
    plan = plan_of(["bot-1", "bot-2"], leases=leases)
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


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def assert_no_overlap(steps: list[Step]) -> None:
    fences = sorted({step.fence for step in steps})
    for former, later in itertools.pairwise(fences):
        last = max(step.at for step in steps if step.fence == former)
        first = min(step.at for step in steps if step.fence == later)
        assert last < first, f"fence {former} took a step {last - first:.3f} s into {later}"


def test_a_frozen_agents_task_is_dead_at_its_deadline_and_never_takes_another_step(
    kind: str, tmp_path: Path
) -> None:
    with a_scene(kind, tmp_path) as scene:
        frozen = scene.start_bot("bot-1").process
        task, step = scene.begin()
        frozen.send_signal(signal.SIGSTOP)
        stopped_at = machine_now()
        try:
            wait_for(lambda: not is_alive(step.pid), "the end of the task's process")
            assert machine_now() - stopped_at < LEASE_S
            assert psutil.Process(frozen.pid).status() == psutil.STATUS_STOPPED
            scene.start_bot("bot-2")
            scene.client.wait_for(f"tasks/{task}", WITHIN_S, status="completed", agent="bot-2")
        finally:
            frozen.send_signal(signal.SIGCONT)
        # What it says first, back in the fleet, is said after all that it had left to do.
        scene.client.wait_for("agents/bot-1/heartbeat", WITHIN_S, holding=[], outbox=0)
        assert {step.fence for step in scene.steps()} == {1, 2}
        assert_no_overlap(scene.steps())


def test_a_killed_agents_task_ends_before_its_successor_says_that_it_has(
    kind: str, tmp_path: Path
) -> None:
    with a_scene(kind, tmp_path, lease_s=60.0) as scene:
        killed = scene.start_bot("bot-1")
        task, step = scene.begin(cancel_grace_s=4.0)
        killed.kill()
        assert is_alive(step.pid)
        scene.start_bot("bot-1")
        assert not is_alive(step.pid)
        scene.client.wait_for(f"tasks/{task}", WITHIN_S, status="completed")
        assert {step.fence for step in scene.steps()} == {1, 2}
        assert_no_overlap(scene.steps())


def test_a_cancelled_task_that_does_not_listen_is_killed_after_its_grace(
    kind: str, tmp_path: Path
) -> None:
    with a_scene(kind, tmp_path) as scene:
        scene.start_bot("bot-1")
        task, step = scene.begin()
        scene.client.ask("cancel", task=task)
        scene.client.wait_for(f"tasks/{task}", WITHIN_S, status="cancelled")
        assert not is_alive(step.pid)
