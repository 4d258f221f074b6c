"""Explanations on a terminal of 80 columns, from the documents of a real core."""

import io
from typing import Any

import pytest
from rich.console import Console

from coordinator.cli.why_views import agent_why_view, fleet_why_view, summary_view, task_why_view
from coordinator.core.views import summary_view as summary_of
from tests.support.fleet import Fleet


def shown(renderable: object) -> str:
    out = io.StringIO()
    Console(file=out, width=80, markup=False, emoji=False, highlight=False).print(renderable)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def asked(fleet: Fleet, op: str, **about: Any) -> dict[str, Any]:
    reply = fleet.ask(op, **about)
    assert reply.data is not None
    return reply.data


@pytest.fixture
def fleet() -> Fleet:
    fleet = Fleet({"global": 4, "mode:combat": 1})
    for name in ("A", "B"):
        fleet.agent(name, "combat")
    for _ in range(2):
        fleet.create("raid", mode="combat", estimated_duration_s=300)
    fleet.pass_time(60)
    return fleet


def test_a_waiting_task_is_explained_from_the_sentence_to_the_way_out(fleet: Fleet) -> None:
    text = shown(task_why_view(asked(fleet, "why", task="t1-000002"), fleet.now.wall_ms))
    lines = text.splitlines()

    assert lines[0] == "✖ raid (t1-000002) waits: the combat limit 1 is full"
    assert "✖ MODE_LIMIT  1/1  the combat limit 1 is full" in text
    assert "✔ GLOBAL_LIMIT  1/4" in text
    assert "agents     2 known ▸ 1 free" in text
    assert "held by    t1-000001  raid on A, about 4 min 0 s left" in text
    assert "earliest   in about 4 min 0 s (the task's own estimate)" in text
    assert "→ raise the limit mode:combat 1 → 2  starts at once" in text
    assert max(map(len, lines)) <= 80


def test_what_has_outlasted_every_estimate_is_said_to_take_longer_than_usual(fleet: Fleet) -> None:
    fleet.pass_time(300)
    text = shown(task_why_view(asked(fleet, "why", task="t1-000002"), fleet.now.wall_ms))
    assert "held by    t1-000001  raid on A, longer than usual already" in text
    assert "earliest   any moment (the task's own estimate, which it has outlasted)" in text

    text = shown(task_why_view(asked(fleet, "why", task="t1-000001"), fleet.now.wall_ms))
    assert "ends at any moment (the task's own estimate, which it has outlasted)" in text


def test_a_running_task_says_where_and_for_how_long(fleet: Fleet) -> None:
    text = shown(task_why_view(asked(fleet, "why", task="t1-000001"), fleet.now.wall_ms))
    assert text.splitlines() == [
        "✔ raid (t1-000001) it is running on A",
        "  ends in about 4 min 0 s (the task's own estimate)",
    ]


def test_an_idle_agent_says_what_waits_and_why_not_for_it(fleet: Fleet) -> None:
    text = shown(agent_why_view(asked(fleet, "why_idle", agent="B"), fleet.now.wall_ms))
    assert text.startswith("○ idle  B: it is free; 1 task waits, none for it now (1: MODE_LIMIT)")


def test_the_fleet_says_what_holds_it_back_and_who_has_the_places(fleet: Fleet) -> None:
    fleet.create("soup", mode="cook")
    text = shown(fleet_why_view(asked(fleet, "why_summary"), fleet.now.wall_ms))
    assert text.startswith("2 tasks wait; 1 of 2 agents free")
    assert "▲ 1 will never start by waiting: NO_CAPABLE_AGENT" in text
    assert "mode:combat: the combat limit 1 is full" in text


def test_text_from_elsewhere_moves_no_cursor(fleet: Fleet) -> None:
    task = fleet.create("bad\x1b[2J[bold]", mode="combat")
    text = shown(task_why_view(asked(fleet, "why", task=task), fleet.now.wall_ms))
    assert "\x1b" not in text
    assert "bad[2J[bold]" in text


def test_the_summary_has_every_count_and_breakdown_of_fleet_and_schedule(fleet: Fleet) -> None:
    summary = summary_of(fleet.state, fleet.now)
    assert (summary.total_agents, summary.online_agents) == (2, 2)
    assert (summary.busy_agents, summary.healthy_agents) == (1, 2)
    assert summary.agents_by_status["busy"] == summary.agents_by_status["idle"] == 1
    assert summary.agents_by_health["healthy"] == 2
    assert (summary.total_tasks, summary.pending_tasks, summary.running_tasks) == (2, 1, 1)
    assert (summary.completed_tasks, summary.failed_tasks) == (0, 0)
    assert summary.tasks_by_priority["normal"] == 2
    assert summary.tasks_by_status["pending"] == summary.tasks_by_status["running"] == 1
    assert summary.blocked_by == {"MODE_LIMIT": 1}

    text = shown(summary_view(summary))
    assert max(map(len, text.splitlines())) <= 80
    for word in ("total", "online", "busy", "healthy", "pending", "critical", "MODE_LIMIT"):
        assert word in text
