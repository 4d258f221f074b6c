"""What a new plan would do to a fleet that is at work."""

import json
from typing import Any

from coordinator.core.policy import Policy
from coordinator.plan.compile import compile_plan
from coordinator.plan.impact import LISTED, impact
from coordinator.plan.load import parse
from tests.support.fleet import Fleet

WINDOW = {"night": {"start_time": "22:00", "end_time": "23:00"}}


def policy(**plan: Any) -> Policy:
    return compile_plan(parse(json.dumps({"fleet_name": "F", **plan}).encode()))


def fleet(**plan: Any) -> Fleet:
    made = Fleet()
    compiled = policy(**plan)
    made.plan(**{name: getattr(compiled, name) for name in ("limits", "windows", "caps")})
    return made


def said(made: Fleet, **plan: Any) -> list[str]:
    found = impact(made.state, policy(**plan))
    return [f"{problem.path}: {problem.message}" for problem in found.warnings]


def reasons(made: Fleet, **plan: Any) -> dict[str, str]:
    found = impact(made.state, policy(**plan))
    assert found.infeasible_total == len(found.infeasible)
    return {one.name: one.reason for one in found.infeasible}


def test_a_limit_below_its_use_says_how_many_run_and_how_many_must_end() -> None:
    made = fleet()
    for name in "ABC":
        made.agent(name)
        made.create()
    constraints = {"max_concurrent_agents": 2, "max_concurrent_quest": 3}
    (text,) = said(made, global_constraints=constraints)
    assert text.startswith("global_constraints.max_concurrent_agents: 3 run now")
    assert text.endswith("nothing more starts until 2 of them have ended")
    (text,) = said(made, global_constraints={"max_concurrent_quest": 0})
    assert text.startswith("global_constraints.max_concurrent_quest: 3 run now")
    assert text.endswith("under a limit of 0")


def test_a_cap_below_what_is_counted_says_so() -> None:
    made = fleet(global_constraints={"daily_caps": {"mode:quest": 5}})
    made.agent("A")
    for _ in range(3):
        made.finish(made.create())
    (text,) = said(made, global_constraints={"daily_caps": {"mode:quest": 2}})
    assert text.startswith("global_constraints.daily_caps.mode:quest: 3 are counted in this day")
    assert said(made, global_constraints={"daily_caps": {"mode:quest": 3}}) == []


def test_tasks_whose_window_is_gone_become_infeasible() -> None:
    made = fleet(schedule_windows=WINDOW)
    made.agent("A")
    made.create("nightly", constraints={"time_window": "night"})
    assert reasons(made, schedule_windows=WINDOW) == {}
    assert reasons(made) == {"nightly": "the plan has no window 'night'"}


def test_tasks_whose_limit_or_cap_is_nothing_become_infeasible() -> None:
    made = fleet(global_constraints={"max_concurrent_agents": 1})
    made.agent("A", "quest", "combat")
    made.create("first")
    made.create("second")
    made.create("third", mode="combat")
    assert reasons(made, global_constraints={"max_concurrent_quest": 0}) == {
        "second": "global_constraints.max_concurrent_quest is 0"
    }
    assert reasons(made, global_constraints={"daily_caps": {"mode:combat": 0}}) == {
        "third": "the day cap of mode:combat is 0"
    }


def test_tasks_for_an_agent_that_leaves_the_plan_unseen_become_infeasible() -> None:
    made = Fleet()
    with_planned = policy(agents=[{"name": "New", "capabilities": ["pvp"]}])
    made.plan(agents=with_planned.agents)
    made.create("duel", mode="pvp")
    made.create("own", mode="pvp", agent="New")
    assert reasons(made) == {"duel": "no agent can do pvp", "own": "New cannot do pvp"}


def test_what_was_infeasible_before_is_not_blamed_on_the_plan() -> None:
    made = fleet()
    made.create("odd", mode="unheard_of")
    assert reasons(made) == {}


def test_of_very_many_the_first_are_listed_and_all_are_counted() -> None:
    made = fleet(global_constraints={"max_concurrent_agents": 1})
    made.agent("A")
    for _ in range(LISTED + 11):
        made.create()
    found = impact(made.state, policy(global_constraints={"max_concurrent_agents": 0}))
    assert (len(found.infeasible), found.infeasible_total) == (LISTED, LISTED + 10)
    assert found.document()["infeasible_total"] == LISTED + 10
