"""A process that its host knows to be dead: what it held is free at once, and nothing else.

After every step the fleet checks that no task executes twice; so a proof that were believed where
it must not be, or that were wrong, would be noticed here.
"""

import pytest

from coordinator.core.policy import AgentPolicy
from protocol.vocabulary import AgentStatus
from tests.support.fleet import Fleet
from tests.support.machines import Machine


@pytest.fixture
def fleet() -> Fleet:
    fleet = Fleet()
    policies = [AgentPolicy(name, "pc", auto_start=True) for name in ("Main", "Heals")]
    fleet.plan(agents={policy.name: policy for policy in policies})
    return fleet


@pytest.fixture
def machine(fleet: Fleet) -> Machine:
    machine = Machine(fleet, "pc", start_s=0).begin()
    machine.orders = {name: order.model_copy() for name, order in machine.orders.items()}
    for name in ("Main", "Heals"):
        machine.due.pop(name)
        fleet.agent(name)
    return machine


def test_what_a_dead_process_held_is_given_to_another_at_once(
    fleet: Fleet, machine: Machine
) -> None:
    task = fleet.create(agent=None)
    holder = fleet.holder(task)
    assert holder is not None
    fleet.crash(holder)
    before = fleet.now
    machine.prove(holder)
    assert fleet.now == before
    other = fleet.holder(task)
    assert other is not None
    assert other != holder
    assert fleet.state.agents[holder].status is AgentStatus.OFFLINE
    assert "agent_dead" in fleet.stories()


def test_a_proof_said_again_does_nothing_and_takes_nothing_from_the_next_process(
    fleet: Fleet, machine: Machine
) -> None:
    task = fleet.create(agent="Main")
    fleet.crash("Main")
    machine.prove("Main")
    fleet.restart("Main")
    assert fleet.holder(task) == "Main"
    fence = fleet.state.tasks[task].fence
    machine.state()
    machine.state()
    assert fleet.state.tasks[task].fence == fence
    assert fleet.holder(task) == "Main"


def test_a_late_word_of_the_dead_process_is_not_believed(fleet: Fleet, machine: Machine) -> None:
    late = fleet.bots["Main"].heartbeat(fleet.now.mono_ms)
    fleet.crash("Main")
    machine.prove("Main")
    fleet.hear(late)
    assert fleet.state.dropped["dead_boot"] == 1
    assert fleet.holder(fleet.create(agent="Main")) is None


def test_a_proof_of_a_boot_that_holds_nothing_frees_nothing(fleet: Fleet, machine: Machine) -> None:
    task = fleet.create(agent="Main")
    machine.prove("Main", "f" * 32)
    assert fleet.holder(task) == "Main"
    assert fleet.state.tasks[task].fence == 1


def test_a_host_on_which_an_agent_never_was_is_not_believed(fleet: Fleet, machine: Machine) -> None:
    task = fleet.create(agent="Main")
    stranger = Machine(fleet, "elsewhere", boot="e" * 32).begin()
    stranger.prove("Main")
    assert fleet.state.dropped["foreign_agent"] >= 1
    assert fleet.holder(task) == "Main"


def test_a_proof_that_a_broker_remembers_is_as_good(fleet: Fleet, machine: Machine) -> None:
    task = fleet.create(agent="Main")
    fleet.crash("Main")
    boot = fleet.bots["Main"].boot
    fleet.restart_coordinator()
    machine.dead["Main"] = (boot,)
    fleet.hear_host(machine.actual(), retained=True)
    assert fleet.state.tasks[task].attempt is None
    assert fleet.state.unheard == {}


def test_a_task_that_may_outlive_its_lease_is_free_when_its_process_is_proven_dead(
    fleet: Fleet, machine: Machine
) -> None:
    task = fleet.create(agent="Main", on_lease_lost="finish")
    fleet.crash("Main")
    fleet.pass_time(300)
    assert fleet.phase(task) == "unknown"
    machine.prove("Main")
    assert fleet.holder(task) is None


def test_a_wrong_proof_is_noticed(fleet: Fleet, machine: Machine) -> None:
    """The mutant: a host that says so of a process that lives. The checks must not let it pass."""
    fleet.create()
    (task,) = fleet.running()
    holder = fleet.holder(task)
    assert holder is not None
    fleet.bots[holder].deaf = True  # or it would hear in time that it holds nothing any more
    with pytest.raises(AssertionError, match="executed twice"):
        machine.prove(holder)
