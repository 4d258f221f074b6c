"""A new plan in force: everything that waits is judged by it at once, and nobody loses work."""

from coordinator.core.policy import Ageing, AgentPolicy
from protocol.vocabulary import AgentHealth, Priority
from tests.support.fleet import Fleet


def test_a_new_least_health_holds_back_what_waits_and_not_what_runs() -> None:
    fleet = Fleet()
    fleet.agent("Main", metrics={})
    first, second = fleet.create(), fleet.create()
    fleet.plan(min_health=AgentHealth.WARNING)
    fleet.finish(first)

    assert fleet.phase(second) == "ready"
    fleet.plan(min_health=None)
    assert fleet.phase(second) == "running"


def test_new_head_starts_put_what_waits_in_a_new_order() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    running = fleet.create()
    fleet.create(id="old", priority="low")
    fleet.pass_time(10)
    fleet.create(id="new", priority="high")
    fleet.plan(ageing=Ageing(head_start_ms=dict.fromkeys(Priority, 0)))
    fleet.finish(running)

    assert fleet.running() == ["old"]


def test_an_agent_that_the_plan_names_is_known_before_it_is_heard() -> None:
    fleet = Fleet()
    fleet.plan(agents={"Main": AgentPolicy("Main", capabilities=frozenset({"quest"}))})

    assert fleet.state.agents["Main"].status.value == "offline"


def test_what_an_agent_says_of_its_abilities_counts_more_than_the_plan() -> None:
    fleet = Fleet(agents={"Main": AgentPolicy("Main", capabilities=frozenset({"combat"}))})
    fleet.agent("Main", "quest")
    fight = fleet.create(mode="combat")
    quest = fleet.create()

    assert fleet.running() == [quest]
    assert fleet.phase(fight) == "ready"


def test_the_plan_may_give_an_agent_fewer_slots_than_it_has() -> None:
    fleet = Fleet()
    fleet.agent("Main", slots=4)
    tasks = [fleet.create() for _ in range(4)]
    fleet.plan(agents={"Main": AgentPolicy("Main", slots=1)})

    assert fleet.running() == tasks
    for task in tasks:
        fleet.finish(task)
    more = [fleet.create() for _ in range(2)]
    assert fleet.running() == more[:1]


def test_a_limit_that_is_lifted_while_an_agent_waits_is_noticed() -> None:
    fleet = Fleet(limits={"mode:quest": 0})
    fleet.agent("Main")
    task = fleet.create()
    fleet.limit(mode_quest=1)

    assert fleet.holder(task) == "Main"
