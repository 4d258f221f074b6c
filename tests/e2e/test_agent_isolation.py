"""Isolated tasks of real bots that are frozen or killed, judged by the steps that were executed."""

import signal
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.fleet_process import LEASE_S, machine_now
from tests.support.processes import is_alive
from tests.support.stepping_bots import WITHIN_S, a_scene, overlapping_steps, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ends groups and guards")


@pytest.fixture(params=["function", "command"])
def kind(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


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
        assert list(overlapping_steps(scene.steps())) == []


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
        assert list(overlapping_steps(scene.steps())) == []


def test_a_cancelled_task_that_does_not_listen_is_killed_after_its_grace(
    kind: str, tmp_path: Path
) -> None:
    with a_scene(kind, tmp_path) as scene:
        scene.start_bot("bot-1")
        task, step = scene.begin()
        scene.client.ask("cancel", task=task)
        scene.client.wait_for(f"tasks/{task}", WITHIN_S, status="cancelled")
        assert not is_alive(step.pid)
