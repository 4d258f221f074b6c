"""Matching: which agent may have which task, and which of several gets it."""

from coordinator.core.policy import AgentPolicy, Threshold
from protocol.vocabulary import AgentHealth, Priority
from tests.support.fleet import Fleet

CPU = {"cpu_usage": Threshold(warning=70.0, critical=90.0, hard=True)}
WATCHED = AgentPolicy("", thresholds=CPU)


def test_a_task_runs_only_where_its_mode_and_every_capability_are() -> None:
    fleet = Fleet()
    fleet.agent("fighter", "combat")
    fleet.agent("healer", "quest", "medic_follow")
    fight = fleet.create(mode="combat")
    heal = fleet.create(mode="quest", capabilities=["medic_follow"])
    both = fleet.create(mode="combat", capabilities=["medic_follow"])

    assert fleet.holder(fight) == "fighter"
    assert fleet.holder(heal) == "healer"
    fleet.finish(fight)
    fleet.finish(heal)
    assert fleet.phase(both) == "ready"


def test_the_constraint_agent_capability_is_a_capability_like_others() -> None:
    fleet = Fleet()
    fleet.agent("plain", "quest")
    task = fleet.create(constraints={"agent_capability": "trading"})

    assert fleet.holder(task) is None
    fleet.agent("trader", "quest", "trading")
    assert fleet.holder(task) == "trader"


def test_a_task_for_one_agent_waits_for_it_though_others_are_free() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    fleet.agent("Alt")
    first = fleet.create(agent="Main")
    second = fleet.create(agent="Main")

    assert fleet.holder(first) == "Main"
    assert fleet.holder(second) is None
    fleet.finish(first)
    assert fleet.holder(second) == "Main"


def test_a_task_may_be_for_an_agent_that_is_yet_to_come() -> None:
    fleet = Fleet()
    fleet.agent("Alt")
    task = fleet.create(agent="Main")

    assert fleet.holder(task) is None
    fleet.agent("Main")
    assert fleet.holder(task) == "Main"


def test_a_task_for_one_agent_still_asks_for_its_capabilities() -> None:
    fleet = Fleet()
    fleet.agent("Main", "quest")
    task = fleet.create(agent="Main", mode="combat")

    assert fleet.phase(task) == "ready"


def test_a_task_waits_for_an_agent_that_is_well_enough() -> None:
    fleet = Fleet(unlisted=WATCHED)
    fleet.agent("bot", metrics={"cpu_usage": 80.0})
    task = fleet.create(constraints={"min_health": "healthy"})

    assert fleet.holder(task) is None
    for _ in range(3):
        fleet.measure("bot", cpu_usage=20.0)
    assert fleet.holder(task) == "bot"


def test_the_plan_asks_every_task_for_a_least_health_unless_it_says_its_own() -> None:
    fleet = Fleet(unlisted=WATCHED, min_health=AgentHealth.HEALTHY)
    fleet.agent("bot", metrics={"cpu_usage": 80.0})
    strict = fleet.create()
    lenient = fleet.create(constraints={"min_health": "warning"})

    assert fleet.holder(strict) is None
    assert fleet.holder(lenient) == "bot"


def test_unknown_health_is_enough_only_where_no_health_is_asked_for() -> None:
    fleet = Fleet(unlisted=WATCHED)
    fleet.agent("bot", metrics={})
    asking = fleet.create(constraints={"min_health": "critical"})
    plain = fleet.create()

    assert fleet.holder(asking) is None
    assert fleet.holder(plain) == "bot"


def test_a_fall_in_health_does_not_end_a_running_task() -> None:
    fleet = Fleet(unlisted=WATCHED, min_health=AgentHealth.HEALTHY)
    fleet.agent("bot")
    task = fleet.create()
    fleet.measure("bot", cpu_usage=99.0)

    assert fleet.holder(task) == "bot"


def test_the_agent_with_the_fewest_abilities_to_spare_is_taken() -> None:
    fleet = Fleet()
    fleet.agent("able", "quest", "combat", "trading")
    fleet.agent("simple", "quest")

    assert fleet.holder(fleet.create()) == "simple"


def test_of_equal_agents_the_one_that_the_plan_prefers_is_taken() -> None:
    preferred = AgentPolicy("second", priority=Priority.HIGH)
    fleet = Fleet(agents={"second": preferred})
    fleet.agent("first")
    fleet.agent("second")

    assert fleet.holder(fleet.create()) == "second"


def test_of_equal_agents_the_one_that_has_idled_longest_is_taken() -> None:
    fleet = Fleet()
    fleet.agent("first")
    fleet.agent("second")
    task = fleet.create()
    fleet.finish(task)

    assert fleet.holder(fleet.create()) == "second"


def test_an_agent_that_learns_something_new_gets_what_waits_for_it() -> None:
    fleet = Fleet()
    fleet.agent("bot", "quest")
    task = fleet.create(mode="combat")
    bot = fleet.bots["bot"]
    bot.capabilities = ("quest", "combat")
    fleet.hear(bot.info())

    assert fleet.holder(task) == "bot"
