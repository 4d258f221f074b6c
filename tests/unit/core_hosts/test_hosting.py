"""Which agents a host is told to run, and what it says of them."""

import pytest

from coordinator.core.effects import SayHostDesired
from coordinator.core.policy import AgentPolicy
from protocol.vocabulary import AgentStatus, PresenceState
from tests.support.fleet import Fleet
from tests.support.machines import Machine


def planned(name: str, machine: str = "pc", *, auto_start: bool = True) -> AgentPolicy:
    return AgentPolicy(name, machine, capabilities=frozenset({"quest"}), auto_start=auto_start)


def fleet_of(*agents: AgentPolicy) -> Fleet:
    fleet = Fleet()
    fleet.plan(agents={agent.name: agent for agent in agents})
    return fleet


def test_a_host_is_told_the_agents_of_its_machine_that_the_plan_starts() -> None:
    fleet = fleet_of(planned("Main"), planned("Idle", auto_start=False), planned("Far", "other"))
    machine = Machine(fleet, "pc").begin()
    assert list(machine.orders) == ["Main"]
    assert machine.orders["Main"].capabilities == ("quest",)


def test_a_host_that_stands_in_takes_the_machines_that_have_none() -> None:
    fleet = fleet_of(planned("Main"), planned("Far", "other"), planned("Nowhere", ""))
    stand_in = Machine(fleet, "laptop", stands_in=True).begin()
    assert set(stand_in.orders) == {"Main", "Far", "Nowhere"}
    own = Machine(fleet, "other").begin()
    assert list(own.orders) == ["Far"]
    assert set(stand_in.orders) == {"Main", "Nowhere"}


def test_a_new_plan_is_told_at_once_and_the_same_list_is_not_told_twice() -> None:
    fleet = fleet_of(planned("Main"))
    machine = Machine(fleet, "pc").begin()
    machine.state()
    assert fleet.said(SayHostDesired) == []
    fleet.plan(agents={"Other": planned("Other")})
    assert list(machine.orders) == ["Other"]


def test_a_host_that_has_not_heard_the_newest_list_is_told_it_again() -> None:
    fleet = fleet_of(planned("Main"))
    machine = Machine(fleet, "pc").begin()
    machine.seen = (0, 0)
    machine.state()
    (said,) = fleet.said(SayHostDesired)
    assert said.desired.rev == 1


def test_a_new_boot_of_a_host_is_told_everything_and_an_old_one_nothing() -> None:
    fleet = fleet_of(planned("Main"))
    machine = Machine(fleet, "pc").begin()
    newer = Machine(fleet, "pc", boot="c" * 32, epoch=2).begin()
    assert list(newer.orders) == ["Main"]
    machine.state()
    assert fleet.state.dropped["old_boot"] == 1


def test_an_operator_stops_and_starts_an_agent_and_a_restart_remembers_it() -> None:
    fleet = fleet_of(planned("Main"))
    machine = Machine(fleet, "pc").begin()
    machine.come_up()
    assert fleet.ask("stop", agent="Main").ok
    assert machine.orders == {}
    fleet.restart_coordinator()
    fleet.state.phase = fleet.state.phase
    machine.state()
    assert machine.orders == {}
    assert fleet.ask("start", agent="Main").ok
    assert machine.orders["Main"].start > 0


def test_a_restart_asks_for_a_later_start_each_time() -> None:
    fleet = fleet_of(planned("Main"))
    machine = Machine(fleet, "pc").begin()
    starts = []
    for _ in range(3):
        assert fleet.ask("restart", agent="Main").ok
        starts.append(machine.orders["Main"].start)
    assert starts == sorted(set(starts))


@pytest.mark.parametrize(
    ("op", "agent", "said"),
    [
        ("start", "Nobody", "an agent of the plan"),
        ("start", "Far", "of which no host is there"),
        ("stop", "Idle", "stopped already"),
        ("start", "Main", "running already"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_reason(op: str, agent: str, said: str) -> None:
    fleet = fleet_of(planned("Main"), planned("Idle", auto_start=False), planned("Far", "other"))
    Machine(fleet, "pc").begin().state()
    reply = fleet.ask(op, agent=agent)
    assert not reply.ok
    assert said in (reply.message or "")


def test_an_agent_that_its_host_gave_up_is_in_error_with_its_last_lines() -> None:
    fleet = fleet_of(planned("Main"))
    machine = Machine(fleet, "pc").begin()
    machine.gave_up("Main")
    agent = fleet.state.agents["Main"]
    assert agent.status is AgentStatus.ERROR
    assert agent.last_error == "ended with exit status 3\nno game\nhere"
    assert fleet.stories() == ["agent_gave_up"]
    machine.state()
    assert fleet.stories() == []


def test_a_host_that_is_silent_or_whose_will_comes_is_lost_and_its_agents_are_not() -> None:
    fleet = fleet_of(planned("Main"))
    machine = Machine(fleet, "pc", start_s=0).begin()
    machine.come_up()
    assert fleet.state.hosts["host-pc"].is_present
    fleet.pass_time(16)
    assert "host_lost" in fleet.stories()
    assert not fleet.state.hosts["host-pc"].is_present
    assert fleet.state.agents["Main"].status is AgentStatus.IDLE
    machine.state()
    assert fleet.state.hosts["host-pc"].is_present
    machine.will()
    assert not fleet.state.hosts["host-pc"].is_present


def test_what_a_broker_remembers_of_a_host_does_not_make_it_present() -> None:
    fleet = fleet_of(planned("Main"))
    machine = Machine(fleet, "pc")
    fleet.hear_host(machine._presence(PresenceState.ONLINE), retained=True)
    assert not fleet.state.hosts["host-pc"].is_present
