import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from coordinator.plan.diff import ABSENT, Change, diff
from coordinator.plan.load import parse
from coordinator.plan.schema import FleetPlan


@pytest.fixture
def changes(small: dict[str, Any]) -> Callable[[dict[str, Any]], list[Change]]:
    """Compare the small plan with another."""
    before = copy.deepcopy(small)
    return lambda after: diff(plan_of(before), plan_of(after))


def plan_of(document: dict[str, Any]) -> FleetPlan:
    return parse(json.dumps(document).encode())


Changes = Callable[[dict[str, Any]], list[Change]]


def test_equal_plans_have_no_changes(small: dict[str, Any], changes: Changes) -> None:
    assert changes(small) == []


def test_writing_a_default_down_changes_nothing(small: dict[str, Any], changes: Changes) -> None:
    small["backup"] = {"keep": 7}

    assert changes(small) == []


def test_a_duration_that_is_written_otherwise_has_not_changed(
    small: dict[str, Any], changes: Changes
) -> None:
    small["retention"] = {"metrics": "7d", "tasks": "1d", "events": "2160h"}

    assert changes(small) == [Change("retention.tasks", 7_776_000.0, "1d")]


def test_an_agent_that_moved_in_the_list_has_not_changed(
    small: dict[str, Any], changes: Changes
) -> None:
    small["agents"].reverse()
    small["agents"][0]["priority"] = "low"

    assert changes(small) == [Change("agents[Heals].priority", "normal", "low")]


def test_what_was_added_or_removed_is_absent_on_one_side(
    small: dict[str, Any], changes: Changes
) -> None:
    del small["schedule_windows"]["peak"]
    small["global_constraints"]["max_concurrent_quest"] = 1

    removed, added = changes(small)

    assert (removed.path, removed.after) == ("schedule_windows.peak", ABSENT)
    assert added == Change("global_constraints.max_concurrent_quest", ABSENT, 1)
    assert str(removed) == "schedule_windows.peak: removed"
    assert str(added) == "global_constraints.max_concurrent_quest: added"


def test_a_list_of_numbers_is_compared_as_a_whole(small: dict[str, Any], changes: Changes) -> None:
    small["agents"][0]["schedule_preferences"]["avoid_hours"] = [1]

    path = "agents[Main].schedule_preferences.avoid_hours"
    assert changes(small) == [Change(path, [1, 2], [1])]


def test_a_first_agent_is_added_to_an_empty_list(small: dict[str, Any], changes: Changes) -> None:
    empty = plan_of({"fleet_name": "f"})
    one = plan_of({"fleet_name": "f", "agents": [{"name": "a"}]})

    assert [change.path for change in diff(empty, one)] == ["agents[a]"]
