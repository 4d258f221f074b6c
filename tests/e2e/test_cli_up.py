"""``fleetbus up`` as people run it: real parts, killed parts, taken ports, and a clean end."""

import contextlib
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.brokers import free_port, process_of, wait_for_port
from tests.support.command_line import environment, fleetbus
from tests.support.other_brokers import command_of
from tests.support.processes import is_alive

WITHIN_S = 60.0
WITH_WEB = ("--mqtt-port", "0", "--ws-port", "0", "--http-port", "0")
FREE = (*WITH_WEB, "--no-web")


def agent(name: str, **more: Any) -> dict[str, Any]:
    given = {"name": name, "capabilities": ["quest"], "auto_start": True, "heartbeat_interval": 0.5}
    return given | more


def write_plan(folder: Path, *agents: dict[str, Any]) -> Path:
    plan = folder / "plan.json"
    plan.write_text(json.dumps({"fleet_name": "Test fleet", "agents": agents}))
    return plan


class Up:
    """A running ``fleetbus up``."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process = process
        self.folder = folder
        self.log = folder / "up.log"

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.folder / ".fleetbus" / "up.json").read_bytes())
        return state

    def pid(self, part: str) -> int:
        pid: int = self.state["parts"][part]["pid"]
        return pid

    def said(self) -> str:
        return self.log.read_text()

    def wait(self, done: Callable[[], bool]) -> None:
        end = time.monotonic() + WITHIN_S
        while not done():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < end, self.said()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)

    def kill_and_wait_for_the_next(self, part: str) -> None:
        killed = self.pid(part)
        os.kill(killed, signal.SIGKILL)
        self.wait(lambda: f"{part} runs again" in self.said())
        self.wait(lambda: self.state["parts"].get(part, {}).get("pid", killed) != killed)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(WITHIN_S)


def the_link_signs_in_once(running: "Up") -> None:
    running.wait(lambda: "/signin?link=" in running.said())
    link = re.findall(r"http://\S+/signin\?link=\S+", running.said())[0]
    # Each request has a connection of its own: on a busy machine an idle one is closed meanwhile.
    alone = httpx2.Limits(max_keepalive_connections=0)
    with httpx2.Client(follow_redirects=False, limits=alone) as browser:
        assert browser.get(link).status_code == 303
        session = browser.get(link.partition("signin")[0] + "session")
        assert session.json()["scope"] == "admin"
        assert browser.get(link).status_code == 401


@contextlib.contextmanager
def up(folder: Path, *agents: dict[str, Any], words: tuple[str, ...] = FREE) -> Iterator[Up]:
    with up_in(folder, "--plan", write_plan(folder, *agents), words=words) as running:
        yield running


@contextlib.contextmanager
def up_in(
    folder: Path,
    *more: str | Path,
    words: tuple[str, ...] = FREE,
    program: tuple[str, ...] = (sys.executable, "-m", "coordinator.cli"),
    variables: Mapping[str, str] | None = None,
) -> Iterator[Up]:
    with (folder / "up.log").open("w") as log:
        process = subprocess.Popen(
            [*program, "up", *more, *words],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment() if variables is None else variables,
        )
    running = Up(process, folder)
    try:
        running.wait((folder / ".fleetbus" / "up.json").exists)
        yield running
    finally:
        if process.poll() is None:
            running.stop()


@pytest.mark.long
def test_a_fleet_comes_up_works_mends_itself_and_goes_down_in_order(tmp_path: Path) -> None:
    own = [sys.executable, "-m", "agent_client", "Own", "--heartbeat", "0.5"]
    with up(tmp_path, agent("Main"), agent("Own", command=own), words=WITH_WEB) as running:
        broker = running.state["broker"]
        core, agents = {"broker", "coordinator", "web", "host"}, {"agent Main", "agent Own"}
        assert set(running.state["parts"]) == core | agents
        the_link_signs_in_once(running)
        for said in (f"-p {running.state['mqtt_port']} -t 'fleet/v1/#'", "fleetbus task add"):
            assert said in running.said()

        words = ("task", "add", "--name", "hello", "--mode", "quest", "--agent", "Own", "--wait")
        added = fleetbus(*words, "--json", "--broker", broker, cwd=tmp_path)
        assert added.returncode == 0, added.stderr
        task = json.loads(added.stdout)
        assert (task["status"], task["agent"]) == ("completed", "Own")
        listed = json.loads(fleetbus("agents", "--json", "--broker", broker, cwd=tmp_path).stdout)
        assert [card["agent"] for card in listed] == ["Main", "Own"]

        for part in ("agent Main", "coordinator", "broker", "host"):
            running.kill_and_wait_for_the_next(part)
        again = fleetbus(*words, "--broker", broker, cwd=tmp_path)
        assert again.returncode == 0, again.stderr
        assert "completed on Own" in again.stdout

        parts = [part["pid"] for part in running.state["parts"].values()]
        assert running.stop() == 0
    assert not any(is_alive(pid) for pid in parts)
    assert "was killed: " not in running.said()
    assert not (tmp_path / ".fleetbus" / "up.json").exists()


def test_a_fleet_comes_up_on_mosquitto_as_it_was_set_up_for_it(tmp_path: Path) -> None:
    plan, port, files = write_plan(tmp_path, agent("Main")), free_port(), tmp_path / "files"
    where = ("--plan", plan, "--mqtt-port", str(port), "--out", files)
    made = fleetbus("broker", "config", "mosquitto", *where, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    known = {
        "FLEETBUS_BROKER": f"mqtt://coordinator@127.0.0.1:{port}",
        "FLEETBUS_PASSWORD_FILE": ".fleetbus/secrets/coordinator.secret",
    }
    log = tmp_path / "mosquitto.log"
    with process_of(command_of("mosquitto", files), log, cwd=files) as mosquitto:
        wait_for_port(port, mosquitto, log)
        with up_in(
            tmp_path, "--plan", plan, words=("--http-port", "0"), variables=environment() | known
        ) as running:
            running.wait(lambda: "agent Main" in running.state["parts"])
            words = ("task", "add", "--name", "hello", "--mode", "quest", "--wait")
            added = fleetbus(*words, cwd=tmp_path, variables=known)
            assert "completed on Main" in added.stdout, added.stderr
            assert running.stop() == 0
    # Nobody was thrown out by another part of the same name.
    assert "already connected" not in log.read_text()


def test_a_closed_terminal_leaves_no_process_behind(tmp_path: Path) -> None:
    plan = write_plan(tmp_path, agent("Main"))
    process = subprocess.Popen(
        [sys.executable, "-m", "coordinator.cli", "up", "--plan", plan, *FREE],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
    )
    assert process.stdout is not None
    assert "Test fleet" in process.stdout.readline()
    process.stdout.close()
    running = Up(process, tmp_path)
    running.log.touch()
    running.wait((tmp_path / ".fleetbus" / "up.json").exists)
    parts = [part["pid"] for part in running.state["parts"].values()]
    process.send_signal(signal.SIGHUP)
    process.wait(WITHIN_S)
    assert len(parts) == 4
    assert not any(is_alive(pid) for pid in parts)


def test_a_second_up_on_the_same_data_says_who_has_it(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        second = fleetbus("up", "--plan", tmp_path / "plan.json", *FREE, cwd=tmp_path)
        assert second.returncode == 1
        assert f"already runs on .fleetbus (pid {running.process.pid})" in second.stderr


def test_after_a_killed_supervisor_the_next_one_takes_over(tmp_path: Path) -> None:
    with up(tmp_path, agent("Main")) as running:
        left = [part["pid"] for part in running.state["parts"].values()]
        running.process.kill()
        running.process.wait()
        (tmp_path / ".fleetbus" / "up.json").unlink()
    with up(tmp_path, agent("Main")) as running:
        assert "ended what an earlier `fleetbus up` left: broker (pid" in running.said()
        assert not any(is_alive(pid) for pid in left)


def test_a_taken_port_is_named_with_its_flag_before_anything_starts(tmp_path: Path) -> None:
    plan = write_plan(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        words = ("--mqtt-port", port, "--ws-port", "0", "--http-port", "0")
        said = fleetbus("up", "--plan", plan, *words, cwd=tmp_path)
    assert said.returncode == 1
    assert f"--mqtt-port {port}: cannot listen on 127.0.0.1 port {port}" in said.stderr
    assert "broker" not in said.stdout


def test_an_agent_that_dies_on_start_shows_its_log_and_the_rest_goes_on(tmp_path: Path) -> None:
    broken = agent("Broken", command=[sys.executable, "-c", "import sys; sys.exit('no game here')"])
    with up(tmp_path, agent("Main"), broken) as running:
        assert "agent Broken ended with exit status 1; starting it again" in running.said()
        assert "agent Main" in running.state["parts"]


def test_a_plan_with_mistakes_starts_nothing_and_names_them_all(tmp_path: Path) -> None:
    plan = write_plan(tmp_path, agent("Main", priority="urgent", slotz=2))
    said = fleetbus("up", "--plan", plan, *FREE, cwd=tmp_path)
    assert said.returncode == 1
    assert "agents[0].priority" in said.stderr
    assert "did you mean 'slots'?" in said.stderr
    assert not (tmp_path / ".fleetbus").exists()
    checked = fleetbus("plan", "check", plan, "--json", cwd=tmp_path)
    assert checked.returncode == 1
    problems = json.loads(checked.stdout)["problems"]
    assert [one["path"] for one in problems if one["severity"] == "error"] == [
        "agents[0].priority",
        "agents[0].slotz",
    ]


def test_each_part_can_be_run_by_hand_with_the_same_command(tmp_path: Path) -> None:
    plan = write_plan(tmp_path, agent("Main"))

    def run(*words: str | Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "coordinator.cli", *words],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )

    with contextlib.ExitStack() as stack:

        def keep(process: subprocess.Popen[str]) -> subprocess.Popen[str]:
            stack.callback(process.wait, WITHIN_S)
            stack.callback(process.terminate)
            return process

        broker = keep(run("broker", "--mqtt-port", "0", "--ws-port", "0"))
        assert broker.stdout is not None
        stack.callback(broker.stdout.close)
        url = f"mqtt://127.0.0.1:{json.loads(broker.stdout.readline())['mqtt_port']}"
        to = ("--broker", url)
        for words in (
            ("coordinator", "--plan", plan, "--http-port", "0", *to),
            ("agent", "Main", "--capability", "quest", "--heartbeat", "0.5", *to),
        ):
            process = keep(run(*words))
            assert process.stdout is not None
            stack.callback(process.stdout.close)
        end = time.monotonic() + WITHIN_S
        ask = ("task", "add", "--name", "hello", "--mode", "quest", "--wait", *to)
        while (added := fleetbus(*ask, cwd=tmp_path)).returncode:
            # Until the coordinator is there, which the command says.
            assert "coordinator" in added.stderr, added.stderr
            assert time.monotonic() < end, added.stderr
        assert "completed on Main" in added.stdout


def test_watch_draws_the_fleet_on_a_terminal_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    with up(tmp_path, agent("Main")) as running:
        watcher, terminal = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "coordinator.cli", "watch", "--broker", running.state["broker"]],
            cwd=tmp_path,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env={**environment(), "TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
            # Whoever runs tests in the background has made them, and what they start, deaf to it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )
        os.close(terminal)
        drawn = b""
        end = time.monotonic() + WITHIN_S
        while not all(part in drawn for part in (b"Test fleet", b"Main", b"online")):
            assert time.monotonic() < end, drawn
            drawn += os.read(watcher, 65_536)
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # how a terminal says that nobody is at its other end
            while os.read(watcher, 65_536):
                pass
        os.close(watcher)
        assert process.wait(WITHIN_S) == 0
