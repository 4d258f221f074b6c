"""Recovery: a coordinator that starts again offers nothing that somebody may still run."""

import pytest

from coordinator.core.effects import CallRoll, SayState
from coordinator.core.events import BusConnected
from protocol.vocabulary import CoordinatorState, PresenceState, ReportEvent
from tests.support.fleet import Fleet, open_tasks


@pytest.fixture
def fleet() -> Fleet:
    """Return a fleet whose only place is taken by an agent that then falls silent."""
    fleet = Fleet(limits={"global": 2})
    fleet.agent("Main")
    fleet.create(id="hunt")
    fleet.agent("Alt")
    return fleet


def test_it_says_that_it_recovers_and_calls_the_roll(fleet: Fleet) -> None:
    fleet.freeze("Main")
    fleet.restart_coordinator()

    assert fleet.state.phase is CoordinatorState.RECOVERING
    assert len(fleet.said(SayState)) == len(fleet.said(CallRoll)) == 1


def test_with_nothing_lent_it_offers_at_once() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    task = fleet.create(mode="combat")
    fleet.restart_coordinator()

    assert fleet.state.phase is CoordinatorState.ONLINE
    assert fleet.phase(task) == "ready"


def test_it_offers_when_every_holder_was_heard(fleet: Fleet) -> None:
    fleet.restart_coordinator()
    task = fleet.create()
    fleet.beat("Alt")

    assert fleet.phase(task) == "ready"
    fleet.beat("Main")
    assert fleet.state.phase is CoordinatorState.ONLINE
    assert fleet.holder(task) == "Alt"
    assert fleet.phase("hunt") == "running"


def test_it_waits_for_a_silent_holder_until_a_whole_lease_is_over(fleet: Fleet) -> None:
    fleet.pass_time(9)
    fleet.freeze("Main")
    fleet.restart_coordinator(down_s=50)
    task = fleet.create()

    fleet.pass_time(62)
    assert fleet.phase(task) == "ready"
    assert fleet.holder("hunt") == "Main"
    fleet.pass_time(0.001)
    assert fleet.running() == ["hunt"]
    assert fleet.holder("hunt") == "Alt"


def test_what_was_lent_counts_against_the_limits(fleet: Fleet) -> None:
    fleet.plan(limits={"global": 1})
    fleet.restart_coordinator()
    fleet.beat("Main")
    fleet.beat("Alt")
    task = fleet.create()

    assert fleet.running() == ["hunt"]
    fleet.finish("hunt")
    assert fleet.running() == [task]


def test_a_stall_while_it_recovers_makes_it_wait_longer_and_not_forever(fleet: Fleet) -> None:
    fleet.freeze("Main")
    fleet.restart_coordinator()
    fleet.crash("Alt")
    fleet.stall(100)

    assert fleet.state.phase is CoordinatorState.RECOVERING
    fleet.pass_time(62)
    assert fleet.state.phase is CoordinatorState.RECOVERING
    fleet.pass_time(0.001)
    assert fleet.state.phase.value == "online"


def test_nobody_who_was_only_remembered_yet_is_judged_for_a_stall(fleet: Fleet) -> None:
    fleet.restart_coordinator()
    fleet.hear(fleet.bots["Alt"].presence(), retained=True)
    fleet.stall(300)

    assert fleet.stories() == []
    fleet.crash("Alt")
    fleet.pass_time(300)
    assert "agent_lost" in fleet.stories()


def test_a_new_boot_of_a_holder_that_knows_its_predecessor_dead_ends_the_wait(
    fleet: Fleet,
) -> None:
    fleet.crash("Main")
    fleet.restart_coordinator()
    fleet.restart("Main", knows_predecessor=True)

    assert fleet.state.phase is CoordinatorState.ONLINE
    assert fleet.state.tasks["hunt"].fence == 2


def test_an_agent_finds_out_that_its_task_was_cancelled_while_it_did_not_listen(
    fleet: Fleet,
) -> None:
    fleet.bots["Main"].deaf = True
    fleet.ask("cancel", "hunt")
    fleet.restart_coordinator()
    fleet.bots["Main"].deaf = False
    fleet.beat("Main")

    assert fleet.status("hunt") == "cancelled"


def test_what_nobody_committed_is_not_run_by_anybody(fleet: Fleet) -> None:
    bot = fleet.bots["Alt"]
    stored = dict(fleet.stored_tasks)
    fleet.create(id="uncommitted", agent="Alt")
    fleet.stored_tasks = stored
    fleet.restart_coordinator()
    fleet.beat("Alt")

    assert "uncommitted" not in fleet.state.tasks
    assert bot.jobs == {}


def test_the_newest_commands_count_though_the_numbering_begins_anew(fleet: Fleet) -> None:
    for _ in range(3):
        fleet.finish(fleet.create(agent="Alt"))
    fleet.restart_coordinator()
    fleet.beat("Main")
    fleet.beat("Alt")
    task = fleet.create()

    assert fleet.holder(task) == "Alt"
    assert fleet.phase(task) == "running"
    assert fleet.bots["Alt"].seen[0] == 2


def test_an_agent_is_there_when_it_is_heard_even_if_the_broker_forgot_its_presence() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    fleet.restart_coordinator()
    fleet.beat("Main")

    assert fleet.holder(fleet.create()) == "Main"


def test_reports_that_were_stored_are_not_counted_again(fleet: Fleet) -> None:
    said = fleet.report("hunt", ReportEvent.PROGRESS, pct=5.0)
    fleet.restart_coordinator()
    fleet.hear(said)

    assert fleet.state.dropped["duplicate_report"] == 1


def test_every_open_task_survives_in_every_phase() -> None:
    fleet = Fleet(limits={"mode:combat": 1})
    fleet.agent("Main", "quest", "combat", slots=9)
    fleet.bots["Main"].obeys = False
    fleet.create(id="running", concurrency_key="k", priority="high")
    fleet.create(id="cancelling")
    fleet.create(id="pausing")
    fleet.create(id="failing")
    fleet.create(id="fighting", mode="combat")
    fleet.create(id="ready", mode="combat", max_attempts=9)
    fleet.create(id="later", scheduled_for_ms=fleet.now.wall_ms + 1_000_000)
    fleet.create(id="dependent", depends_on=["later"])
    fleet.create(id="paused", mode="combat", agent="Main")
    fleet.ask("cancel", "cancelling")
    fleet.ask("pause", "pausing")
    fleet.ask("pause", "paused")
    fleet.fail("failing", retry_after_s=1000.0)
    before = open_tasks(fleet)
    fleet.restart_coordinator()

    assert open_tasks(fleet) == before
    assert len(before) == 9
    fleet.beat("Main")
    assert open_tasks(fleet) == before


def test_it_believes_a_heartbeat_rather_than_a_will_that_the_broker_remembered(
    fleet: Fleet,
) -> None:
    fleet.restart_coordinator()
    fleet.hear(fleet.bots["Alt"].presence(PresenceState.LOST), retained=True)
    assert fleet.state.agents["Alt"].status.value == "offline"

    fleet.beat("Alt")
    assert fleet.state.agents["Alt"].status.value == "idle"


def test_a_task_that_expires_after_a_restart_is_ended() -> None:
    fleet = Fleet()
    task = fleet.create(expires_ms=fleet.now.wall_ms + 60_000)
    fleet.restart_coordinator()

    fleet.pass_time(60)
    assert fleet.status(task) == "cancelled"


def test_a_task_that_expires_while_it_is_lent_is_not_lent_again() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    task = fleet.create(expires_ms=fleet.now.wall_ms + 60_000)
    fleet.pass_time(61)

    fleet.fail(task)
    assert fleet.status(task) == "cancelled"


def test_it_calls_the_roll_again_once_there_is_a_bus(fleet: Fleet) -> None:
    fleet.freeze("Main")
    fleet.restart_coordinator()

    fleet.tell(BusConnected())
    assert len(fleet.said(CallRoll)) == 1
    fleet.pass_time(63)
    fleet.tell(BusConnected())
    assert fleet.said(CallRoll) == []
