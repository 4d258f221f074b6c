"""What a look ahead says of small plans, each worked out by hand."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from coordinator.core.civil import local_time
from coordinator.core.history import FEW, History, history_record
from coordinator.plan.compile import compile_plan
from coordinator.plan.load import parse
from coordinator.plan.preview import Preview, Snapshot, preview
from coordinator.plan.preview.simulation import PreviewTooLong
from protocol.messages import TaskSpec

MONDAY_MS = 1_767_571_200_000
"""2026-01-05 00:00 UTC."""
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000

ONE = {"name": "Main", "machine_id": "m", "window_id": "w", "capabilities": ["quest"]}
TWO = {"name": "Side", "machine_id": "m", "window_id": "v", "capabilities": ["quest", "combat"]}


def look(
    *specs: Mapping[str, Any],
    days: float = 7.0,
    snapshot: Snapshot | None = None,
    **plan: Any,
) -> Preview:
    document = {"fleet_name": "Small", "agents": [ONE], **plan}
    policy = compile_plan(parse(json.dumps(document).encode()))
    asked = [TaskSpec.model_validate({"name": "task", "mode": "quest", **spec}) for spec in specs]
    return preview(policy, snapshot or Snapshot(MONDAY_MS), days=days, specs=asked)


def starts(found: Preview) -> list[str]:
    return [f"{local_time('UTC', run.starts_ms):%a %H:%M}" for run in found.runs]


def test_a_task_for_a_window_that_opens_on_friday_runs_on_friday_at_22() -> None:
    friday = {"start_time": "22:00", "end_time": "23:00", "days_of_week": [4]}
    found = look(
        {"constraints": {"time_window": "friday"}},
        schedule_windows={"friday": friday},
    )
    assert starts(found) == ["Fri 22:00"]
    assert found.runs[0].agent == "Main"
    assert found.runs[0].waits == (("OUTSIDE_WINDOW", 4 * DAY_MS + 22 * HOUR_MS),)
    assert found.never == ()


def test_a_daily_cap_spreads_tasks_over_the_days() -> None:
    found = look(*[{}] * 7, global_constraints={"daily_caps": {"mode:quest": 3}})
    assert starts(found) == [
        "Mon 00:00",
        "Mon 00:10",
        "Mon 00:20",
        "Tue 00:00",
        "Tue 00:10",
        "Tue 00:20",
        "Wed 00:00",
    ]
    (cap,) = (limit for limit in found.limits if limit.key == "cap:mode:quest:day")
    assert (cap.limit, cap.peak) == (3, 3)


def test_what_no_agent_can_do_never_runs_and_says_what_it_takes() -> None:
    found = look({"mode": "crafting", "capabilities": ["anvil"]}, {})
    assert len(found.runs) == 1
    (never,) = found.never
    assert (never.name, never.mode, never.code) == ("task", "crafting", "NO_CAPABLE_AGENT")
    assert "anvil, crafting" in never.text


def test_what_its_own_agent_cannot_do_never_runs_though_others_could() -> None:
    found = look({"mode": "combat", "agent": "Main"}, agents=[ONE, TWO])
    (never,) = found.never
    assert never.code == "NO_CAPABLE_AGENT"
    assert never.text.startswith("Main cannot do it")


def test_a_limit_of_nothing_lets_nothing_run_and_is_named() -> None:
    found = look({}, global_constraints={"max_concurrent_quest": 0})
    (never,) = found.never
    assert never.code == "MODE_LIMIT"
    assert "0 of 0 of mode:quest" in never.text
    assert never.waits == (("MODE_LIMIT", 7 * DAY_MS),)


def test_a_task_that_is_refused_never_runs_and_says_why() -> None:
    found = look({"constraints": {"time_window": "nights"}})
    (never,) = found.never
    assert never.code == "REFUSED"
    assert "time_window" in never.text


def test_a_task_that_expires_before_it_can_start_never_runs() -> None:
    found = look({"estimated_duration_s": 7200}, {"expires_ms": MONDAY_MS + HOUR_MS})
    assert len(found.runs) == 1
    (never,) = found.never
    assert never.code == "EXPIRED"
    assert never.waits == (("AGENT_BUSY", HOUR_MS),)


def test_a_task_after_the_horizon_is_told_as_not_due() -> None:
    found = look({"scheduled_for_ms": MONDAY_MS + 8 * DAY_MS})
    (never,) = found.never
    assert never.code == "NOT_BEFORE"


def test_a_limit_shows_how_far_it_is_used_and_how_long_it_is_full() -> None:
    found = look({}, {}, {}, agents=[ONE, TWO], global_constraints={"max_concurrent_agents": 1})
    (whole,) = (limit for limit in found.limits if limit.key == "global")
    assert (whole.limit, whole.peak, whole.full_ms) == (1, 1, 30 * MINUTE_MS)
    (waited,) = found.waiting
    assert (waited.code, waited.tasks) == ("GLOBAL_LIMIT", 2)
    assert (waited.total_ms, waited.longest_ms) == (30 * MINUTE_MS, 20 * MINUTE_MS)


def test_a_schedule_runs_at_its_times_and_tells_what_it_skips() -> None:
    hourly = {
        "name": "scan",
        "mode": "quest",
        "cron": "0 * * * *",
        "estimated_duration": "90m",
        "overlap": "skip",
    }
    found = look(days=0.25, schedules=[hourly])
    assert starts(found) == ["Mon 01:00", "Mon 03:00", "Mon 05:00"]
    (skipped,) = found.skipped
    assert (skipped.schedule, skipped.reason, skipped.count) == ("scan", "overlap", 2)
    assert skipped.first_ms == MONDAY_MS + 2 * HOUR_MS


def learnt(*runs: tuple[str, str, int]) -> tuple[tuple[str, str, dict[str, Any]], ...]:
    """Let a fleet have seen *runs* (mode, agent, milliseconds), each a few times."""
    history = History()
    for mode, agent, ran_ms in runs:
        for _ in range(FEW):
            history.observe(mode, agent, ran_ms, "succeeded")
    records = ((key, history_record(history, key)) for key in history.paces)
    return tuple(("history", key, record) for key, record in records if record is not None)


def test_a_run_takes_as_long_as_others_did_then_as_its_author_says_then_what_is_assumed() -> None:
    able = [{**ONE, "capabilities": ["quest", "combat", "social"]}]
    found = look(
        {"mode": "quest", "estimated_duration_s": 3600},
        {"mode": "combat", "estimated_duration_s": 3600},
        {"mode": "social"},
        agents=able,
        snapshot=Snapshot(MONDAY_MS, marks=learnt(("quest", "Main", 2 * MINUTE_MS))),
    )
    took = {run.mode: round((run.ends_ms - run.starts_ms) / MINUTE_MS, 1) for run in found.runs}
    assert took == {"quest": 2.0, "combat": 60.0, "social": 10.0}
    assert [run.basis for run in found.runs] == [
        "p50 of 5 runs on Main",
        "the task's own estimate",
        "assumed",
    ]


def test_no_run_takes_longer_than_its_own_limit() -> None:
    found = look({"run_limit_s": 60.0})
    assert found.runs[0].ends_ms - found.runs[0].starts_ms == MINUTE_MS


def test_a_duration_that_is_assumed_is_stated() -> None:
    said = "a run of which nothing is known takes 10 min"
    assert said in look({}).assumptions
    assert said not in look({"estimated_duration_s": 60.0}).assumptions


def test_an_agent_in_its_avoided_hours_starts_when_they_are_over() -> None:
    night = {**ONE, "schedule_preferences": {"avoid_hours": [0, 1, 2]}}
    found = look({}, agents=[night])
    assert starts(found) == ["Mon 03:00"]
    assert found.runs[0].waits == (("AVOID_HOURS", 3 * HOUR_MS),)


def test_what_runs_already_goes_on_and_keeps_its_place() -> None:
    agent = {
        "name": "Main",
        "epoch": 7,
        "boot": "a" * 32,
        "info": None,
        "desired_mode": "active",
        "forgotten_epoch": 0,
        "last_heartbeat_wall_ms": MONDAY_MS,
        "last_error": None,
        "verb": None,
        "cooldowns": [],
    }
    task = {
        "id": "t1",
        "name": "long",
        "mode": "quest",
        "priority": "normal",
        "created_ms": MONDAY_MS - HOUR_MS,
        "enqueued_ms": MONDAY_MS - HOUR_MS,
        "phase": "running",
        "terms": {"estimated_ms": 90 * MINUTE_MS},
        "fence": 1,
        "fenced_to": "Main",
        "starts": 1,
        "attempt": {
            "fence": 1,
            "agent": "Main",
            "boot": "a" * 32,
            "lease_ms": 60_000,
            "margin_ms": 2_000,
            "born": [1, 1],
            "offered_ms": MONDAY_MS - HOUR_MS,
            "started_ms": MONDAY_MS - HOUR_MS,
        },
    }
    snapshot = Snapshot(MONDAY_MS, (task,), (agent,))
    found = look({}, snapshot=snapshot)
    assert found.began_running == 1
    assert starts(found) == ["Mon 00:30"]

    # The process that ran it is gone: it is given out again, before what came later.
    gone = {**agent, "boot": "b" * 32}
    found = look({}, snapshot=Snapshot(MONDAY_MS, (task,), (gone,)))
    assert [run.task for run in found.runs] == ["t1", "t1-000001"]


def test_a_snapshot_and_a_preview_are_the_same_after_a_journey_as_json() -> None:
    found = look({}, {"mode": "crafting"}, global_constraints={"max_concurrent_agents": 1})
    assert Preview.from_document(json.loads(json.dumps(found.document()))) == found
    snapshot = Snapshot(5, ({"id": "t"},), ({"name": "A"},), (("hold", "global", {"a": 1}),))
    assert Snapshot.from_document(json.loads(json.dumps(snapshot.document()))) == snapshot


def test_a_preview_in_which_too_much_happens_is_given_up_with_words() -> None:
    policy = compile_plan(parse(json.dumps({"fleet_name": "S", "agents": [ONE]}).encode()))
    specs = [TaskSpec(name="task", mode="quest")] * 20
    with pytest.raises(PreviewTooLong, match="more than 5000000 events"):
        preview(policy, Snapshot(MONDAY_MS), specs=specs, most_steps=3)


_DIGEST = """
import hashlib, json
from coordinator.core.history import FEW, History, history_record
from coordinator.plan.compile import compile_plan
from coordinator.plan.load import load
from coordinator.plan.preview import Snapshot, preview
from coordinator.settings import shipped_plan
from protocol.messages import TaskSpec
modes = ["quest", "combat", "crafting", "farming", "trading", "pvp"]
specs = [TaskSpec(name=f"n{i % 7}", mode=modes[i % 6]) for i in range(60)]
found = preview(compile_plan(load(shipped_plan())), Snapshot(1767571200000), specs=specs, days=2)
print(hashlib.sha256(json.dumps(found.document()).encode()).hexdigest())
"""


def test_a_preview_is_the_same_in_every_process() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", _DIGEST],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1
