"""What a handler meets while it works, on the clock of the test."""

import threading

import pytest

from agent_client.core.effects import StartHandler
from agent_client.core.events import (
    Event,
    HandlerEnded,
    HandlerNotStarted,
    HandlerPaused,
    HandlerProgressed,
    HandlerResumed,
    HandlerStarted,
)
from agent_client.core.fence import Fence
from agent_client.core.outcomes import GaveWay, StopWhy
from agent_client.errors import BadSetting, Cancelled, LeaseLost
from agent_client.run import Run
from agent_client.task import Task
from protocol.vocabulary import OnLeaseLost
from tests.unit.agent_client.scene import assignment

T1 = Fence("t1", 1)
DEADLINE = 60_000
WITHIN_S = 60.0


class HandClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.ms = 0

    def now_ms(self) -> int:
        return self.ms

    def wall_ms(self) -> int:
        return self.ms


class Stage:
    """One run, and what it says to the loop."""

    def __init__(self, on_lease_lost: OnLeaseLost = OnLeaseLost.STOP) -> None:
        self.clock = HandClock()
        self.said: list[tuple[Event, bool]] = []
        self.rests = threading.Event()
        start = StartHandler(T1, assignment(on_lease_lost=on_lease_lost), DEADLINE)
        self.run = Run(start, self.clock, self._hear)
        self.task = Task(self.run)

    def _hear(self, event: Event, wake: bool) -> None:
        self.said.append((event, wake))
        if isinstance(event, HandlerPaused):
            self.rests.set()


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_its_first_act_is_to_look_at_the_deadline(stage: Stage) -> None:
    stage.clock.ms = DEADLINE - 1
    assert stage.run.begin()
    assert stage.said == [(HandlerStarted(T1, DEADLINE - 1), False)]


def test_it_does_not_begin_at_the_deadline(stage: Stage) -> None:
    stage.clock.ms = DEADLINE
    assert not stage.run.begin()
    assert stage.said == [(HandlerNotStarted(T1), True)]


def test_it_does_not_begin_when_it_was_asked_to_stop_in_the_meantime(stage: Stage) -> None:
    stage.run.ask_to_stop(StopWhy.CANCELLED)
    assert not stage.run.begin()
    assert stage.said == [(HandlerEnded(T1, GaveWay()), True)]


def test_it_finds_out_by_itself_that_its_lease_runs_out(stage: Stage) -> None:
    stage.clock.ms = DEADLINE - 5_001
    stage.task.check()
    stage.clock.ms += 1
    assert stage.task.should_stop
    with pytest.raises(LeaseLost):
        stage.task.check()


def test_a_renewed_lease_gives_it_more_time(stage: Stage) -> None:
    stage.run.extend(DEADLINE + 10_000)
    stage.run.extend(DEADLINE)
    stage.clock.ms = DEADLINE
    stage.task.check()


def test_who_must_stop_never_turns_back(stage: Stage) -> None:
    stage.clock.ms = DEADLINE
    assert stage.task.should_stop
    stage.run.extend(DEADLINE * 10)
    assert stage.task.should_stop


def test_a_task_that_must_finish_has_no_deadline() -> None:
    stage = Stage(OnLeaseLost.FINISH)
    stage.clock.ms = DEADLINE * 10
    stage.task.check()
    assert stage.task.deadline_ms is None
    assert stage.task.time_left_s is None


@pytest.mark.parametrize(
    ("why", "raised"),
    [
        (StopWhy.CANCELLED, Cancelled),
        (StopWhy.RUN_LIMIT, Cancelled),
        (StopWhy.LEAVING, Cancelled),
        (StopWhy.NOT_ASSIGNED, LeaseLost),
    ],
)
def test_check_raises_why(stage: Stage, why: StopWhy, raised: type[BaseException]) -> None:
    stage.run.ask_to_stop(why)
    with pytest.raises(raised, match=why.value):
        stage.task.check()


def test_an_except_exception_does_not_hide_that_it_must_stop(stage: Stage) -> None:
    stage.run.ask_to_stop(StopWhy.CANCELLED)

    def stubborn() -> None:
        try:
            stage.task.check()
        except Exception:  # noqa: BLE001 - what a careless author writes
            pytest.fail("the cancellation was swallowed")

    with pytest.raises(Cancelled):
        stubborn()


def test_sleep_wakes_up_early_when_it_must_stop(stage: Stage) -> None:
    raised: list[BaseException] = []

    def sleep() -> None:
        try:
            stage.task.sleep(3_600)
        except Cancelled as error:
            raised.append(error)

    sleeper = threading.Thread(target=sleep)
    sleeper.start()
    stage.run.ask_to_stop(StopWhy.CANCELLED)
    sleeper.join(WITHIN_S)
    assert len(raised) == 1


def test_a_paused_handler_rests_in_check_until_it_may_go_on(stage: Stage) -> None:
    stage.run.ask_to_rest(rest=True)
    worker = threading.Thread(target=stage.task.check)
    worker.start()
    assert stage.rests.wait(WITHIN_S)
    assert worker.is_alive()
    stage.run.ask_to_rest(rest=False)
    worker.join(WITHIN_S)
    assert [event for event, _ in stage.said] == [HandlerPaused(T1), HandlerResumed(T1)]


def test_a_resting_handler_hears_that_it_must_stop(stage: Stage) -> None:
    raised: list[BaseException] = []

    def check() -> None:
        try:
            stage.task.check()
        except Cancelled as error:
            raised.append(error)

    stage.run.ask_to_rest(rest=True)
    worker = threading.Thread(target=check)
    worker.start()
    assert stage.rests.wait(WITHIN_S)
    stage.run.ask_to_stop(StopWhy.CANCELLED)
    worker.join(WITHIN_S)
    assert len(raised) == 1


def test_much_progress_is_one_message_with_the_newest_words(stage: Stage) -> None:
    for pct in range(100):
        stage.task.progress(pct, "going")
    assert stage.said == [(HandlerProgressed(T1), True)]
    assert stage.run.take_progress() == HandlerProgressed(T1, 99, "going")
    assert stage.run.take_progress() is None


@pytest.mark.parametrize("pct", [-1, 101, float("nan")])
def test_progress_that_makes_no_sense_is_the_authors_error(stage: Stage, pct: float) -> None:
    with pytest.raises(BadSetting, match="from 0 to 100"):
        stage.task.progress(pct)


def test_a_task_tells_what_it_is(stage: Stage) -> None:
    task = stage.task
    assert (task.id, task.name, task.mode, task.fence, task.args) == ("t1", "t1", "quest", 1, {})
    assert (task.deadline_ms, task.cancel_grace_s, task.trace) == (DEADLINE, 5.0, None)
