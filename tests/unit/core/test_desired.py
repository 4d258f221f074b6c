"""What an agent is told: the whole of what it should hold, the same until it changes."""

import pytest

from coordinator.core.effects import SayDesired, SayLease
from protocol.vocabulary import Want
from tests.support.fleet import Fleet


@pytest.fixture
def fleet() -> Fleet:
    fleet = Fleet()
    fleet.agent("Main", slots=2)
    return fleet


def told(fleet: Fleet) -> list[tuple[int, list[tuple[str, int, Want]]]]:
    return [
        (said.desired.rev, [(task.task, task.fence, task.want) for task in said.desired.tasks])
        for said in fleet.said(SayDesired)
    ]


def test_every_change_states_everything_under_a_new_number(fleet: Fleet) -> None:
    fleet.create(id="a")
    ((first, tasks),) = told(fleet)
    assert tasks == [("a", 1, Want.RUN)]

    fleet.create(id="b")
    assert told(fleet) == [(first + 1, [("a", 1, Want.RUN), ("b", 1, Want.RUN)])]
    fleet.bots["Main"].obeys = False
    fleet.ask("cancel", "a")
    assert told(fleet) == [(first + 2, [("a", 1, Want.CANCEL), ("b", 1, Want.RUN)])]


def test_one_message_ends_a_task_acknowledges_its_report_and_brings_the_next() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    fleet.create(id="a")
    fleet.create(id="b")
    fleet.finish("a")
    said = fleet.said(SayDesired)[0].desired

    assert [task.task for task in said.tasks] == ["b"]
    assert said.report_ack == {fleet.bots["Main"].boot: 2}


def test_what_did_not_change_is_not_said_again(fleet: Fleet) -> None:
    fleet.create(id="a")
    fleet.pass_time(100)

    assert told(fleet) == []


def test_an_agent_that_did_not_hear_is_told_the_very_same_again(fleet: Fleet) -> None:
    fleet.bots["Main"].deaf = True
    fleet.create(id="a")
    (first,) = fleet.said(SayDesired)
    fleet.beat("Main")

    (again,) = fleet.said(SayDesired)
    assert again.desired is first.desired
    fleet.bots["Main"].deaf = False
    fleet.beat("Main")
    assert fleet.phase("a") == "running"
    fleet.beat("Main")
    assert fleet.said(SayDesired) == []


def test_an_agent_that_stays_deaf_gets_nothing_new_and_loses_nothing(fleet: Fleet) -> None:
    fleet.bots["Main"].deaf = True
    fleet.create(id="a")
    fleet.pass_time(40)
    fleet.create(id="b")

    assert fleet.running() == ["a"]
    fleet.bots["Main"].deaf = False
    fleet.pass_time(20)
    assert fleet.running() == ["a", "b"]


def test_an_assignment_is_granted_as_of_the_newest_heartbeat(fleet: Fleet) -> None:
    fleet.pass_time(30)
    fleet.create(id="a")
    said = fleet.said(SayDesired)[0].desired
    attempt = fleet.state.tasks["a"].attempt

    assert said.as_of == fleet.bots["Main"].seq
    assert attempt is not None
    assert attempt.expires_ms == fleet.now.mono_ms + 62_000


def test_stating_an_assignment_again_renews_it_as_of_the_newest_heartbeat(fleet: Fleet) -> None:
    fleet.create(id="a")
    fleet.bots["Main"].jobs.clear()
    fleet.pass_time(10)
    fleet.create(id="b")
    attempt = fleet.state.tasks["a"].attempt

    assert attempt is not None
    assert attempt.expires_ms == fleet.now.mono_ms + 62_000


@pytest.mark.parametrize(
    ("heartbeat_s", "lease_s", "margin_s"),
    [(1, 60, 2), (10, 60, 2), (30, 120, 2.4), (300, 1200, 24)],
)
def test_a_lease_is_a_minute_and_at_least_four_heartbeats_with_a_margin(
    heartbeat_s: int, lease_s: float, margin_s: float
) -> None:
    fleet = Fleet()
    fleet.agent("Main", heartbeat_ms=heartbeat_s * 1000)
    fleet.create()
    (task,) = fleet.said(SayDesired)[0].desired.tasks

    assert (task.lease_s, task.margin_s) == (lease_s, margin_s)


def test_a_new_boot_is_told_what_it_should_hold_and_nothing_of_the_old_one(fleet: Fleet) -> None:
    fleet.create(id="a")
    fleet.create(id="b")
    fleet.restart("Main")
    (said,) = fleet.said(SayDesired)

    assert said.desired.tasks == ()
    assert said.desired.boot == fleet.bots["Main"].boot
    assert fleet.running() == ["a", "b"]


def test_every_heartbeat_is_answered(fleet: Fleet) -> None:
    fleet.beat("Main")
    (said,) = fleet.said(SayLease)

    assert (said.as_of, said.boot) == (fleet.bots["Main"].seq, fleet.bots["Main"].boot)


def test_nobody_is_told_anything_before_it_was_heard() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    fleet.restart_coordinator()
    fleet.ask("drain", agent="Main")

    assert fleet.said(SayDesired) == []
    fleet.beat("Main")
    assert len(fleet.said(SayDesired)) == 1
