"""The supervisor of ``fleetbus up`` around real processes that do as they are told, or do not."""

import contextlib
import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from agent_client.host.restarts import Restarts
from coordinator.cli.up import parts
from coordinator.cli.up.data import AlreadyUp, end_leftovers, held, write_pids
from coordinator.cli.up.parts import Kind, Part
from coordinator.cli.up.process import PartProcess
from coordinator.cli.up.supervisor import PATIENCE_S, PartFailed, Stopped, Supervisor
from protocol.errors import FleetBusError

WITHIN_S = 60.0
POLITE = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); print('up')"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up')"
FOR_EVER = "; signal.pause()"


def part(kind: Kind, name: str, code: str) -> Part:
    return Part(kind, name, (sys.executable, "-c", code))


def wait_until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN_S
    while not done():
        assert time.monotonic() < end, "not within the deadline"
        threading.Event().wait(0.02)


def wait_until_up(process: PartProcess) -> None:
    """Wait until its signal handlers are set."""
    wait_until(lambda: process.said() == ["up"])


class Told:
    """What the supervisor said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, line: str) -> None:
        self.lines.append(line)

    def tells(self, text: str) -> bool:
        return any(text in line for line in self.lines)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def supervisor(tmp_path: Path, told: Told) -> Iterator[Supervisor]:
    made = Supervisor(tmp_path, told)
    yield made
    for process in made.processes:
        process.kill()


@contextlib.contextmanager
def supervising(supervisor: Supervisor) -> Iterator[None]:
    thread = threading.Thread(target=supervisor.supervise)
    thread.start()
    try:
        yield
    finally:
        supervisor.stop_asked += 1
        thread.join(WITHIN_S)
    assert not thread.is_alive()


def test_parts_are_stopped_the_host_first_and_the_broker_last(
    supervisor: Supervisor, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in PATIENCE_S:
        monkeypatch.setitem(PATIENCE_S, kind, math.inf)
    for kind in (Kind.BROKER, Kind.COORDINATOR, Kind.HOST):
        wait_until_up(supervisor.start(part(kind, kind.value, POLITE + FOR_EVER)))
    assert supervisor.stop_all() == []
    assert told.lines == ["stopping host", "stopping coordinator", "stopping broker"]


def test_whoever_presses_ctrl_c_waits_less_than_ten_seconds_for_all_parts() -> None:
    first = max(PATIENCE_S[Kind.HOST], PATIENCE_S[Kind.WEB])
    assert first + PATIENCE_S[Kind.COORDINATOR] + PATIENCE_S[Kind.BROKER] < 10


def test_what_does_not_stop_is_killed_with_its_children_and_told(supervisor: Supervisor) -> None:
    child = "import signal; signal.pause()"
    spawn = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', '{child}'])"
    code = f"{spawn}; {STUBBORN}"
    process = supervisor.start(part(Kind.BROKER, "broker", code + FOR_EVER))
    wait_until_up(process)
    children = psutil.Process(process.pid).children()
    assert len(children) == 1
    assert supervisor.stop_all() == [f"broker (pid {process.pid})"]
    _, alive = psutil.wait_procs(children, timeout=WITHIN_S)
    assert alive == []


def test_being_asked_twice_means_now(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PATIENCE_S, Kind.HOST, math.inf)
    process = supervisor.start(part(Kind.HOST, "host", STUBBORN + FOR_EVER))
    wait_until_up(process)
    supervisor.stop_asked = 2
    assert supervisor.stop_all() == [f"host (pid {process.pid})"]


def test_ctrl_c_reaches_no_part_by_itself(supervisor: Supervisor) -> None:
    process = supervisor.start(part(Kind.HOST, "host", POLITE + FOR_EVER))
    assert os.getpgid(process.pid) != os.getpgid(0)


def test_a_killed_part_is_started_again(supervisor: Supervisor, told: Told) -> None:
    first = supervisor.start(part(Kind.HOST, "host", POLITE + FOR_EVER))
    wait_until_up(first)
    with supervising(supervisor):
        os.kill(first.pid, signal.SIGKILL)
        wait_until(lambda: told.tells("host runs again"))
    (second,) = supervisor.processes
    assert second.pid != first.pid
    assert told.tells("host was killed by SIGKILL; starting it again in 1.0 s")


def test_a_core_that_keeps_dying_is_given_up_with_the_end_of_its_log(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = Restarts(limit=2, window_s=60, first_s=0, longest_s=0)
    monkeypatch.setattr(parts, "OF_THE_CORE", at_once)
    supervisor.start(part(Kind.COORDINATOR, "coordinator", "import sys; sys.exit('no store')"))
    with pytest.raises(PartFailed, match=r"(?s)exit status 1, 3 times now.*no store"):
        supervisor.supervise()


def test_a_part_that_dies_while_starting_shows_the_end_of_its_log(supervisor: Supervisor) -> None:
    supervisor.start(part(Kind.BROKER, "broker", "print('\\x1b[31mno port'); raise SystemExit(4)"))
    with pytest.raises(PartFailed, match=r"(?s)exit status 4 while starting.*  \[31mno port"):
        supervisor.wait(lambda: False, WITHIN_S)


def test_being_asked_to_stop_ends_a_start(supervisor: Supervisor) -> None:
    supervisor.start(part(Kind.BROKER, "broker", POLITE + FOR_EVER))
    supervisor.stop_asked = 1
    with pytest.raises(Stopped):
        supervisor.wait(lambda: False, WITHIN_S)


def test_a_program_that_is_not_there_is_named(supervisor: Supervisor) -> None:
    with pytest.raises(FleetBusError, match=r"host cannot be started: /no/such/bot: No such"):
        supervisor.start(Part(Kind.HOST, "host", ("/no/such/bot",)))


def test_one_supervisor_has_a_data_directory_and_a_dead_one_has_none(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(AlreadyUp, match=rf"pid {os.getpid()}"), held(tmp_path):
        pass
    with held(tmp_path):
        pass


def test_what_a_killed_supervisor_left_is_ended_and_nobody_else(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    left = supervisor.start(part(Kind.HOST, "host", POLITE + FOR_EVER))
    other = supervisor.start(part(Kind.HOST, "other", POLITE + FOR_EVER))
    wait_until_up(other)
    write_pids(tmp_path, [left, other])
    pids = tmp_path / "up.pids.json"
    noted = json.loads(pids.read_bytes())
    noted[1]["created"] -= 1000  # the number belonged to somebody else then
    pids.write_text(json.dumps(noted))
    assert end_leftovers(tmp_path) == [f"host (pid {left.pid})"]
    assert left.status is not None
    assert other.status is None
