"""Reports: taken in once, in any order, and counted only where they still matter."""

import pytest

from coordinator.core.effects import LogAttempt, SayDesired, SayLease
from protocol.messages import Report, ReportDetail
from protocol.vocabulary import ReportEvent
from tests.support.fleet import Fleet


@pytest.fixture
def fleet() -> Fleet:
    """Return two agents, of which the first holds a task and has not said that it runs."""
    fleet = Fleet()
    fleet.agent("Main", starts=False)
    fleet.create(id="hunt")
    fleet.agent("Alt")
    return fleet


def outcomes(fleet: Fleet) -> list[str]:
    return [log.outcome for log in fleet.said(LogAttempt)]


def acks(fleet: Fleet) -> list[int]:
    """List up to which report of the present boot each answer acknowledges."""
    boot = fleet.bots["Main"].boot
    said = [
        effect.desired.report_ack if isinstance(effect, SayDesired) else effect.report_ack
        for effect in fleet.effects
        if isinstance(effect, (SayLease, SayDesired))
    ]
    return [ack.get(boot, 0) for ack in said]


def test_an_assignment_is_offered_until_its_agent_says_that_it_runs(fleet: Fleet) -> None:
    assert fleet.phase("hunt") == "offered"
    fleet.report("hunt", ReportEvent.STARTED)
    assert fleet.phase("hunt") == "running"


def test_a_success_completes_the_task_with_its_result(fleet: Fleet) -> None:
    fleet.finish("hunt", result={"gold": 7})
    task = fleet.state.tasks["hunt"]

    assert fleet.status("hunt") == "completed"
    assert task.result == {"gold": 7}
    assert task.completed_ms == fleet.now.wall_ms
    assert outcomes(fleet) == ["succeeded"]


def test_progress_says_how_far_and_that_it_runs(fleet: Fleet) -> None:
    fleet.report("hunt", ReportEvent.PROGRESS, pct=40.0, step="forest")
    task = fleet.state.tasks["hunt"]

    assert fleet.phase("hunt") == "running"
    assert (task.pct, task.step) == (40.0, "forest")


def test_the_same_report_counts_once_and_is_acknowledged_each_time(fleet: Fleet) -> None:
    said = fleet.report("hunt", ReportEvent.FAILED, code="boom")
    fleet.hear(said, said)

    assert fleet.state.tasks["hunt"].failures == 1
    assert fleet.state.dropped["duplicate_report"] == 2
    assert acks(fleet) == [1, 1]


def test_reports_are_acknowledged_up_to_the_first_gap(fleet: Fleet) -> None:
    bot = fleet.bots["Main"]
    bot.mute = True
    first = fleet.report("hunt", ReportEvent.STARTED)
    second = fleet.report("hunt", ReportEvent.PROGRESS, pct=1.0)
    third = fleet.report("hunt", ReportEvent.PROGRESS, pct=2.0)
    fleet.hear(third, first, second)

    assert acks(fleet) == [0, 1, 3]


def test_a_success_that_overtakes_the_start_of_its_task_counts(fleet: Fleet) -> None:
    bot = fleet.bots["Main"]
    bot.mute = True
    started = fleet.report("hunt", ReportEvent.STARTED)
    succeeded = fleet.report("hunt", ReportEvent.SUCCEEDED)
    fleet.hear(succeeded, started)

    assert fleet.status("hunt") == "completed"
    assert acks(fleet) == [0, 2]


def test_a_report_of_an_earlier_boot_counts_while_its_fence_is_the_newest(fleet: Fleet) -> None:
    bot = fleet.bots["Main"]
    bot.mute = True
    said = fleet.report("hunt", ReportEvent.SUCCEEDED, result="gold")
    fleet.restart("Main")
    fleet.hear(said)

    assert fleet.status("hunt") == "completed"
    assert fleet.said(SayLease)[0].report_ack[said.boot] == 1


def test_a_late_success_counts_if_nobody_else_was_given_the_task() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    task = fleet.create()
    bot = fleet.bots["Main"]
    bot.mute = True
    fleet.finish(task, result="gold")
    fleet.pass_time(100)

    assert fleet.phase(task) == "ready"
    fleet.hear(*bot.outbox)
    assert fleet.status(task) == "completed"
    assert fleet.state.tasks[task].result == "gold"


def test_a_late_success_is_superseded_once_somebody_else_was_given_the_task() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    task = fleet.create()
    fleet.agent("Alt")
    fleet.bots["Main"].mute = True
    fleet.finish(task)
    fleet.pass_time(100)
    fleet.bots["Main"].mute = False
    fleet.beat("Main")

    assert fleet.holder(task) == "Alt"
    assert outcomes(fleet) == ["superseded_succeeded"]
    fleet.finish(task)
    assert fleet.status(task) == "completed"


def test_a_late_failure_changes_nothing() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    task = fleet.create()
    fleet.bots["Main"].mute = True
    fleet.fail(task)
    fleet.pass_time(100)
    fleet.hear(*fleet.bots["Main"].outbox)

    assert fleet.phase(task) == "ready"
    assert fleet.state.tasks[task].failures == 1
    assert outcomes(fleet) == ["superseded_failed"]


def test_a_report_on_an_ended_task_changes_nothing(fleet: Fleet) -> None:
    fleet.finish("hunt")
    fleet.fail("hunt")

    assert fleet.status("hunt") == "completed"
    assert outcomes(fleet) == ["superseded_failed"]


def test_a_report_on_an_unknown_task_is_stored_and_acknowledged(fleet: Fleet) -> None:
    bot = fleet.bots["Main"]
    fleet.hear(bot.report("nonsense", 1, ReportEvent.SUCCEEDED, ReportDetail()))

    assert acks(fleet) == [1]


def test_nobody_can_report_on_a_task_that_was_given_to_another(fleet: Fleet) -> None:
    bot = fleet.bots["Alt"]
    fleet.hear(bot.report("hunt", 1, ReportEvent.SUCCEEDED, ReportDetail()))

    assert fleet.phase("hunt") == "offered"
    assert outcomes(fleet) == ["superseded_succeeded"]


def test_a_report_with_another_fence_does_not_count(fleet: Fleet) -> None:
    bot = fleet.bots["Main"]
    fleet.hear(
        bot.report("hunt", 2, ReportEvent.SUCCEEDED, ReportDetail()),
        bot.report("hunt", 0, ReportEvent.SUCCEEDED, ReportDetail()),
    )

    assert fleet.phase("hunt") == "offered"


def test_an_abandoned_task_is_given_to_another_at_once(fleet: Fleet) -> None:
    fleet.report("hunt", ReportEvent.ABANDONED)

    assert fleet.state.tasks["hunt"].fence == 2
    assert outcomes(fleet) == ["abandoned"]


def test_a_cancellation_that_nobody_asked_for_is_no_end(fleet: Fleet) -> None:
    fleet.report("hunt", ReportEvent.CANCELLED)

    assert fleet.state.tasks["hunt"].fence == 2


def test_a_pause_that_was_taken_back_meanwhile_is_no_pause(fleet: Fleet) -> None:
    fleet.report("hunt", ReportEvent.STARTED)
    fleet.bots["Main"].obeys = False
    fleet.ask("pause", "hunt")
    fleet.ask("resume", "hunt")
    fleet.report("hunt", ReportEvent.PAUSED)

    assert fleet.phase("hunt") == "running"


def test_a_pause_that_is_reported_late_does_not_hide_a_cancellation(fleet: Fleet) -> None:
    fleet.report("hunt", ReportEvent.STARTED)
    fleet.bots["Main"].obeys = False
    fleet.ask("pause", "hunt")
    fleet.ask("cancel", "hunt")
    fleet.report("hunt", ReportEvent.PAUSED)

    assert fleet.phase("hunt") == "cancelling"


def test_ledgers_of_long_gone_boots_are_given_up_and_the_newest_never_is() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    reports: list[Report] = []
    for _ in range(40):
        fleet.restart("Main")
        bot = fleet.bots["Main"]
        said = bot.report("nonsense", 1, ReportEvent.SUCCEEDED, ReportDetail())
        reports.append(said)
        fleet.hear(said)
    ledgers = fleet.state.agents["Main"].ledgers

    assert len(ledgers) == 16
    assert reports[-1].boot in ledgers
    assert {boot for _, boot in fleet.stored_ledgers} == set(ledgers)


def test_late_reports_of_many_earlier_boots_do_not_push_beyond_what_is_kept() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    reports: list[Report] = []
    for _ in range(40):
        fleet.restart("Main")
        bot = fleet.bots["Main"]
        reports.append(bot.report("nonsense", 1, ReportEvent.SUCCEEDED, ReportDetail()))
    for said in reversed(reports):  # the newest boot's first, so that it is known the longest
        fleet.hear(said)
    ledgers = fleet.state.agents["Main"].ledgers

    assert len(ledgers) == 16
    assert reports[-1].boot in ledgers


def test_a_start_is_stored_even_of_a_task_that_is_not_wanted_any_more() -> None:
    fleet = Fleet()
    fleet.agent("Main", starts=False, obeys=False)
    task = fleet.create()
    fleet.ask("cancel", task=task)

    fleet.report(task, ReportEvent.STARTED)  # after every step the store is compared
    fleet.restart_coordinator()
    attempt = fleet.state.tasks[task].attempt
    assert attempt is not None
    assert attempt.started_ms == fleet.now.wall_ms - 1_000
