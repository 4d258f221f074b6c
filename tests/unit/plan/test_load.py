import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.plan.compile import compile_plan
from coordinator.plan.load import Examined, examine, examine_document, examine_file, load, parse
from coordinator.plan.problems import PlanError, Problem, by_path, has_errors, warning
from coordinator.plan.report import render

Edit = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("data", "message", "suggestion"),
    [
        (b"", "not JSON: Expecting value at line 1, column 1", None),
        (b'{\n  "fleet_name": "a",\n}', "a comma before the end at line 2, column 20", "remove it"),
        (b"[1,\n2\n, ]", "a comma before the end at line 3, column 1", "remove it"),
        (b"{\n 'fleet_name': 1}", "at line 2, column 2", "JSON has double quotes only"),
        (b'{"a": 1,\n "b": [NaN]}', "NaN is no number in JSON (line 2, column 8)", None),
        (b'{"a": -Infinity}', "-Infinity is no number in JSON (line 1, column 7)", None),
        (b"[]", "a plan is one JSON object, in braces", None),
        (b'{"\xff": 1}', "not UTF-8 at byte 2", None),
        (b"[" * 100_000, "nested too deeply", None),
    ],
)
def test_what_is_no_json_object_is_refused_with_its_place(
    data: bytes, message: str, suggestion: str | None
) -> None:
    with pytest.raises(PlanError) as refused:
        parse(data, "plan.json")

    (problem,) = refused.value.problems
    assert message in problem.message
    assert (problem.suggestion or "").startswith(suggestion or "")
    assert "plan.json" in str(refused.value)


@pytest.mark.parametrize(
    ("data", "paths"),
    [
        (b'{"a": 1, "b": {"c": 1, "c": 2}, "a": 2}', ["a", "b.c"]),
        (b'{"a": [{"b": 1, "b": 1}]}', ["a[0].b"]),
        (b'{"a": 9007199254740993}', ["a"]),
        (b'{"a": 1e400, "b": ' + b"9" * 6000 + b"}", ["a", "b"]),
        (b'{"a": "\\ud800"}', ["a"]),
        (b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}", ["a" + "[0]" * 31]),
    ],
    ids=["duplicate keys", "in a list", "2^53", "huge", "half a character", "depth"],
)
def test_what_two_readers_would_read_differently_is_refused(data: bytes, paths: list[str]) -> None:
    assert [problem.path for problem in examine(data).problems] == paths


def test_a_file_that_cannot_be_read_is_a_problem_like_any_other(tmp_path: Path) -> None:
    missing = tmp_path / "none.json"

    assert "cannot be read" in examine_file(missing).problems[0].message
    with pytest.raises(PlanError, match="cannot be read"):
        load(missing)


def test_a_byte_order_mark_is_no_mistake(small: dict[str, Any]) -> None:
    assert parse(b"\xef\xbb\xbf" + json.dumps(small).encode()).fleet_name == "Small"


def test_all_problems_are_told_at_once_by_path(examined: Callable[[Edit], Examined]) -> None:
    def spoil(plan: dict[str, Any]) -> None:
        del plan["fleet_name"]
        plan["timezone"] = "CET"
        plan["agents"][0]["heartbeat_intervall"] = 5
        plan["agents"][0]["schedule_preferences"]["avoid_hours"] = [9, 30]
        plan["agents"][1]["window_id"] = "w1"
        plan["global_constraints"] |= {"max_concurrent_combat": True, "max_daily_eror": 1}
        plan["schedule_windows"]["dead"] = {"start_time": "10:00", "end_time": "10:00"}

    problems = examined(spoil).problems

    assert [problem.path for problem in problems] == [
        "agents[0].heartbeat_intervall",
        "agents[0].schedule_preferences.avoid_hours[1]",
        "agents[1].window_id",
        "fleet_name",
        "global_constraints.max_concurrent_combat",
        "global_constraints.max_daily_eror",
        "schedule_windows.dead.end_time",
        "timezone",
    ]


def test_what_is_missing_only_because_it_was_wrong_is_not_told_again(
    examined: Callable[[Edit], Examined],
) -> None:
    def spoil(plan: dict[str, Any]) -> None:
        plan["fleet_name"] = 7
        plan["schedule_windows"]["peak"]["start_time"] = "9:00"
        plan["agents"][0]["name"] = "a b"
        plan["agents"][0]["capabilities"] = "combat"

    paths = [problem.path for problem in examined(spoil).problems]

    assert paths == [
        "agents[0].capabilities",
        "agents[0].name",
        "fleet_name",
        "schedule_windows.peak.start_time",
    ]


def test_entries_are_sorted_by_number_and_not_by_digit() -> None:
    problems = [Problem(f"agents[{n}].name", None, "x") for n in (10, 9, 1)]

    assert [p.path for p in by_path(problems)] == [f"agents[{n}].name" for n in (1, 9, 10)]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("url", "discord://canary"),
        ("token", "canary"),
        ("uri", "https://canary"),
        ("url_env", "discord://canary"),
        ("url_file", "discord://canary"),
    ],
)
def test_a_secret_written_into_a_plan_does_not_travel_with_the_problem(
    examined: Callable[[Edit], Examined], key: str, value: str
) -> None:
    def leak(plan: dict[str, Any]) -> None:
        plan["notifications"]["channels"]["discord"] = {key: value}

    problems = examined(leak).problems

    assert problems
    assert "canary" not in render(problems)
    assert "canary" not in repr(problems)
    assert "canary" not in str(PlanError(problems))


def test_a_secret_on_a_line_that_is_no_json_does_not_travel_with_the_problem() -> None:
    problems = examine(b'{"url": "discord://canary" oops}').problems

    assert problems
    assert "canary" not in repr(problems)


def test_a_report_names_place_value_and_remedy_and_counts() -> None:
    problems = [
        Problem("timezone", "CET", "must be an IANA name", "did you mean 'Europe/Berlin'?"),
        warning("agents[0].mode", "x", "no agent has it"),
    ]

    assert render(problems).splitlines() == [
        'warning: agents[0].mode = "x": no agent has it',
        'error: timezone = "CET": must be an IANA name',
        "    did you mean 'Europe/Berlin'?",
        "1 error, 1 warning",
    ]
    assert render([]) == ""


WORDS = st.text("ab:09-T. ", max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2000) | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
SHIPPED = json.loads((Path(__file__).parents[3] / "config" / "fleet_plan.json").read_bytes())


def places(value: object, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield where something stands in the shipped plan."""
    if isinstance(value, dict | list):
        for key, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*place, key)
            yield from places(child, (*place, key))


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from(list(places(SHIPPED))), JSON, max_size=4))
def test_whatever_is_written_into_a_plan_the_answer_is_a_plan_or_problems(
    writes: dict[tuple[str | int, ...], object],
) -> None:
    document = copy.deepcopy(SHIPPED)
    for place in sorted(writes, key=len, reverse=True):
        holder: Any = document
        for part in place[:-1]:
            holder = holder[part]
        holder[place[-1]] = writes[place]

    examined = examine_document(document)

    if examined.plan is None:
        assert has_errors(examined.problems)
        render(examined.problems)
    else:
        assert not has_errors(examined.problems)
        assert examine_document(examined.plan.document()).plan == examined.plan
        compile_plan(examined.plan)


@given(st.binary(max_size=40))
def test_whatever_bytes_are_given_only_a_plan_error_escapes(data: bytes) -> None:
    with pytest.raises(PlanError):
        parse(data)
