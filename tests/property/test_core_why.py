"""The contract of explanations, on random fleets: sound, complete, steady, without trace."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, event, given, settings

from coordinator.core.audit import audit
from coordinator.core.civil import Window
from coordinator.core.instant import Instant
from coordinator.core.policy import (
    AgentPolicy,
    Cap,
    FailureCooldown,
    Rest,
    TaskCooldown,
    Threshold,
)
from coordinator.core.standing import can_start
from coordinator.core.tasks import Phase, Task
from coordinator.core.turn import Turn
from coordinator.core.why.codes import ALL, OF_AGENT, RANK
from coordinator.core.why.idle import why_idle
from coordinator.core.why.obstacles import obstacles_of
from coordinator.core.why.overview import why_summary
from coordinator.core.why.story import HOLD_MS, Story
from coordinator.core.why.task import case_of, why, would_run_if
from protocol.vocabulary import AgentHealth
from tests.support.changes import can_be_done, carry_out, copied
from tests.support.fleet import Fleet

AGENTS = ("A0", "A1", "A2", "A3")
MODES = ("quest", "combat")
WAITING = {Phase.READY, Phase.SCHEDULED, Phase.DEPENDENT, Phase.PAUSED_PENDING}
CPU = {"cpu_usage": Threshold(warning=70, critical=90, hard=True)}


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


plans = st.fixed_dictionaries(
    {
        "limits": st.fixed_dictionaries(
            {},
            optional={
                "global": st.integers(0, 4),
                "mode:combat": st.integers(0, 2),
                "mode:quest": st.integers(0, 2),
                "key:k": st.integers(0, 1),
            },
        ),
        "cap": maybe(st.tuples(st.sampled_from(["fleet", "mode:combat"]), st.integers(0, 3))),
        "min_health": maybe(st.sampled_from([AgentHealth.HEALTHY, AgentHealth.WARNING])),
        "avoids": st.sets(st.integers(0, 3), max_size=2),
        "pauses_at": maybe(st.integers(0, 3)),
        "task_cooldown": st.booleans(),
        "failure_scope": maybe(st.sampled_from(["agent_type", "agent", "type"])),
        "rests": st.booleans(),
        "idle_block": st.sampled_from([False, False, False, True]),
        "window_opens_h": st.integers(0, 1),
        "at_first": st.lists(st.sampled_from([*MODES, "quest"]), min_size=3, max_size=8),
        "errors": maybe(st.integers(1, 2)),
        "runtime": st.booleans(),
        "share": st.sampled_from([0.5, 1.0]),
        "slots": st.lists(st.integers(1, 2), min_size=4, max_size=4),
        "can": st.lists(st.integers(1, 3), min_size=4, max_size=4),
    }
)


def fleet_of(drawn: dict[str, Any]) -> Fleet:
    fleet = Fleet(drawn["limits"])
    night = Window("night", "UTC", 0, 30)
    opens = drawn["window_opens_h"] * 60
    agents = {}
    for number, name in enumerate(AGENTS):
        agents[name] = AgentPolicy(
            name,
            thresholds=CPU,
            avoid_hours=frozenset({0} if number in drawn["avoids"] else ()),
            cooldown_periods=(night,) if number == drawn["pauses_at"] else (),
            max_daily_runtime_ms=60_000 if drawn["runtime"] and number == 0 else None,
        )
    cap, scope = drawn["cap"], drawn["failure_scope"]
    fleet.plan(
        agents=agents,
        caps=() if cap is None else (Cap(cap[0], "day", cap[1]),),
        min_health=drawn["min_health"],
        task_cooldowns=(TaskCooldown("gap", 300_000),) if drawn["task_cooldown"] else (),
        failure_cooldowns=()
        if scope is None
        else (FailureCooldown("fails", 1, 60_000, 600_000, 600_000, scope),),
        rests=(Rest("rest", 20_000, 120_000),) if drawn["rests"] else (),
        idle_blocks=(night,) if drawn["idle_block"] else (),
        windows={
            "shift": Window("shift", "UTC", opens, opens + 60, priority_boost=1.5),
            "late": Window("late", "UTC", 300, 360),
        },
        max_daily_errors=drawn["errors"],
        ageing=replace(fleet.state.policy.ageing, critical_max_share=drawn["share"]),
    )
    for number, name in enumerate(AGENTS):
        can = [mode for bit, mode in enumerate(MODES) if drawn["can"][number] & (1 << bit)]
        fleet.agent(name, *can, slots=drawn["slots"][number])
    for mode in drawn["at_first"]:
        fleet.create(mode=mode)
    return fleet


specs = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b"]), "mode": st.sampled_from([*MODES, "craft"])},
    optional={
        "priority": st.sampled_from(["critical", "high", "normal", "low", "maintenance"]),
        "agent": st.sampled_from(["A0", "A1", "Nobody"]),
        "concurrency_key": st.just("k"),
        "daily_cap": st.integers(0, 2),
        "constraints": st.sampled_from(
            [
                {"time_window": "shift"},
                {"time_window": ["shift", "late"]},
                {"min_health": "healthy"},
                {"cooldown": 600},
            ]
        ),
    },
)


def create(fleet: Fleet, spec: dict[str, Any], _pick: int) -> None:
    fleet.create(**spec)


def report(finish: bool) -> Callable[[Fleet, dict[str, Any], int], None]:
    def happen(fleet: Fleet, _spec: dict[str, Any], pick: int) -> None:
        running = fleet.running()
        if running:
            task = running[pick % len(running)]
            (fleet.finish if finish else fleet.fail)(task)

    return happen


def steer(op: str) -> Callable[[Fleet, dict[str, Any], int], None]:
    def happen(fleet: Fleet, _spec: dict[str, Any], pick: int) -> None:
        waiting = [task.id for task in fleet.state.tasks.values() if task.phase in WAITING]
        if waiting:
            fleet.ask(op, task=waiting[pick % len(waiting)])

    return happen


def operate(op: str) -> Callable[[Fleet, dict[str, Any], int], None]:
    def happen(fleet: Fleet, _spec: dict[str, Any], pick: int) -> None:
        fleet.ask(op, agent=AGENTS[pick % 4], key=("global", "mode:combat")[pick % 2])

    return happen


HAPPENINGS: dict[str, Callable[[Fleet, dict[str, Any], int], None]] = {
    "create": create,
    "create more": create,
    "create yet more": create,
    "finish": report(finish=True),
    "fail": report(finish=False),
    "pause": steer("pause"),
    "resume": steer("resume"),
    "cordon": operate("cordon"),
    "maintenance": operate("maintenance"),
    "return": operate("return"),
    "pause fleet": operate("pause_fleet"),
    "hold": operate("hold"),
    "unwell": lambda fleet, _, pick: fleet.measure(AGENTS[pick % 4], cpu_usage=75 + pick * 3),
    "crash": lambda fleet, _, pick: fleet.crash(AGENTS[pick % 4]),
    "time passes": lambda fleet, _, pick: fleet.pass_time((1, 12, 45, 400)[pick % 4]),
}
histories = st.lists(
    st.tuples(st.sampled_from(sorted(HAPPENINGS)), specs, st.integers(0, 7)),
    max_size=16,
)


def waiting_in(fleet: Fleet) -> list[Task]:
    return [task for task in fleet.state.tasks.values() if task.phase in WAITING]


def lived(drawn: dict[str, Any], history: list[tuple[str, dict[str, Any], int]]) -> Fleet:
    fleet = fleet_of(drawn)
    for name, spec, pick in history:
        HAPPENINGS[name](fleet, spec, pick)
    return fleet


quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)


@pytest.mark.interpreted
@quick
@given(plans, histories)
def test_whatever_would_start_a_task_does_start_it_in_one_step(
    drawn: dict[str, Any], history: list[tuple[str, dict[str, Any], int]]
) -> None:
    fleet = lived(drawn, history)
    for task in waiting_in(fleet)[:5]:
        case = case_of(fleet.state, task, fleet.now)
        for suggestion in would_run_if(fleet.state, task, case, fleet.now):
            text = suggestion.document()["change"]
            event("suggested: " + " ".join(text.split()[:2]) + f" ({len(suggestion.changes)})")
            if not can_be_done(fleet, suggestion):
                continue
            other = copied(fleet)
            carry_out(other, suggestion)
            assert other.holder(task.id) is not None, f"{text!r} did not start {task.id}"


@quick
@given(plans, histories)
def test_a_task_with_all_gates_open_is_behind_others_or_runs_after_one_step(
    drawn: dict[str, Any], history: list[tuple[str, dict[str, Any], int]]
) -> None:
    fleet = lived(drawn, history)
    for task in waiting_in(fleet):
        document = why(fleet.state, task, fleet.now)
        code = document["headline"]["code"]
        failing = [gate["code"] for gate in document["gates"] if not gate["ok"]]
        assert code in ALL
        assert {gate["code"] for gate in document["gates"]} >= set(ALL[:-2])
        if failing:
            assert code in failing
        else:
            other = copied(fleet)
            other.beat(next(iter(other.bots)))
            now = why(other.state, other.state.tasks[task.id], other.now)["headline"]["code"]
            assert other.holder(task.id) is not None or now == "BEHIND_OTHERS", document
        free = document["agents"]["free"]
        agents_fail = [code for code in failing if code in OF_AGENT]
        assert free == 0 or not [
            gate for gate in document["gates"] if gate["scope"] == "agents" and not gate["ok"]
        ], agents_fail


@quick
@given(plans, histories)
def test_explaining_leaves_no_trace_and_counts_every_agent_once(
    drawn: dict[str, Any], history: list[tuple[str, dict[str, Any], int]]
) -> None:
    fleet = lived(drawn, history)
    state = fleet.state
    before = (len(state.gates), len(state.shapes), len(state.timers), state.numbered)
    used = {key: (usage.period, usage.amount) for key, usage in state.usage.items()}
    for task in state.tasks.values():
        document = why(state, task, fleet.now)
        if "agents" in document and task.pin is None:
            assert document["agents"]["total"] == len(state.agents)
    for agent in state.agents.values():
        why_idle(state, agent, fleet.now)
    summary = why_summary(state, fleet.now)
    assert summary["pending"] + summary["paused"] == sum(
        task.status.value in {"pending", "paused"} for task in state.tasks.values()
    )
    assert sum(entry["tasks"] for entry in summary["blocked"]) == len(waiting_in(fleet))
    assert before == (len(state.gates), len(state.shapes), len(state.timers), state.numbered)
    assert used == {key: (usage.period, usage.amount) for key, usage in state.usage.items()}
    assert audit(state, fleet.now) == []


@quick
@given(plans, histories)
def test_what_is_written_down_of_an_agent_is_what_stands_in_its_way(
    drawn: dict[str, Any], history: list[tuple[str, dict[str, Any], int]]
) -> None:
    fleet = lived(drawn, history)
    turn = Turn(fleet.state, fleet.now)
    for joined in fleet.state.classes.values():
        noted = [name for members in joined.obstacles.values() for name in members]
        assert sorted(noted) == sorted(joined.members)
        for agent in joined.members.values():
            assert agent.obstacles is not None
            assert agent.name in joined.obstacles[agent.obstacles]
            assert agent.obstacles == obstacles_of(turn, agent)
            assert (not agent.obstacles.codes) is can_start(turn, agent)


@given(st.lists(st.tuples(st.integers(0, 3_000), st.sampled_from(ALL)), max_size=40))
def test_a_story_changes_only_when_the_reason_does_and_holds_a_lesser_one_back(
    said: list[tuple[int, str]],
) -> None:
    story, now_ms = Story(), 0
    for gap_ms, code in said:
        now_ms += gap_ms
        before = list(story.entries)
        story.note(code, now_ms)
        new = story.entries[len(before) :]
        assert len(new) <= 1
        assert all(one[1] != two[1] for one, two in pairwise(before))
        if new and before and RANK[new[0][1]] > RANK[before[-1][1]]:
            assert now_ms - new[0][0] >= HOLD_MS
    assert [at for at, _ in story.entries] == sorted(at for at, _ in story.entries)


def test_the_clock_of_these_tests_is_within_the_hour_that_agents_avoid() -> None:
    assert Fleet().now == Instant(1_767_571_200_000, 1_000_000)
