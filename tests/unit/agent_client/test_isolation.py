"""Handlers in processes of their own: what they do, and what no misbehaviour of theirs can do."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from agent_client import Agent, BadSetting, Failed, LeaseLost, MustStop, Rejected
from agent_client.clock import SystemClock
from agent_client.core.effects import StartHandler
from agent_client.core.events import Event, HandlerPaused, HandlerProgressed, HandlerResumed
from agent_client.core.fence import Fence
from agent_client.core.outcomes import StopWhy
from agent_client.isolation.guard import Watch
from agent_client.isolation.handler import ProcessHandler
from agent_client.run import Run
from agent_client.task import Task
from tests.support.processes import descendants, is_alive
from tests.unit.agent_client import misbehaviour
from tests.unit.agent_client.scene import assignment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="ends groups and guards")

WITHIN_S = 60.0


class Stage:
    """One isolated task; the test is the agent."""

    def __init__(
        self, function: Callable[..., object], lease_ms: int = 60_000, **fields: Any
    ) -> None:
        self.clock = SystemClock()
        self.heard: list[Event] = []
        self._news = threading.Condition()
        given = assignment("t1", 1, **({"cancel_grace_s": 0.3} | fields))
        self.deadline_ms = self.clock.now_ms() + lease_ms
        start = StartHandler(Fence("t1", 1), given, self.deadline_ms)
        self.run = Run(start, self.clock, self._hear)
        self._handler = ProcessHandler(function)
        self.result: object = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._work)

    def _hear(self, event: Event, wake: bool) -> None:
        with self._news:
            self.heard.append(event)
            self._news.notify_all()

    def _work(self) -> None:
        try:
            self.result = self._handler(Task(self.run))
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.error = error

    def begin(self) -> "Stage":
        self._thread.start()
        return self

    def until(self, kind: type[Event]) -> None:
        with self._news:
            assert self._news.wait_for(
                lambda: any(isinstance(event, kind) for event in self.heard), WITHIN_S
            )

    def end(self) -> object:
        """Wait for the end; return what the handler returned or raise what it raised."""
        self._thread.join(WITHIN_S)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error
        return self.result

    def take_progress(self) -> HandlerProgressed | None:
        return self.run.take_progress()


def guards() -> list[psutil.Process]:
    return descendants(lambda process: "guard.py" in " ".join(process.cmdline()))


@contextlib.contextmanager
def nothing_left() -> Iterator[None]:
    yield
    wait_for(lambda: not guards())


def test_a_handler_works_in_another_process_and_its_words_come_back() -> None:
    stage = Stage(misbehaviour.good, args={"a": [1, None]}, mode="render").begin()
    result: Any = stage.end()
    assert (result["args"], result["mode"]) == ({"a": [1, None]}, "render")
    assert result["pid"] != os.getpid()
    progress = stage.take_progress()
    assert progress is not None
    assert (progress.pct, progress.step) == (50.0, "half")


@pytest.mark.parametrize(
    ("handler", "code"),
    [
        (misbehaviour.raises, "ValueError"),
        (misbehaviour.fails, "no_luck"),
        (misbehaviour.sys_exit, "SystemExit"),
        (misbehaviour.os_exit, "exit_3"),
        (misbehaviour.segfault, "signal_11"),
        (misbehaviour.killed, "signal_9"),
        (misbehaviour.closes_files, "exit_121"),
        (misbehaviour.unportable, "bad_result"),
    ],
)
def test_what_a_handler_does_to_itself_fails_its_task_only(
    handler: Callable[..., object], code: str
) -> None:
    with pytest.raises(Failed) as failed, nothing_left():
        Stage(handler).begin().end()
    assert failed.value.code == code
    assert failed.value.retryable == (code not in {"no_luck", "bad_result"})


def test_a_refusal_comes_back_as_one() -> None:
    with pytest.raises(Rejected) as rejected:
        Stage(misbehaviour.rejects).begin().end()
    assert (rejected.value.code, rejected.value.retry_after_s) == ("not_mine", 3.0)


@pytest.mark.parametrize(
    ("handler", "result"),
    [
        (misbehaviour.prints, "the truth"),
        (misbehaviour.leaves_a_thread, "ended"),
        (misbehaviour.chatty, "said it all"),
        (misbehaviour.big, "x" * 200_000),
    ],
)
def test_neither_prints_nor_threads_nor_floods_nor_size_spoil_a_result(
    handler: Callable[..., object], result: str
) -> None:
    with nothing_left():
        assert Stage(handler).begin().end() == result


def test_of_a_handler_that_forks_only_the_original_speaks() -> None:
    assert Stage(misbehaviour.forks).begin().end() != 0


def test_what_a_handler_leaves_behind_ends_with_it() -> None:
    pid = Stage(misbehaviour.leaves_a_fork).begin().end()
    assert isinstance(pid, int)
    assert not is_alive(pid)


@pytest.mark.parametrize(
    "handler", [misbehaviour.deaf, misbehaviour.hangs, misbehaviour.holds_the_gil]
)
def test_a_handler_that_does_not_listen_is_killed_at_its_deadline(
    handler: Callable[..., object],
) -> None:
    stage = Stage(handler, lease_ms=2_500, cancel_grace_s=0.5).begin()
    with pytest.raises(LeaseLost), nothing_left():
        stage.end()
    assert 0 <= stage.clock.now_ms() - stage.deadline_ms < 1_000


@pytest.mark.parametrize("handler", [misbehaviour.hangs, misbehaviour.holds_the_gil])
def test_a_handler_that_does_not_listen_is_killed_after_its_grace(
    handler: Callable[..., object],
) -> None:
    stage = Stage(handler).begin()
    stage.run.ask_to_stop(StopWhy.CANCELLED)
    with pytest.raises(MustStop), nothing_left():
        stage.end()


def test_a_stop_is_raised_where_the_handler_waits_so_that_it_can_tidy_up(tmp_path: Path) -> None:
    file = tmp_path / "file"
    stage = Stage(misbehaviour.tidy, lease_ms=4_000, cancel_grace_s=2.0, args={"file": str(file)})
    with pytest.raises(LeaseLost):
        stage.begin().end()
    assert file.read_text() == "tidied up"


def test_a_coroutine_is_cancelled() -> None:
    stage = Stage(misbehaviour.never, lease_ms=4_000, cancel_grace_s=2.0).begin()
    with pytest.raises(LeaseLost):
        stage.end()
    assert stage.clock.now_ms() < stage.deadline_ms


@pytest.mark.parametrize("handler", [misbehaviour.patient, misbehaviour.asynchronous])
def test_a_handler_in_a_process_rests_goes_on_and_is_cancelled(
    handler: Callable[..., object],
) -> None:
    stage = Stage(handler).begin()
    stage.until(HandlerProgressed)
    stage.run.ask_to_rest(rest=True)
    stage.until(HandlerPaused)
    stage.run.ask_to_rest(rest=False)
    stage.until(HandlerResumed)
    stage.run.ask_to_stop(StopWhy.CANCELLED)
    with pytest.raises(MustStop), nothing_left():
        stage.end()


def test_a_lease_that_is_renewed_lets_the_work_go_on() -> None:
    stage = Stage(misbehaviour.patient, lease_ms=2_000).begin()
    stage.until(HandlerProgressed)
    stage.run.extend(stage.deadline_ms + 60_000)
    with stage._news:
        assert not stage._news.wait_for(lambda: stage.error is not None, 2.5)
    stage.run.ask_to_stop(StopWhy.CANCELLED)
    with pytest.raises(MustStop):
        stage.end()


def test_work_that_comes_too_late_is_never_begun(tmp_path: Path) -> None:
    file = tmp_path / "steps"
    stage = Stage(misbehaviour.steps, lease_ms=0, args={"file": str(file)}).begin()
    with pytest.raises(LeaseLost):
        stage.end()
    assert not file.exists()


def test_when_its_guard_is_killed_a_task_dies_with_it(tmp_path: Path) -> None:
    file = tmp_path / "steps"
    stage = Stage(misbehaviour.steps, args={"file": str(file)}).begin()
    wait_for(lambda: file.exists() and file.stat().st_size > 0)
    (guard,) = guards()
    (task,) = guard.children()
    guard.kill()
    with pytest.raises(Failed, match="guard_died"):
        stage.end()
    wait_for(lambda: not is_alive(task.pid))


def test_a_guard_that_is_frozen_with_its_task_is_dead_just_after_the_deadline(
    tmp_path: Path,
) -> None:
    file = tmp_path / "steps"
    stage = Stage(misbehaviour.steps, lease_ms=4_000, args={"file": str(file)}).begin()
    wait_for(lambda: file.exists() and file.stat().st_size > 0)
    (guard,) = guards()
    (task,) = guard.children()
    for process in (guard, task):
        process.suspend()
    wait_for(lambda: not is_alive(task.pid))
    assert stage.clock.now_ms() >= stage.deadline_ms
    stage.run.ask_to_stop(StopWhy.LEASE_LOST)
    with pytest.raises(LeaseLost):
        stage.end()


def wait_for(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("handler", [lambda task: None, contextlib.nullcontext(), time])
def test_only_what_another_interpreter_can_import_may_have_a_process(handler: Any) -> None:
    agent = Agent("bot-1")
    with pytest.raises(BadSetting, match="handler"):
        agent.add_handler(handler, "render", isolation="process")


def test_another_kind_of_isolation_is_unknown() -> None:
    with pytest.raises(BadSetting, match="isolation='vm'"):
        Agent("bot-1").add_handler(misbehaviour.good, "render", isolation="vm")  # type: ignore[arg-type]  # that is the mistake


# --- the bot's own file

BOT = """
import sys, threading
from agent_client.clock import SystemClock
from agent_client.core.effects import StartHandler
from agent_client.core.fence import Fence
from agent_client import Agent
from agent_client.run import Run
from agent_client.task import Task
from agent_client.messages import Assignment

agent = Agent("bot-1")

@agent.handler("render", isolation="process")
def render(task):
    return [__name__, sys.argv[1:], "lib" in globals()]

{guard}
    clock = SystemClock()
    given = Assignment(
        task="t1", name="t1", mode="render", fence=1, lease_s=60, margin_s=2, cancel_grace_s=1
    )
    start = StartHandler(Fence("t1", 1), given, clock.now_ms() + 60_000)
    try:
        print(agent._handlers.find("render").handler(Task(Run(start, clock, lambda *_: None))))
    except Exception as error:
        print(error)
"""


def run_bot(folder: Path, guard: str) -> str:
    (folder / "bot.py").write_text(BOT.format(guard=guard))
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "bot.py", "word"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=True,
    )
    assert not done.stderr, done.stderr
    return done.stdout


def test_a_handler_in_the_bot_s_own_file_is_found_by_its_path(tmp_path: Path) -> None:
    said = run_bot(tmp_path, 'if __name__ == "__main__":')
    assert said == "['__fleetbus_bot__', ['word'], False]\n"


def test_a_bot_that_would_start_itself_in_the_task_is_told_how_to_do_it(tmp_path: Path) -> None:
    said = run_bot(tmp_path, 'agent.start() if __name__ != "__main__" else None\nif True:')
    assert 'below if __name__ == "__main__":' in said


# --- the watch of a guard


def test_a_watch_asks_before_and_kills_at_the_deadline() -> None:
    watch = Watch(10_000, 3_000)
    assert not watch.must_stop(6_999)
    assert watch.must_stop(7_000)
    watch.asked_ms = 7_000
    assert not watch.must_die(9_999)
    assert watch.must_die(10_000)


def test_a_watch_never_takes_back_time_that_was_given() -> None:
    watch = Watch(10_000, 3_000)
    watch.told(deadline_ms=20_000, stop=False, kill=False)
    watch.told(deadline_ms=15_000, stop=False, kill=False)
    assert not watch.must_die(19_999)
    assert watch.must_die(20_000)


def test_a_watch_without_a_deadline_waits_for_words_only() -> None:
    watch = Watch(None, 3_000)
    assert not watch.must_stop(1 << 60)
    watch.told(deadline_ms=None, stop=True, kill=False)
    assert watch.must_stop(0)
    watch.asked_ms = 0
    assert not watch.must_die(2_999)
    assert watch.must_die(3_000)


def test_a_watch_that_slept_kills_at_once_on_waking() -> None:
    watch = Watch(10_000, 3_000)
    assert watch.must_die(600_000)


def test_a_watch_wakes_up_in_time_and_never_sleeps_long() -> None:
    watch = Watch(10_000, 3_000)
    assert watch.wait_ms(0) == 250
    assert watch.wait_ms(6_900) == 100
    watch.asked_ms = 7_000
    assert watch.wait_ms(9_990) == 10
