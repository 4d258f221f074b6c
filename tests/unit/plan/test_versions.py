"""With which plan a coordinator starts, and what it tells of the others."""

import json
from typing import Any

import pytest

from coordinator.plan.load import Examined, examine, parse
from coordinator.plan.problems import PlanError
from coordinator.plan.versions import OFFERED, REFUSED, StoredPlan, choose, judge_file

FILE = "fleet_plan.json"


def plan(limit: int, **more: Any) -> bytes:
    constraints = {"max_concurrent_agents": limit}
    return json.dumps({"fleet_name": "F", "global_constraints": constraints, **more}).encode()


def file(data: bytes) -> Examined:
    return examine(data, FILE)


def stored(version: int, document: bytes) -> StoredPlan:
    return StoredPlan(version, 0, "ann", "", document)


def limit_of(found: Any) -> int | None:
    limit: int | None = found.plan.global_constraints.max_concurrent_agents
    return limit


def test_the_first_start_takes_the_file_as_version_1() -> None:
    start = choose([], file(plan(3)), FILE)
    assert (start.version, start.is_new, limit_of(start), start.notes) == (1, True, 3, ())


def test_the_first_start_refuses_a_bad_file_and_lists_what_is_wrong() -> None:
    with pytest.raises(PlanError) as refusal:
        choose([], file(plan(-1, timezone="Mars")), FILE)
    assert [problem.path for problem in refusal.value.problems] == [
        "global_constraints.max_concurrent_agents",
        "timezone",
    ]


def test_a_later_start_takes_the_newest_version_and_says_nothing_of_a_file_that_says_the_same() -> (
    None
):
    same = plan(5, description="") + b"\n"
    start = choose([stored(2, plan(5)), stored(1, plan(3))], file(same), FILE)
    assert (start.version, start.is_new, limit_of(start), start.notes) == (2, False, 5, ())


def test_a_later_start_offers_a_file_that_differs() -> None:
    start = choose([stored(2, plan(5))], file(plan(9)), FILE)
    assert limit_of(start) == 5
    (note,) = start.notes
    assert note.kind == OFFERED
    assert "differs from version 2" in note.text
    assert "in one place" in note.text
    assert note.data["changes"] == ["global_constraints.max_concurrent_agents: 5 -> 9"]


def test_a_later_start_keeps_its_plan_when_the_file_is_bad() -> None:
    start = choose([stored(2, plan(5))], file(b"{"), FILE)
    assert (start.version, limit_of(start)) == (2, 5)
    (note,) = start.notes
    assert note.kind == REFUSED
    assert "version 2 stays in force" in note.text


def test_a_version_that_cannot_be_read_any_more_makes_room_for_the_one_before() -> None:
    old = plan(7, a_key_of_old=1)
    start = choose([stored(3, old), stored(2, plan(5))], file(plan(5)), FILE)
    assert (start.version, start.is_new, limit_of(start)) == (2, False, 5)
    assert [note.kind for note in start.notes] == [REFUSED]
    assert "version 3 of the plan cannot be used" in start.notes[0].text


def test_when_no_version_can_be_read_the_file_becomes_the_next() -> None:
    start = choose([stored(3, b"{}")], file(plan(5)), FILE)
    assert (start.version, start.is_new) == (4, True)
    assert [note.kind for note in start.notes] == [REFUSED]
    with pytest.raises(PlanError):
        choose([stored(3, b"{}")], file(b"{}"), FILE)


def test_a_file_without_news_is_no_news() -> None:
    assert judge_file(file(plan(3)), FILE, parse(plan(3)), 4) is None
