"""Pools in a plan: what is wrong with one, and what becomes of a right one."""

import json
from typing import Any

import pytest

from coordinator.plan.compile import compile_plan
from coordinator.plan.load import examine, parse


def plan(name: str = "miners", **changes: Any) -> bytes:
    pool = {
        "agent": {"capabilities": ["mining"], "slots": 2, "command": ["./bot"]},
        "machines": ["pc-1"],
        "min": 1,
        "max": 3,
        "target_wait": "1m",
    }
    agents = [{"name": "Main", "machine_id": "pc-1", "capabilities": ["quest"]}]
    document = {"fleet_name": "f", "agents": agents, "pools": {name: pool | changes}}
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"min": 4}, "pools.miners.min", "more than max (3)"),
        ({"maximum": 4}, "pools.miners.maximum", "unknown key"),
        ({"max": 0}, "pools.miners.max", ""),
        ({"machines": []}, "pools.miners.machines", ""),
        ({"target_wait": "soon"}, "pools.miners.target_wait", "90s"),
        ({"agent": {}}, "pools.miners.agent.capabilities", "can do nothing"),
        ({"agent": {"capabilites": ["x"]}}, "pools.miners.agent.capabilites", "capabilities"),
        ({"agent": {"capabilities": ["x"], "name": "a"}}, "pools.miners.agent.name", "unknown key"),
        ({"name": "Main"}, "pools.Main", ""),
        ({"name": "a b"}, "pools.a b", ""),
        ({"name": "m" * 60}, "pools." + "m" * 60, "59"),
    ],
)
def test_a_mistake_is_told_where_it_is(changes: dict[str, Any], path: str, said: str) -> None:
    if changes.get("name") == "Main":
        taken = json.loads(plan("Main"))
        taken["agents"][0]["name"] = "Main-2"
        examined = examine(json.dumps(taken).encode())
    else:
        examined = examine(plan(**changes))
    assert examined.plan is None
    found = [problem for problem in examined.problems if problem.path == path]
    assert found, examined.problems
    assert said in f"{found[0].message} {found[0].suggestion}"


def test_a_machine_that_is_nearly_one_of_the_plan_is_a_warning_with_a_suggestion() -> None:
    examined = examine(plan(machines=["pc-11"]))
    assert examined.plan is not None
    (problem,) = examined.problems
    assert (problem.path, problem.suggestion) == (
        "pools.miners.machines[0]",
        "did you mean 'pc-1'?",
    )


def test_a_mode_that_only_a_pool_can_is_one_that_somebody_can() -> None:
    document = json.loads(plan())
    document["schedules"] = [{"name": "dig", "mode": "mining", "every": "1h"}]
    assert examine(json.dumps(document).encode()).problems == ()


def test_members_are_agents_of_the_pool_with_all_that_it_says_of_them() -> None:
    policy = compile_plan(parse(plan()))
    pool = policy.pools["miners"]
    assert pool.members == ("miners-1", "miners-2", "miners-3")
    assert (pool.least, pool.most, pool.target_wait_ms, pool.slots) == (1, 3, 60_000, 2)
    member = policy.agents["miners-2"]
    assert (member.pool, member.command, member.slots) == ("miners", ("./bot",), 2)
    assert member.capabilities == {"mining"}
    assert policy.agents["Main"].pool is None


def test_a_plan_with_a_pool_stays_as_it_was_written() -> None:
    assert parse(plan()).document()["pools"]["miners"]["target_wait"] == "1m"
