"""Agents that are stopped for longer than their leases and continued, 50 times.

With an agent stops, by lot, the guard of its task or the task itself as well, as when a whole
machine sleeps. They go on around the moment at which somebody else gets the task.
"""

import contextlib
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
import pytest

from tests.support.chance import chance
from tests.support.fleet_process import Part, wait_until_idle
from tests.support.stepping_bots import Scene, a_scene, overlapping_steps

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ends groups and guards")

STOPS: Final = 50
MOST_ROUNDS: Final = 10
LEASE_S: Final = 2.0
SLOW_BOTS: Final = tuple(f"slow-{n}" for n in range(17))
QUICK_BOTS: Final = ("quick-0", "quick-1")
WITHIN_S: Final = 30.0
LOOK_EVERY_S: Final = 0.01


@dataclass
class Stopped:
    """What stands still, and until when."""

    processes: list[psutil.Process]
    until: float

    def go_on(self) -> None:
        for process in self.processes:
            # The kernel may just be ending the guard of a task whose lease is over.
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()


class Stops:
    """One fleet whose slow bots are stopped again and again."""

    def __init__(self, scene: Scene, lots: random.Random) -> None:
        self.count = 0
        self.extents: dict[int, int] = {}
        self._scene = scene
        self._client = scene.client
        self._lots = lots
        self._bots: dict[str, Part] = {name: scene.begin_bot(name) for name in SLOW_BOTS}
        for name in QUICK_BOTS:
            scene.begin_bot(name, "--slots", str(len(SLOW_BOTS)), later_steps=60)
        wait_until_idle(self._client, [*SLOW_BOTS, *QUICK_BOTS])

    def one_round(self) -> None:
        """Let every slow bot begin a task, stop them all, and let them go on after their leases."""
        for name in QUICK_BOTS:
            self._client.ask("cordon", agent=name, reason="the slow ones are to begin")
        tasks = [
            self._client.create("quest", cancel_grace_s=0.3, max_attempts=9) for _ in self._bots
        ]
        self._until(lambda: {step.task for step in self._scene.steps()} >= set(tasks))
        for name in QUICK_BOTS:
            self._client.ask("return", agent=name)
        at_work = {step.pid for step in self._scene.steps()}
        parts = self._bots.values()
        stopped = [bot for part in parts if (bot := self._stop(part, at_work)) is not None]
        self.count += len(stopped)
        waiting = sorted(stopped, key=lambda bot: bot.until)
        try:
            while waiting:
                self._until(lambda: time.monotonic() >= waiting[0].until)
                waiting.pop(0).go_on()
        finally:
            for bot in waiting:
                bot.go_on()
        for task in tasks:
            self._client.wait_for(f"tasks/{task}", WITHIN_S, status="completed")
        wait_until_idle(self._client, list(self._bots))

    def _stop(self, part: Part, at_work: set[int]) -> Stopped | None:
        """Stop a bot that is at work, and by lot what works for it."""
        bot = psutil.Process(part.process.pid)
        below = bot.children(recursive=True)
        if not any(process.pid in at_work for process in below):
            return None  # its task has just been lost, or it never got one
        extent = self._lots.randrange(3)
        self.extents[extent] = self.extents.get(extent, 0) + 1
        chosen = [bot, *below[: extent if extent < 2 else None]]
        for process in chosen:
            process.send_signal(signal.SIGSTOP)
        stands_s = LEASE_S + self._lots.uniform(0.0, 1.2)
        self._lots.shuffle(chosen)
        return Stopped(chosen, time.monotonic() + stands_s)

    def _until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not is_so():
            assert time.monotonic() < deadline
            time.sleep(LOOK_EVERY_S)


def test_agents_that_are_stopped_fifty_times_take_no_step_of_what_was_given_away(
    tmp_path: Path,
) -> None:
    lots = chance()
    with a_scene("command", tmp_path, LEASE_S, [*SLOW_BOTS, *QUICK_BOTS]) as scene:
        stops = Stops(scene, lots)
        rounds = 0
        while stops.count < STOPS:
            stops.one_round()
            rounds += 1
            assert rounds < MOST_ROUNDS, f"only {stops.count} stops hit a bot at work"
        steps = scene.steps()
    fences = {(step.task, step.fence) for step in steps}
    print(f"{stops.count} stops of {stops.extents}, {len(fences)} attempts, {len(steps)} steps")  # noqa: T201 -- what was shown
    assert list(overlapping_steps(steps)) == []
    given_away = {task for task, fence in fences if fence > 1}
    assert len(given_away) >= STOPS // 2
