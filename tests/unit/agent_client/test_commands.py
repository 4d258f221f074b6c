"""Handlers that are commands of the agent's own configuration, run for real."""

import json
import logging
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from agent_client import BadSetting, Cancelled, Failed, own_config
from agent_client.clock import SystemClock
from agent_client.command import command_handler
from agent_client.core.effects import StartHandler
from agent_client.core.events import Event, HandlerProgressed
from agent_client.core.fence import Fence
from agent_client.core.outcomes import StopWhy
from agent_client.own_config import CommandConfig
from agent_client.record import Record
from agent_client.run import Run
from agent_client.task import Task
from tests.support.processes import is_alive
from tests.unit.agent_client.scene import assignment

WITHIN_S = 60.0


class Stage:
    def __init__(self, script: str, **fields: Any) -> None:
        clock = SystemClock()
        self.progressed = threading.Event()
        self.error: BaseException | None = None
        given = assignment(**fields)
        self.run = Run(
            StartHandler(Fence("t1", 1), given, clock.now_ms() + 60_000), clock, self._hear
        )
        self.task = Task(self.run)
        self._handler = command_handler(CommandConfig(exec=(sys.executable, "-c", script)))

    def _hear(self, event: Event, wake: bool) -> None:
        if isinstance(event, HandlerProgressed):
            self.progressed.set()

    def result(self) -> object:
        return self._handler(self.task)

    def in_a_thread(self) -> threading.Thread:
        def work() -> None:
            try:
                self.result()
            except BaseException as error:  # noqa: BLE001 - looked at by the test
                self.error = error

        thread = threading.Thread(target=work)
        thread.start()
        return thread


def test_a_command_gets_the_task_on_its_input_and_in_its_environment() -> None:
    script = (
        "import json, os, sys; task = json.loads(sys.stdin.readline());"
        "print(json.dumps({'result': [task['args'], task['fence'], os.environ['FLEETBUS_TASK']]}))"
    )
    assert Stage(script, args={"a": 1}).result() == [{"a": 1}, 1, "t1"]


def test_a_command_without_a_result_has_its_exit_code_and_the_end_of_what_it_said() -> None:
    assert Stage("print('hello')").result() == {"exit_code": 0, "tail": "hello"}


def test_a_command_that_fails_fails_the_task_with_its_last_words() -> None:
    with pytest.raises(Failed, match="exit_3: oh no"):
        Stage("import sys; sys.stderr.write('oh no'); sys.exit(3)").result()


def test_a_command_streams_its_progress() -> None:
    stage = Stage('print(\'{"pct": 40, "step": "half"}\', flush=True); print(\'{"pct": 999}\')')
    stage.result()
    assert stage.run.take_progress() == HandlerProgressed(Fence("t1", 1), 40, "half")


def test_a_cancelled_command_is_ended_with_everything_it_started() -> None:
    script = (
        "import json, os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(json.dumps({'step': f'{os.getpid()} {child.pid}'}), flush=True)\n"
        "time.sleep(600)\n"
    )
    stage = Stage(script, cancel_grace_s=0.2)
    thread = stage.in_a_thread()
    assert stage.progressed.wait(WITHIN_S)
    progress = stage.run.take_progress()
    stage.run.ask_to_stop(StopWhy.CANCELLED)
    thread.join(WITHIN_S)
    assert isinstance(stage.error, Cancelled)
    assert progress is not None
    assert progress.step is not None
    assert not any(is_alive(int(pid)) for pid in progress.step.split())


def test_a_command_that_does_not_exist_is_no_reason_to_try_again() -> None:
    stage = Stage("")
    stage._handler = command_handler(CommandConfig(exec=("/no/such/program",)))
    with pytest.raises(Failed, match="could not be started") as failed:
        stage.result()
    assert not failed.value.retryable


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("own.toml", '[handlers.build]\nexec = ["make", "all"]\n'),
        ("own.json", '{"handlers": {"build": {"exec": ["make", "all"]}}}'),
    ],
)
def test_the_own_configuration_is_toml_or_json(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert own_config.read(str(path)).handlers["build"].exec == ("make", "all")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[handlers.build]\nexec = "make all"\n', "handlers.build.exec"),
        ("[handlers.build]\nexec = []\n", "handlers.build.exec"),
        ('[handlers.build]\nexec = ["make"]\nshell = true\n', "handlers.build.shell"),
        ("not toml", "valid TOML"),
    ],
)
def test_a_mistake_in_it_is_named_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(BadSetting, match=place):
        own_config.read(str(path))


def test_what_a_bot_keeps_in_the_same_file_is_left_alone_but_mentioned(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "own.toml"
    path.write_text("colour = 'red'\n[handlers.build]\nexec = ['make']\n")
    with caplog.at_level(logging.INFO):
        assert list(own_config.read(str(path)).handlers) == ["build"]
    assert "colour" in caplog.text


def test_a_record_tells_what_was_really_executed(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    record = Record(str(path), "bot")

    def fail(task: Task) -> None:
        raise Failed

    try:
        with pytest.raises(Failed):
            record.around(fail)(Stage("").task)
    finally:
        record.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    told = [(line["event"], line["task"], line["fence"], line["agent"]) for line in lines]
    assert told == [("begin", "t1", 1, "bot"), ("end", "t1", 1, "bot")]
    assert lines[0]["t"] <= lines[1]["t"]
