"""Drain and forget: letting an agent go, and letting it come back."""

import pytest

from coordinator.core.effects import ClearAgent, SayDesired, ShowAgent
from coordinator.core.views import summary_view
from protocol.vocabulary import AgentMode, PresenceState
from tests.support.fleet import Fleet


@pytest.fixture
def fleet() -> Fleet:
    fleet = Fleet()
    fleet.agent("Main")
    return fleet


def test_a_drained_agent_finishes_what_it_has_and_gets_nothing_new(fleet: Fleet) -> None:
    first = fleet.create()
    fleet.ask("drain", agent="Main")
    second = fleet.create()

    assert fleet.said(SayDesired) == []
    fleet.finish(first)
    assert fleet.status(first) == "completed"
    assert fleet.phase(second) == "ready"


def test_an_agent_that_holds_something_cannot_be_forgotten(fleet: Fleet) -> None:
    fleet.create(id="hunt")
    reply = fleet.ask("forget", agent="Main")

    assert (reply.ok, reply.code) == (False, "conflict")
    assert "hunt" in (reply.message or "")


def test_a_forgotten_agent_is_told_to_stop_and_cleared_from_the_bus(fleet: Fleet) -> None:
    fleet.ask("forget", agent="Main")

    assert [said.desired.mode for said in fleet.said(SayDesired)] == [AgentMode.STOP]
    assert fleet.said(ClearAgent) == [ClearAgent("Main")]
    task = fleet.create()
    assert fleet.phase(task) == "ready"


def test_a_forgotten_agent_is_not_counted_until_it_comes_anew(fleet: Fleet) -> None:
    def counted() -> tuple[int, int]:
        said = summary_view(fleet.state, fleet.now)
        return said.total_agents, said.online_agents

    assert counted() == (1, 1)
    fleet.ask("forget", agent="Main")
    assert counted() == (0, 0)
    fleet.pass_time(5)
    fleet.restart("Main")
    assert counted() == (1, 1)


def test_a_late_will_of_a_forgotten_agent_is_cleared_again(fleet: Fleet) -> None:
    fleet.ask("forget", agent="Main")
    fleet.hear(fleet.bots["Main"].presence(PresenceState.LOST))

    assert fleet.said(ClearAgent) == [ClearAgent("Main")]
    assert fleet.stories() == []


def test_a_late_will_of_an_earlier_process_of_a_forgotten_agent_is_cleared(fleet: Fleet) -> None:
    will = fleet.bots["Main"].presence(PresenceState.LOST)
    fleet.pass_time(5)
    fleet.restart("Main")
    fleet.ask("forget", agent="Main")
    fleet.pass_time(600)
    fleet.hear(will)

    assert fleet.said(ClearAgent) == [ClearAgent("Main")]
    assert fleet.said(ShowAgent) == []


def test_what_the_broker_remembers_of_a_forgotten_agent_is_cleared_again(fleet: Fleet) -> None:
    bot = fleet.bots["Main"]
    fleet.ask("forget", agent="Main")
    for said in (bot.presence(), bot.info(), bot.numbers(), bot.heartbeat(fleet.now.mono_ms)):
        fleet.hear(said, retained=True)
        assert fleet.said(ClearAgent) == [ClearAgent("Main")]
    fleet.pass_time(5)
    fleet.restart("Main")
    fleet.hear(bot.presence(), retained=True)
    assert fleet.said(ClearAgent) == []


def test_what_operators_did_to_an_agent_is_forgotten_with_it(fleet: Fleet) -> None:
    fleet.ask("cordon", agent="Main", forever=True)
    fleet.ask("forget", agent="Main")
    fleet.pass_time(5)
    fleet.restart("Main")

    assert fleet.holder(fleet.create()) == "Main"


def test_nothing_can_be_done_to_a_forgotten_agent_but_to_forget_it_again(fleet: Fleet) -> None:
    fleet.ask("forget", agent="Main")

    assert fleet.ask("drain", agent="Main").code == "not_found"
    assert fleet.ask("why_idle", agent="Main").code == "not_found"
    assert fleet.ask("forget", agent="Main").ok
    assert fleet.said(ClearAgent) == [ClearAgent("Main")]


def test_an_agent_that_only_a_task_named_can_be_forgotten_too(fleet: Fleet) -> None:
    task = fleet.create(agent="Mian")
    assert summary_view(fleet.state, fleet.now).total_agents == 2
    fleet.ask("forget", agent="Mian")
    assert summary_view(fleet.state, fleet.now).total_agents == 1
    fleet.restart_coordinator()
    assert summary_view(fleet.state, fleet.now).total_agents == 1
    fleet.agent("Mian")
    fleet.beat("Main")
    assert summary_view(fleet.state, fleet.now).total_agents == 2
    assert fleet.holder(task) == "Mian"


def test_a_forgotten_agent_has_no_card_whatever_it_says_and_whatever_changes(fleet: Fleet) -> None:
    fleet.ask("forget", agent="Main")
    fleet.beat("Main")
    assert fleet.said(ShowAgent) == []
    fleet.plan(fleet_name="another plan")
    assert fleet.said(ShowAgent) == []
    fleet.freeze("Main")
    fleet.pass_time(600)
    assert fleet.said(ShowAgent) == []
    fleet.thaw("Main")
    fleet.restart("Main")
    assert ShowAgent("Main") in fleet.said(ShowAgent)


def test_a_forgotten_agent_that_starts_anew_is_welcome(fleet: Fleet) -> None:
    fleet.ask("forget", agent="Main")
    task = fleet.create()
    fleet.pass_time(5)
    fleet.restart("Main")

    assert fleet.holder(task) == "Main"


def test_a_boot_from_before_the_tombstone_is_not_welcome(fleet: Fleet) -> None:
    bot = fleet.bots["Main"]
    fleet.ask("forget", agent="Main")
    bot.start(fleet.now.mono_ms, bot.epoch - 5, knows_predecessor=False)
    fleet.hear(bot.presence(), bot.info(), bot.heartbeat(fleet.now.mono_ms))

    assert fleet.state.dropped["old_boot"] == 3


def test_a_tombstone_survives_a_restart(fleet: Fleet) -> None:
    fleet.ask("forget", agent="Main")
    fleet.restart_coordinator()
    fleet.create(id="hunt")
    fleet.beat("Main")

    assert fleet.phase("hunt") == "ready"
