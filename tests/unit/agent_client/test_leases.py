"""Leases without synchronised clocks, as an agent keeps them."""

import pytest

from agent_client.core import effects, events, work
from agent_client.core.fence import Fence
from agent_client.core.outcomes import GaveWay, Returned, StopWhy
from protocol.vocabulary import HoldingPhase, OnLeaseLost, ReportEvent, Want
from tests.unit.agent_client.scene import BOOT, OTHER_BOOT, T0, Scene, assignment

T1 = Fence("t1", 1)


def started(scene: Scene) -> list[Fence]:
    return [start.fence for start in scene.those(effects.StartHandler)]


def test_an_assignment_is_its_own_grant_and_starts_at_once() -> None:
    scene = Scene().connect()
    scene.now += 300
    scene.desire(assignment())
    assert scene.last == [effects.StartHandler(T1, assignment(), T0 + 58_000)]


def test_a_grant_counts_from_the_sending_of_its_heartbeat_and_not_from_its_arrival() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.wait(10_000)  # heartbeat 2
    scene.now += 4_000
    scene.lease(T1, as_of=2)
    assert scene.those(effects.ExtendDeadline) == [effects.ExtendDeadline(T1, T0 + 10_000 + 58_000)]


def test_a_late_assignment_never_starts_but_is_listed_and_asks_for_a_fresher_lease() -> None:
    scene = Scene(heartbeat_ms=3_600_000).connect()
    scene.now += 53_000  # the lease ends at 58 s, and stopping may take 5
    scene.desire(assignment(), as_of=1)
    assert started(scene) == []
    [heartbeat] = scene.those(effects.SendHeartbeat)
    assert [held.phase for held in heartbeat.holding] == [HoldingPhase.ACCEPTED]
    scene.lease(T1, as_of=heartbeat.seq)
    assert started(scene) == [T1]


def test_an_assignment_one_millisecond_before_that_starts() -> None:
    scene = Scene(heartbeat_ms=3_600_000).connect()
    scene.now += 52_999
    scene.desire(assignment(), as_of=1)
    assert started(scene) == [T1]


def test_a_grant_as_of_a_heartbeat_that_was_never_sent_is_worth_nothing() -> None:
    scene = Scene().connect()
    scene.now += 5_000
    scene.desire(assignment(), as_of=99)
    assert started(scene) == []


def test_a_lease_extends_the_fences_it_names_and_no_other() -> None:
    scene = Scene().connect()
    scene.run(assignment("t1"), assignment("t2"))
    scene.wait(10_000)
    scene.lease(Fence("t2", 1))
    assert [extended.fence for extended in scene.those(effects.ExtendDeadline)] == [Fence("t2", 1)]


def test_a_deadline_never_moves_back() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.wait(10_000)
    scene.lease(T1, as_of=2)
    scene.lease(T1, as_of=1)
    assert scene.those(effects.ExtendDeadline) == []
    assert scene.machine.work.jobs[T1].deadline_ms == T0 + 68_000


def test_a_lease_for_another_boot_or_of_an_older_term_is_ignored() -> None:
    scene = Scene().connect()
    scene.desire(assignment(), term=2)
    scene.feed(events.HandlerStarted(T1, scene.now))
    scene.wait(10_000)
    scene.lease(T1, boot=OTHER_BOOT, term=2)
    scene.lease(T1, term=1)
    assert scene.machine.work.jobs[T1].deadline_ms == T0 + 58_000


def test_a_task_is_asked_to_stop_a_grace_before_its_deadline_and_killed_at_it() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.wait(52_999)
    assert scene.ever(effects.StopHandler) == []
    scene.wait(1)
    assert scene.those(effects.StopHandler) == [effects.StopHandler(T1, StopWhy.LEASE_LOST)]
    scene.wait(4_999)
    assert scene.ever(effects.KillHandler) == []
    scene.wait(1)
    assert scene.those(effects.KillHandler) == [effects.KillHandler(T1)]


def test_abandoned_is_reported_only_when_the_task_has_really_ended() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.wait(100_000)
    assert not [s for s in scene.ever(effects.SendReport) if s.report.event.is_terminal]
    scene.end(T1, GaveWay())
    assert scene.told() == [("t1", "abandoned")]


def test_a_task_that_must_finish_outlives_its_lease() -> None:
    scene = Scene().connect()
    scene.run(assignment(on_lease_lost=OnLeaseLost.FINISH))
    scene.wait(600_000)
    assert scene.ever(effects.StopHandler) == []
    assert scene.ever(effects.KillHandler) == []


def test_work_that_was_finished_after_all_is_reported_as_succeeded() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.wait(54_000)
    scene.end(T1, Returned({"gold": 7}))
    [report] = scene.reports()
    assert (report.event, report.detail.result) == (ReportEvent.SUCCEEDED, {"gold": 7})


def test_an_assignment_for_another_boot_is_ignored() -> None:
    scene = Scene().connect()
    assert scene.desire(assignment(), for_boot=OTHER_BOOT) == []
    assert scene.machine.seen == (0, 0)


def test_the_same_revision_is_applied_once() -> None:
    scene = Scene().connect()
    scene.desire(assignment(), rev=5)
    scene.end(T1)
    assert scene.desire(assignment(), rev=5) == []


@pytest.mark.parametrize(("term", "rev"), [(1, 9), (2, 5), (2, 4), (0, 99)])
def test_an_older_revision_is_not_applied(term: int, rev: int) -> None:
    scene = Scene().connect()
    scene.desire(term=2, rev=5)
    assert scene.desire(assignment(), term=term, rev=rev) == []


def test_a_new_term_begins_its_revisions_anew() -> None:
    scene = Scene().connect()
    scene.desire(term=1, rev=500)
    scene.desire(assignment(), term=2, rev=1)
    assert started(scene) == [T1]


@pytest.mark.parametrize("fence", [1, 2])
def test_a_fence_not_above_the_highest_of_its_task_never_starts(fence: int) -> None:
    scene = Scene().connect()
    scene.run(assignment(fence=2))
    scene.end(Fence("t1", 2))
    scene.desire(assignment(fence=fence))
    assert started(scene) == []
    assert scene.machine.work.jobs == {}


def test_a_new_fence_of_a_task_starts_when_the_old_one_has_really_ended() -> None:
    scene = Scene().connect()
    scene.run(assignment(fence=1))
    scene.desire(assignment(fence=2))
    assert scene.those(effects.StopHandler) == [effects.StopHandler(T1, StopWhy.NOT_ASSIGNED)]
    assert started(scene) == []
    scene.end(T1, GaveWay())
    assert started(scene) == [Fence("t1", 2)]


def test_a_held_fence_that_is_not_listed_is_stopped() -> None:
    scene = Scene().connect()
    scene.run(assignment("t1"), assignment("t2"))
    scene.desire(assignment("t2"))
    assert [stop.fence for stop in scene.those(effects.StopHandler)] == [T1]


def test_what_waits_for_a_lease_and_is_not_listed_any_more_is_given_back_at_once() -> None:
    scene = Scene().connect()
    scene.desire(assignment(), as_of=99)
    scene.desire()
    assert scene.told() == [("t1", "abandoned")]


def test_a_handler_that_found_its_lease_over_waits_for_a_fresher_one() -> None:
    scene = Scene(heartbeat_ms=3_600_000).connect()
    scene.desire(assignment())
    scene.now += 70_000  # the process was stopped between the decision and the act
    scene.feed(events.HandlerNotStarted(T1))
    assert started(scene) == []
    scene.feed(events.RollCalled())
    scene.lease(T1)
    assert started(scene) == [T1]


def test_a_handler_that_found_its_lease_over_when_it_was_to_stop_is_abandoned() -> None:
    scene = Scene().connect()
    scene.desire(assignment())
    scene.desire()
    scene.feed(events.HandlerNotStarted(T1))
    assert scene.told() == [("t1", "abandoned")]


def test_cancel_stops_the_handler_and_reports_when_it_has_ended() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.desire(assignment(want=Want.CANCEL))
    assert scene.last == [effects.StopHandler(T1, StopWhy.CANCELLED)]
    scene.end(T1, GaveWay())
    assert scene.told() == [("t1", "cancelled")]


def test_a_cancelled_handler_that_does_not_listen_is_killed_after_its_grace() -> None:
    scene = Scene().connect()
    scene.run(assignment())
    scene.desire(assignment(want=Want.CANCEL))
    scene.wait(5_000)
    assert scene.those(effects.KillHandler) == [effects.KillHandler(T1)]


def test_a_cancelled_handler_is_killed_at_its_deadline_even_within_its_grace() -> None:
    scene = Scene(heartbeat_ms=3_600_000).connect()
    scene.run(assignment())
    scene.wait(52_999)
    scene.desire(assignment(cancel_grace_s=30.0, want=Want.CANCEL), as_of=1)
    scene.wait(5_000)
    assert scene.ever(effects.KillHandler) == []
    scene.wait(1)
    assert scene.those(effects.KillHandler) == [effects.KillHandler(T1)]


def test_cancel_before_the_start_needs_no_handler() -> None:
    scene = Scene().connect()
    scene.desire(assignment(want=Want.CANCEL))
    assert scene.told() == [("t1", "cancelled")]
    assert scene.ever(effects.StartHandler) == []


def test_the_tasks_of_long_ago_are_forgotten_but_none_that_is_still_held_or_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(work, "REMEMBERED_TASKS", 2)
    scene = Scene().connect()
    scene.run(assignment("gone"))
    scene.end(Fence("gone", 1))
    scene.run(assignment("held"))
    scene.desire(assignment("held"), report_ack={BOOT: 1})
    scene.run(assignment("held"), assignment("reported"))
    scene.end(Fence("reported", 1))
    scene.run(assignment("held"), assignment("new"))
    assert sorted(scene.machine.work.remembered) == ["held", "new", "reported"]
