"""Reports: numbered, sent again until acknowledged, and few."""

import pytest

from agent_client.core import effects, events
from agent_client.core.fence import Fence
from agent_client.core.outcomes import Declined, GaveWay, Raised, Returned, StopWhy
from protocol.vocabulary import HoldingPhase, ReportEvent, Want
from tests.unit.agent_client.scene import BOOT, OTHER_BOOT, Scene, assignment

T1 = Fence("t1", 1)


def test_started_is_reported_when_the_work_lasts() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    assert scene.told() == []
    scene.wait(20)
    assert scene.told() == [("t1", "started")]


def test_work_that_ends_within_20_ms_is_one_report_that_says_how_long_it_took() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.wait(19)
    scene.end(T1)
    [report] = scene.reports()
    assert (report.event, report.detail.ran_ms) == (ReportEvent.SUCCEEDED, 19)
    assert scene.wait(1_000) == []


def test_the_loop_looks_after_20_ms_whether_a_handler_has_started() -> None:
    scene = Scene().connect()
    scene.desire(assignment())
    assert scene.machine.next_due(scene.now) == scene.now + 20


def test_reports_are_numbered_without_gaps_and_carry_the_boot_they_were_born_in() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.wait(20)
    scene.end(T1)
    numbers = [(sent.report.boot, sent.report.seq) for sent in scene.ever(effects.SendReport)]
    assert numbers == [(BOOT, 1), (BOOT, 2)]


def test_a_report_is_sent_again_with_heartbeats_until_it_is_acknowledged() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.end(T1)
    scene.desire()
    scene.wait(10_000)
    assert scene.told() == [("t1", "succeeded")]
    scene.lease(report_ack={BOOT: 1})
    scene.wait(10_000)
    assert scene.told() == []


def test_everything_unacknowledged_is_sent_again_on_a_new_connection() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.feed(events.Disconnected())
    scene.wait(20)
    scene.end(T1)
    scene.feed(events.Connected())
    assert scene.told() == [("t1", "started"), ("t1", "succeeded")]


@pytest.mark.parametrize("acks", [{BOOT: 0}, {OTHER_BOOT: 9}, {}])
def test_only_an_acknowledgement_of_this_boot_up_to_the_number_counts(acks: dict[str, int]) -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.end(T1)
    scene.lease(report_ack=acks)
    assert scene.those(effects.ForgetReports) == []
    assert len(scene.machine.outbox) == 1


def test_an_ended_task_is_listed_as_reporting_until_its_end_is_acknowledged() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.wait(20)
    scene.end(T1)
    listed = [(held.task, held.phase) for held in scene.machine.holding(scene.now)]
    assert listed == [("t1", HoldingPhase.REPORTING)]
    scene.desire(report_ack={BOOT: 2})
    assert scene.machine.holding(scene.now) == ()


def test_a_started_report_alone_does_not_make_a_task_reporting() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.wait(20)
    listed = [held.phase for held in scene.machine.holding(scene.now)]
    assert listed == [HoldingPhase.RUNNING]


def test_a_failure_says_why() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.end(T1, Raised("no_luck", "the dragon won", retryable=False, retry_after_s=30))
    detail = scene.reports()[0].detail
    assert (detail.code, detail.message, detail.retryable, detail.retry_after_s) == (
        "no_luck",
        "the dragon won",
        False,
        30,
    )


def test_a_handler_may_reject_its_task() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.end(T1, Declined("busy", "later please"))
    assert scene.told() == [("t1", "rejected")]


def test_a_mode_without_a_handler_is_rejected_and_named() -> None:
    scene = Scene(modes=("combat", "quest")).connect()
    scene.desire(assignment(mode="trading"))
    assert scene.told() == [("t1", "rejected")]
    message = scene.reports()[0].detail.message
    assert message == "no handler for 'trading'; I have: combat, quest"
    assert scene.machine.work.jobs == {}


def test_a_default_handler_takes_every_mode() -> None:
    scene = Scene(modes=("*",)).connect()
    scene.desire(assignment(mode="trading"))
    assert len(scene.those(effects.StartHandler)) == 1


def test_what_a_stopped_handler_raises_is_told_with_why_it_was_stopped() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.desire(assignment(want=Want.CANCEL))
    scene.end(T1, Raised("OSError", "socket closed"))
    assert scene.told() == [("t1", "cancelled")]
    assert scene.reports()[0].detail.message == "socket closed"


@pytest.mark.parametrize(
    ("limit", "why"),
    [("run_limit_s", StopWhy.RUN_LIMIT), ("progress_limit_s", StopWhy.PROGRESS_LIMIT)],
)
def test_a_limit_stops_the_task_and_makes_it_fail(limit: str, why: StopWhy) -> None:
    scene = Scene().connect()
    scene.run(assignment("t1", 1, **{limit: 7.0}))
    scene.wait(6_999)
    assert scene.ever(effects.StopHandler) == []
    scene.wait(1)
    assert scene.those(effects.StopHandler) == [effects.StopHandler(T1, why)]
    scene.end(T1, GaveWay())
    [report] = scene.reports()
    assert (report.event, report.detail.code) == (ReportEvent.FAILED, why.value)


def test_progress_starts_the_progress_limit_anew() -> None:
    scene = Scene().connect()
    scene.run(assignment(progress_limit_s=7.0))
    scene.wait(6_000)
    scene.feed(events.HandlerProgressed(T1, 10))
    scene.wait(6_999)
    assert scene.ever(effects.StopHandler) == []


def test_progress_is_told_at_once_then_once_a_second_and_only_the_newest() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.feed(events.HandlerProgressed(T1, 1))
    assert scene.told() == [("t1", "started"), ("t1", "progress")]
    scene.lease(report_ack={BOOT: 2})
    for pct in (2, 3, 4):
        scene.feed(events.HandlerProgressed(T1, pct, f"step {pct}"))
        assert scene.told() == []
    scene.wait(1_000)
    [report] = scene.reports()
    assert (report.detail.pct, report.detail.step) == (4, "step 4")


def test_progress_waits_for_the_acknowledgement_of_the_last_one() -> None:
    scene = Scene(heartbeat_ms=3_600_000).connect()
    scene.run(assignment())
    scene.feed(events.HandlerProgressed(T1, 1))
    scene.feed(events.HandlerProgressed(T1, 2))
    scene.wait(30_000)
    assert scene.told() == []
    scene.lease(report_ack={BOOT: 2})
    assert scene.told() == [("t1", "progress")]


def test_a_pause_is_asked_for_reported_when_it_is_real_and_not_counted_by_limits() -> None:
    scene = Scene().connect()
    scene.run(assignment(run_limit_s=7.0))
    scene.wait(5_000)
    scene.desire(assignment(run_limit_s=7.0, want=Want.PAUSE))
    assert scene.last == [effects.PauseHandler(T1)]
    scene.feed(events.HandlerPaused(T1))
    assert scene.told() == [("t1", "paused")]
    scene.wait(20_000)
    scene.desire(assignment(run_limit_s=7.0))
    assert effects.ResumeHandler(T1) in scene.last
    scene.feed(events.HandlerResumed(T1))
    assert scene.told() == [("t1", "resumed")]
    scene.wait(1_999)
    assert scene.ever(effects.StopHandler) == []
    scene.wait(1)
    assert scene.those(effects.StopHandler) == [effects.StopHandler(T1, StopWhy.RUN_LIMIT)]


def test_a_paused_task_that_was_not_started_starts_when_it_is_resumed() -> None:
    scene = Scene().connect()
    scene.desire(assignment(want=Want.PAUSE))
    assert scene.ever(effects.StartHandler) == []
    scene.desire(assignment())
    assert len(scene.those(effects.StartHandler)) == 1


def test_the_report_of_finished_work_keeps_its_result() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.end(T1, Returned([1, None, {"a": None}]))
    assert scene.reports()[0].detail.result == [1, None, {"a": None}]
