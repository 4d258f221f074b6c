"""What a watcher makes of the topics, and how it shows it."""

import io
from typing import Any

from rich.console import Console, RenderableType

from coordinator.cli.fleet_state import FleetState, merged_tasks
from coordinator.cli.task_commands import progress_line, task_of
from coordinator.cli.views import (
    agents_table,
    coordinator_line,
    limits_table,
    task_lines,
    tasks_table,
    watch_view,
)
from protocol import codec
from protocol.messages import (
    CoordinatorPresence,
    FleetEvent,
    LimitView,
    Message,
    Presence,
    Registry,
    Reply,
    Summary,
    TaskView,
)
from protocol.topics import Topics
from protocol.vocabulary import (
    AgentHealth,
    AgentStatus,
    CoordinatorState,
    PresenceState,
    Priority,
    TaskStatus,
)

NOW = 1_000_000
TOPICS = Topics("fleet")
COORDINATOR: dict[str, Any] = {"ts_ms": NOW, "coord": "c", "term": 3}


def presence(state: PresenceState) -> Presence:
    return Presence(ts_ms=NOW, agent="Main", boot="a" * 32, epoch=1, conn=1, seq=1, state=state)


def registry(**more: Any) -> Registry:
    given: dict[str, Any] = {"status": AgentStatus.BUSY, "health": AgentHealth.WARNING, **more}
    return Registry(**COORDINATOR, agent="Main", **given)


def task(name: str = "t1", **more: Any) -> TaskView:
    given: dict[str, Any] = {
        "status": TaskStatus.RUNNING,
        "phase": "running",
        "priority": Priority.HIGH,
        "created_ms": NOW - 5000,
        **more,
    }
    return TaskView(**COORDINATOR, task=name, name="hello", mode="quest", **given)


def summary() -> Summary:
    limits = {
        "global": LimitView(max=3, used=3, holders=("t1", "t2", "t3"), frees_at_ms=NOW + 9000)
    }
    nothing: dict[str, int] = {}
    counts = ("agents_by_status", "agents_by_health", "tasks_by_status", "tasks_by_priority")
    numbers: dict[str, Any] = dict.fromkeys(
        (
            "total_agents",
            "online_agents",
            "busy_agents",
            "healthy_agents",
            "total_tasks",
            "pending_tasks",
            "running_tasks",
            "completed_tasks",
            "failed_tasks",
        ),
        7,
    )
    numbers |= dict.fromkeys((*counts, "tasks_by_mode"), nothing)
    return Summary(**COORDINATOR, **numbers, fleet_name="Morning", limits=limits)


def state_of(messages: dict[str, Message]) -> FleetState:
    state = FleetState(TOPICS)
    for pattern, message in messages.items():
        state.apply(TOPICS.under(pattern), codec.encode(message))
    return state


def shown(view: RenderableType) -> str:
    out = io.StringIO()
    Console(file=out, width=200).print(view)
    return out.getvalue()


def test_the_newest_message_of_a_topic_is_believed() -> None:
    state = state_of({"registry/Main": registry()})
    state.apply(TOPICS.registry("Main"), codec.encode(registry(status=AgentStatus.IDLE)))
    assert state.agents["Main"].status is AgentStatus.IDLE


def test_an_empty_message_makes_a_task_and_an_agent_forgotten() -> None:
    state = state_of({"registry/Main": registry(), "tasks/t1": task()})
    state.apply(TOPICS.registry("Main"), b"")
    state.apply(TOPICS.task("t1"), b"")
    assert (state.agents, state.tasks) == ({}, {})


def test_what_cannot_be_read_is_counted_and_changes_nothing() -> None:
    state = FleetState(TOPICS)
    for topic, payload in [
        (TOPICS.task("t1"), b"{"),
        (TOPICS.registry("Main"), codec.encode(registry()).replace(b"Main", b"Evil")),
        ("elsewhere/v1/tasks/t1", b"{}"),
    ]:
        state.apply(topic, payload)
    assert (state.unreadable, state.tasks, state.agents) == (3, {}, {})


def test_topics_are_newer_than_what_the_store_answered() -> None:
    stored = [{"task": "t1", "status": "pending", "created_ms": 5}, {"task": "t0", "created_ms": 1}]
    merged = merged_tasks(stored, {"t1": task(created_ms=5)})
    assert [(one["task"], one.get("status")) for one in merged] == [("t0", None), ("t1", "running")]


def test_an_agent_is_shown_with_its_health_its_will_and_what_it_holds() -> None:
    agent = registry(
        holds=("t1",), last_heartbeat_ms=NOW - 2000, reasons=("cpu 91 %",), suspect=True
    )
    said = shown(agents_table([agent], {"Main": presence(PresenceState.LOST)}, NOW))
    for part in ("Main", "▶ busy", "▲ warning", "✖ lost", "2 s", "t1", "cpu 91 %"):
        assert part in said


def test_a_long_reason_is_told_to_its_end() -> None:
    reason = "the window is lost; " * 20 + "start it with: wow.exe"
    assert len(reason) > 400
    said = shown(agents_table([registry(reasons=(reason,))], {}, NOW))
    assert "…" not in said
    assert "".join(said.split()).endswith("wow.exe")


def test_a_suspect_agent_that_has_not_said_goodbye_is_marked() -> None:
    said = shown(
        agents_table([registry(suspect=True)], {"Main": presence(PresenceState.ONLINE)}, NOW)
    )
    assert "● online ▲ suspect" in said


def test_a_task_tells_its_error_before_its_waiting_before_its_progress() -> None:
    waiting = {"task": "t", "blocked_by": ["mode:combat"], "pct": 10}
    failed = {**waiting, "error": {"code": "Boom", "message": "[red]no\x1b"}}
    assert "waits for mode:combat" in shown(tasks_table([waiting], NOW))
    assert "Boom: [red]no" in shown(tasks_table([failed], NOW))
    assert "10 %" in shown(tasks_table([{"task": "t", "pct": 10}], NOW))


def test_a_task_of_a_newer_coordinator_with_an_unknown_status_is_still_shown() -> None:
    assert "levitating" in shown(tasks_table([{"task": "t", "status": "levitating"}], NOW))


def test_a_task_in_full_tells_times_as_ages() -> None:
    said = shown(task_lines({"task": "t", "created_ms": NOW - 60_000, "result": None}, NOW))
    assert "1 min 0 s ago" in said
    assert "result" not in said


def test_a_full_limit_says_so_and_when_it_frees() -> None:
    said = shown(limits_table(summary()))
    for part in ("global", "3/3 ▲ full", "t1, t2, t3", "9 s"):
        assert part in said


def test_the_whole_picture_holds_every_part_and_only_living_tasks() -> None:
    state = state_of(
        {
            "coordinator/presence": CoordinatorPresence(
                **COORDINATOR, state=CoordinatorState.RECOVERING, settles_in_s=18.2
            ),
            "coordinator/summary": summary(),
            "registry/Main": registry(),
            "tasks/t1": task(),
            "tasks/over": task("over", status=TaskStatus.COMPLETED),
            "events": FleetEvent(**COORDINATOR, number=1, kind="agent_lost", subject="Main"),
        }
    )
    said = shown(watch_view(state, NOW, "no broker answers"))
    for part in ("Morning", "recovering", "settles in 18 s", "t1", "global", "agent_lost"):
        assert part in said
    assert "no broker answers" in said
    assert "over" not in said.replace("recovering", "")


def test_a_bus_without_a_coordinator_is_not_shown_as_an_empty_fleet() -> None:
    assert "no coordinator" in coordinator_line(None).plain


def test_progress_is_told_in_one_line() -> None:
    known = {"status": "running", "agent": "Main", "pct": 40.0, "step": "north"}
    assert progress_line("t1", known) == "t1: running on Main, 40 %, north"
    waiting = {"status": "pending", "blocked_by": ["GLOBAL_LIMIT"]}
    assert progress_line("t1", waiting) == "t1: pending, waits for GLOBAL_LIMIT"


def test_the_task_in_an_answer_is_found_however_deep_it_stands() -> None:
    given: dict[str, Any] = {**COORDINATOR, "request_id": "1", "ok": True}
    assert task_of(Reply(**given, data={"status": "pending"})) == {"status": "pending"}
    assert task_of(Reply(**given, data={"task": {"status": "failed"}})) == {"status": "failed"}
