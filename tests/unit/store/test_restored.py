"""A store that was put back: nothing that it says of work in hand is believed."""

from coordinator.core.effects import LogAttempt
from coordinator.core.events import Restored
from tests.support.fleet import Fleet

QUIET_S = 90.0
"""Longer than any lease here."""


def put_back(fleet: Fleet) -> None:
    """Start from a store that was put back."""
    fleet.restart_coordinator()
    fleet.tell(Restored(int(QUIET_S * 1000)))


def test_what_it_says_is_lent_is_free_again_but_given_to_nobody_for_a_whole_lease() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    task = fleet.create()
    assert fleet.holder(task) == "Main"
    fleet.crash("Main")
    put_back(fleet)
    assert fleet.status(task) == "pending"
    assert [attempt.outcome for attempt in fleet.said(LogAttempt)] == ["restored"]
    fleet.agent("Heals")
    fleet.pass_time(QUIET_S - 1)
    assert fleet.holder(task) is None
    fleet.pass_time(2)
    assert fleet.holder(task) == "Heals"


def test_an_agent_that_still_works_stops_and_nothing_is_done_twice_at_once() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    task = fleet.create()
    put_back(fleet)
    fleet.pass_time(QUIET_S - 1)
    assert fleet.bots["Main"].executes(fleet.now.mono_ms) == []
    fleet.pass_time(2)
    assert fleet.holder(task) == "Main"
    fleet.finish(task)
    assert fleet.status(task) == "completed"


def test_its_attempt_is_not_counted_against_the_task() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    task = fleet.create(max_attempts=1)
    put_back(fleet)
    assert fleet.status(task) == "pending"


def test_a_task_that_was_to_be_cancelled_is() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    task = fleet.create()
    fleet.freeze("Main")
    assert fleet.ask("cancel", task).ok
    put_back(fleet)
    assert fleet.status(task) == "cancelled"
