"""Operators: what they do to agents and the fleet, for how long, and what is in force after it."""

from typing import Any

import pytest

from protocol.vocabulary import AgentMode
from tests.support.fleet import Fleet


@pytest.fixture
def fleet() -> Fleet:
    fleet = Fleet()
    fleet.agent("Main")
    return fleet


def test_a_cordoned_agent_keeps_what_it_has_and_gets_nothing_new(fleet: Fleet) -> None:
    first = fleet.create()
    fleet.ask("cordon", agent="Main", for_s=60.0)
    fleet.finish(first)
    second = fleet.create()

    assert fleet.status(first) == "completed"
    assert fleet.phase(second) == "ready"
    fleet.pass_time(60)
    assert fleet.phase(second) == "running"


def test_an_agent_that_returns_is_in_service_at_once(fleet: Fleet) -> None:
    fleet.ask("drain", agent="Main")
    task = fleet.create()
    assert fleet.state.agents["Main"].desired_mode.value == "drain"
    fleet.ask("return", agent="Main")

    assert fleet.holder(task) == "Main"
    assert fleet.state.agents["Main"].desired_mode is AgentMode.ACTIVE


def test_an_agent_in_maintenance_takes_maintenance_tasks_only(fleet: Fleet) -> None:
    fleet.ask("maintenance", agent="Main")
    urgent = fleet.create(priority="critical")
    upkeep = fleet.create(priority="maintenance")

    assert fleet.running() == [upkeep]
    assert fleet.phase(urgent) == "ready"


def test_when_a_verb_expires_the_one_before_is_in_force_again(fleet: Fleet) -> None:
    fleet.ask("drain", agent="Main", for_s=100.0)
    fleet.ask("cordon", agent="Main", for_s=50.0)
    task = fleet.create()
    modes = []
    for _ in range(3):
        modes.append(fleet.state.agents["Main"].desired_mode.value)
        fleet.pass_time(50)

    assert modes == ["active", "drain", "active"]
    assert fleet.holder(task) == "Main"


def test_a_verb_given_again_and_again_is_remembered_once(fleet: Fleet) -> None:
    for _ in range(500):
        fleet.ask("cordon", agent="Main", forever=True)
    verb = fleet.state.agents["Main"].verb

    assert verb is not None
    assert verb.previous is None


@pytest.mark.parametrize(
    ("verb", "back", "asked"),
    [("pause_fleet", "resume_fleet", {}), ("hold", "release", {"key": "mode:quest"})],
)
def test_a_paused_fleet_and_a_held_key_start_nothing_until_let_go(
    fleet: Fleet, verb: str, back: str, asked: dict[str, Any]
) -> None:
    running = fleet.create()
    fleet.ask(verb, for_s=600.0, **asked)
    fleet.finish(running)
    task = fleet.create()
    assert fleet.phase(task) == "ready"

    fleet.ask(back, **asked)
    assert fleet.holder(task) == "Main"


@pytest.mark.parametrize("asked", [{"op": "pause_fleet"}, {"op": "hold", "key": "global"}])
def test_it_ends_by_itself_and_survives_a_restart(fleet: Fleet, asked: dict[str, Any]) -> None:
    fleet.ask(**asked, for_s=100.0)
    task = fleet.create()
    fleet.restart_coordinator()
    fleet.pass_time(98.9)

    assert fleet.phase(task) == "ready"
    fleet.pass_time(0.2)
    assert fleet.holder(task) == "Main"


@pytest.mark.parametrize("asked", [{"op": "resume_fleet"}, {"op": "release", "key": "global"}])
def test_what_is_not_in_force_cannot_be_taken_back(fleet: Fleet, asked: dict[str, Any]) -> None:
    assert fleet.ask(**asked).code == "conflict"
    assert fleet.ask("return", agent="Main").code == "conflict"
