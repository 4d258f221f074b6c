"""Work goes to the machine that does least, and it can be seen why."""

from tests.support.fleet import Fleet


def fleet_of_two_machines() -> Fleet:
    fleet = Fleet()
    for name in ("a1", "a2", "a3"):
        fleet.agent(name, machine_id="a")
    fleet.agent("b1", machine_id="b")
    return fleet


def test_of_agents_alike_the_one_on_the_machine_that_does_least_is_chosen() -> None:
    fleet = fleet_of_two_machines()
    first, second, third = (fleet.holder(fleet.create()) for _ in range(3))
    assert (first, second) == ("a1", "b1")
    assert third in {"a2", "a3"}
    assert fleet.state.loads == {"a": 2, "b": 1, "": 0}


def test_what_has_ended_loads_no_machine() -> None:
    fleet = fleet_of_two_machines()
    tasks = [fleet.create() for _ in range(4)]
    for task in tasks:
        fleet.finish(task)
    assert fleet.state.loads.total() == 0


def test_a_machine_counts_for_less_than_what_the_plan_prefers() -> None:
    fleet = Fleet()
    fleet.agent("spare", "quest", machine_id="busy")
    fleet.agent("able", "quest", "combat", machine_id="free")
    fleet.agent("other", "mining", machine_id="busy")
    fleet.create(mode="mining")
    assert fleet.holder(fleet.create()) == "spare"


def test_a_task_that_runs_says_how_its_agent_was_judged() -> None:
    fleet = fleet_of_two_machines()
    fleet.create()
    task = fleet.create()
    reply = fleet.ask("why", task)
    assert reply.data is not None
    assert reply.data["agent"] == "b1"
    assert reply.data["chosen_by"]["machine_load"] == 0
    fleet.restart_coordinator()
    fleet.beat("b1")
    reply = fleet.ask("why", task)
    assert reply.data is not None
    assert reply.data["chosen_by"] is None
