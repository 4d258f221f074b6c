"""The plans that must always be readable: the one we ship, and the first one ever written."""

import json
from pathlib import Path

import pytest

from coordinator.core.civil import any_open, hours_windows
from coordinator.plan.compile import compile_plan
from coordinator.plan.load import examine_file, load, parse
from coordinator.plan.schema import FleetPlan
from protocol.vocabulary import AgentHealth

HERE = Path(__file__).parent
FIRST = HERE / "first_plan.json"
SHIPPED = HERE.parents[2] / "config" / "fleet_plan.json"
MONDAY_MS = 1_767_571_200_000  # 2026-01-05
HOUR_MS = 3_600_000


def test_the_first_plan_is_usable_and_is_told_which_modes_it_has_no_agent_for() -> None:
    examined = examine_file(FIRST)

    assert examined.plan is not None
    assert [problem.path for problem in examined.problems] == [
        "global_constraints.max_concurrent_crafting",
        "global_constraints.max_concurrent_farming",
    ]


def test_the_shipped_plan_has_not_a_single_problem() -> None:
    assert examine_file(SHIPPED).problems == ()


@pytest.mark.parametrize("path", [FIRST, SHIPPED], ids=["first", "shipped"])
def test_a_plan_is_written_again_as_its_author_wrote_it(path: Path) -> None:
    plan = load(path)

    document = plan.document()

    assert document == json.loads(path.read_bytes())
    assert parse(json.dumps(document).encode()) == plan


def test_the_shipped_plan_keeps_every_limit_and_rule_of_the_first() -> None:
    first, shipped = load(FIRST), load(SHIPPED)

    assert shipped.global_constraints.mode_limits == first.global_constraints.mode_limits
    assert shipped.anti_pattern_rules.keys() > first.anti_pattern_rules.keys()
    assert shipped.schedule_windows["peak_hours"] == first.schedule_windows["peak_hours"]
    assert {agent.name for agent in shipped.agents} > {agent.name for agent in first.agents}


def test_at_every_hour_of_the_week_three_agents_of_the_shipped_plan_may_work() -> None:
    policy = compile_plan(load(SHIPPED))

    for hour in range(7 * 24):
        now = MONDAY_MS + hour * HOUR_MS
        assert not any_open(policy.idle_blocks, now)
        free = [
            agent.name
            for agent in policy.agents.values()
            if not any_open(hours_windows(agent.avoid_hours, agent.zone), now)
            and not any_open(agent.cooldown_periods, now)
        ]
        assert len(free) >= 3, hour


def test_a_busy_machine_cannot_make_an_agent_of_the_shipped_plan_too_unwell_for_work() -> None:
    policy = compile_plan(load(SHIPPED))

    assert policy.min_health is AgentHealth.WARNING
    assert policy.allow_unknown_health
    assert all(agent.thresholds["cpu_usage"].critical > 100 for agent in policy.agents.values())


def test_the_schema_for_editors_knows_every_key_of_the_shipped_plan() -> None:
    properties = FleetPlan.model_json_schema(by_alias=True)["properties"]

    assert properties.keys() >= json.loads(SHIPPED.read_bytes()).keys()
