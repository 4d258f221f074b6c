"""What would start a task: in words, and true when it is done."""

import pytest

from coordinator.core.why.task import case_of, would_run_if
from tests.support.changes import can_be_done, carry_out, copied
from tests.support.fleet import Fleet
from tests.unit.core_why.test_headlines import NIGHT, SCENES, fleet_of

pytestmark = pytest.mark.interpreted  # it tries each way out on a copy of everything

WAYS_OUT = {
    "PAUSED": ["resume it"],
    "MISCONFIGURED": [],
    "DEPENDENCY": [],
    "NOT_BEFORE": [],
    "FLEET_PAUSED": ["resume the fleet"],
    "ERROR_BUDGET": ["reset the error budget"],
    "OUTSIDE_WINDOW": ["open the window late at all times"],
    "CAP_REACHED": ["raise the cap of fleet a day 1 → 2"],
    "GLOBAL_LIMIT": ["raise the limit global 1 → 2", "cancel t1-000001 (task) on A"],
    "MODE_LIMIT": ["raise the limit mode:quest 1 → 2", "cancel t1-000001 (task) on A"],
    "KEY_LIMIT": ["raise the limit key:k 1 → 2", "cancel t1-000001 (task) on A"],
    "NO_CAPABLE_AGENT": ["let A do craft"],
    "AGENT_OFFLINE": [],
    "CORDONED": ["return A to service"],
    "HEALTH_TOO_LOW": ["lower min_agent_health healthy → critical"],
    "AVOID_HOURS": ["make the avoided hours soft of A"],
    "IDLE_BLOCK": [],
    "RUNTIME_CAP": ["raise the daily running time to 1 h of A"],
    "FAILURE_COOLDOWN": [],
    "TASK_COOLDOWN": [],
    "AGENT_BUSY": ["cancel t1-000001 (task) on A"],
}


def suggested(fleet: Fleet, task_id: str) -> list[str]:
    """Say what would start a task, having tried each."""
    task = fleet.state.tasks[task_id]
    found = would_run_if(fleet.state, task, case_of(fleet.state, task, fleet.now), fleet.now)
    for suggestion in found:
        assert can_be_done(fleet, suggestion)
        other = copied(fleet)
        carry_out(other, suggestion)
        assert other.holder(task_id) is not None, suggestion.document()
    return [suggestion.document()["change"] for suggestion in found]


@pytest.mark.parametrize("code", SCENES)
def test_for_every_reason_all_ways_out_are_shown_and_are_true(code: str) -> None:
    assert suggested(*SCENES[code]()) == WAYS_OUT[code]


def test_a_limit_is_raised_far_enough_for_those_ahead() -> None:
    fleet = fleet_of("A", "B", "C", "D", limits={"mode:quest": 1})
    for _ in range(3):
        fleet.create()
    assert suggested(fleet, fleet.create()) == ["raise the limit mode:quest 1 → 4"]


def test_no_limit_is_raised_when_agents_would_be_too_few() -> None:
    fleet = fleet_of("A", "B", limits={"mode:quest": 1})
    for _ in range(3):
        fleet.create()
    assert suggested(fleet, fleet.create()) == []


def test_cancelling_helps_the_first_in_line_only() -> None:
    fleet = fleet_of("A")
    fleet.create()
    first, second = fleet.create(), fleet.create()
    assert suggested(fleet, first) == ["cancel t1-000001 (task) on A"]
    assert suggested(fleet, second) == []


def test_two_changes_are_named_together_when_neither_is_enough() -> None:
    fleet = fleet_of("A", "B", limits={"global": 1, "mode:quest": 1})
    fleet.create()
    both = "raise the limit global 1 → 2 and raise the limit mode:quest 1 → 2"
    task = fleet.create()
    # Whoever holds both places gives both back at once.
    assert suggested(fleet, task) == ["cancel t1-000001 (task) on A"]
    fleet.crash("A")
    fleet.will("A")
    assert suggested(fleet, task) == [both]


def test_a_held_key_is_released_rather_than_raised() -> None:
    fleet = fleet_of("A")
    fleet.ask("hold", key="mode:quest", reason="an event")
    assert suggested(fleet, fleet.create()) == ["release mode:quest"]


def test_a_paused_task_is_resumed_and_what_else_is_in_its_way_removed() -> None:
    fleet = fleet_of("A", limits={"mode:quest": 0})
    task = fleet.create()
    fleet.ask("pause", task=task)
    assert suggested(fleet, task) == ["resume it and raise the limit mode:quest 0 → 1"]


def test_a_task_that_waits_for_its_next_attempt_may_be_tried_at_once() -> None:
    fleet = fleet_of("A")
    task = fleet.create()
    fleet.fail(task)
    if fleet.phase(task) == "scheduled":
        assert suggested(fleet, task) == ["retry it now"]


def test_an_agent_in_maintenance_may_be_returned() -> None:
    fleet = fleet_of("A")
    fleet.ask("maintenance", agent="A")
    assert suggested(fleet, fleet.create()) == ["return A to service"]


def test_only_a_cap_of_the_plan_can_be_raised() -> None:
    fleet = fleet_of("A")
    fleet.finish(fleet.create(daily_cap=1))
    assert suggested(fleet, fleet.create(daily_cap=1)) == []


def test_the_idle_block_of_the_fleet_may_be_lifted() -> None:
    fleet = fleet_of("A", idle_blocks=(NIGHT,))
    assert suggested(fleet, fleet.create()) == ["lift the idle block night"]
