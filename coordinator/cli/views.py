"""The fleet as tables: pure functions from what is known to what is shown."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from coordinator.cli.fleet_state import FleetState
from coordinator.cli.screen import NOTHING, WARN, age, safe, table, word
from protocol.messages import CoordinatorPresence, Presence, Registry, Summary
from protocol.vocabulary import PresenceState, Priority, TaskStatus

BAR_WIDTH: Final = 12
LAST_EVENTS: Final = 6
SHOWN_TASKS: Final = 12
MANY_HOLDERS: Final = 4
WHOLE_REASON: Final = 2_000
"""Characters of why an agent is as it is: what it should do about it stands at the end."""


def agents_table(
    agents: Iterable[Registry], presences: Mapping[str, Presence], now_ms: int
) -> Table:
    """Show every agent: what it does, how it is and what it holds."""
    made = table(
        "agent", "status", "health", "presence", ">heartbeat", "works on", "machine", "why"
    )
    for agent in sorted(agents, key=lambda known: known.agent):
        presence = presences.get(agent.agent)
        since = None if agent.last_heartbeat_ms is None else now_ms - agent.last_heartbeat_ms
        made.add_row(
            safe(agent.agent, "bold"),
            word(agent.status),
            word(agent.health),
            _presence(presence, suspect=agent.suspect),
            age(since),
            safe(", ".join(agent.holds) or NOTHING),
            safe(f"{agent.machine_id or NOTHING} / {agent.window_id or NOTHING}", "dim"),
            safe("; ".join(agent.reasons) or agent.last_error or "", "dim", limit=WHOLE_REASON),
        )
    return made


def tasks_table(tasks: Iterable[Mapping[str, Any]], now_ms: int) -> Table:
    """Show tasks, one a line."""
    made = table("task", "name", "mode", "priority", "status", "agent", ">try", ">age", "what")
    for task in tasks:
        made.add_row(*_task_cells(task, now_ms))
    return made


def task_lines(task: Mapping[str, Any], now_ms: int) -> Table:
    """Show one task in full, a fact a line."""
    made = Table.grid(padding=(0, 2, 0, 0))
    for key, value in task.items():
        if value is None or value in ([], {}, ""):
            continue
        shown: RenderableType = safe(value, limit=2000)
        if key == "status":
            shown = _word_or_text(TaskStatus, value)
        elif key == "priority":
            shown = _word_or_text(Priority, value)
        elif key.endswith("_ms") and isinstance(value, int):
            shown = f"{age(abs(now_ms - value))} {_side(value, now_ms)}"
        made.add_row(safe(key.removesuffix("_ms"), "dim"), shown)
    return made


def limits_table(summary: Summary) -> Table:
    """Show every limit: how much of it is used, and by whom."""
    made = table("limit", "used", "", "held by", ">frees in")
    for key, limit in sorted(summary.limits.items()):
        filled = (
            min(BAR_WIDTH, round(BAR_WIDTH * limit.used / limit.max)) if limit.max else BAR_WIDTH
        )
        full = limit.used >= limit.max
        holders = ", ".join(limit.holders[:MANY_HOLDERS])
        if more := len(limit.holders) - MANY_HOLDERS:
            holders += f" and {more} more" if more > 0 else ""
        frees = None if limit.frees_at_ms is None else max(0, limit.frees_at_ms - summary.ts_ms)
        made.add_row(
            safe(key, "bold"),
            Text("█" * filled + "░" * (BAR_WIDTH - filled), style="yellow" if full else "green"),
            Text(f"{limit.used}/{limit.max}" + (f" {WARN} full" if full else "")),
            safe(holders or NOTHING, "dim"),
            age(frees),
        )
    return made


def counts(summary: Summary) -> Text:
    """Show the fleet in one line of numbers."""
    parts = [
        f"agents {summary.online_agents}/{summary.total_agents} online",
        f"{summary.busy_agents} busy",
        f"{summary.healthy_agents} healthy",
        f"tasks {summary.pending_tasks} pending",
        f"{summary.running_tasks} running",
        f"{summary.completed_tasks} completed",
        f"{summary.failed_tasks} failed",
    ]
    return Text("  ".join(parts))


def coordinator_line(presence: CoordinatorPresence | None) -> Text:
    """Say whether there is a coordinator, and in which state."""
    if presence is None:
        return Text("✖ no coordinator has spoken here", style="red")
    line = Text.assemble("coordinator ", word(presence.state), f"  term {presence.term}")
    if presence.settles_in_s:
        line.append(f"  settles in {presence.settles_in_s:.0f} s")
    if presence.reason:
        # Whole: in safe mode it ends with the command that repairs the store.
        line.append_text(safe(f"  {presence.reason}", limit=1000))
    return line


def watch_view(state: FleetState, now_ms: int, notice: str = "") -> Group:
    """Show everything at once, for a terminal that is redrawn."""
    summary = state.summary
    running = [
        view.model_dump(mode="json", exclude_none=True)
        for view in state.tasks.values()
        if not view.status.is_terminal
    ]
    running.sort(key=lambda task: (task.get("started_ms") or now_ms, task["task"]))
    head: list[RenderableType] = [coordinator_line(state.coordinator)]
    if notice:
        head.append(safe(notice, "yellow"))
    if summary is not None:
        head.append(counts(summary))
    name = summary.fleet_name if summary else state.topics.root
    parts: list[RenderableType] = [
        Panel(Group(*head), title=safe(name, "bold"), title_align="left"),
        Panel(
            agents_table(state.agents.values(), state.presences, now_ms),
            title="agents",
            title_align="left",
        ),
        Panel(tasks_table(running[:SHOWN_TASKS], now_ms), title="held tasks", title_align="left"),
    ]
    if summary is not None and summary.limits:
        parts.append(Panel(limits_table(summary), title="limits", title_align="left"))
    if state.events:
        parts.append(Panel(_events(state, now_ms), title="events", title_align="left"))
    return Group(*parts)


def _events(state: FleetState, now_ms: int) -> Table:
    made = Table.grid(padding=(0, 2, 0, 0))
    for event in state.events[-LAST_EVENTS:]:
        made.add_row(
            Text(f"{age(now_ms - event.ts_ms)} ago", style="dim"),
            safe(event.kind),
            safe(event.subject or ""),
            safe(event.text),
        )
    return made


def _task_cells(task: Mapping[str, Any], now_ms: int) -> tuple[RenderableType, ...]:
    created = task.get("created_ms")
    return (
        safe(task.get("task", NOTHING)),
        safe(task.get("name", NOTHING), "bold"),
        safe(task.get("mode", NOTHING)),
        _word_or_text(Priority, task.get("priority", NOTHING)),
        _word_or_text(TaskStatus, task.get("status", NOTHING)),
        safe(task.get("agent") or NOTHING),
        str(task.get("attempt") or NOTHING),
        age(now_ms - created) if isinstance(created, int) else NOTHING,
        safe(_what(task), "dim"),
    )


def _what(task: Mapping[str, Any]) -> str:
    """Say the most telling thing about a task: its error, what it waits for, how far it is."""
    error = task.get("error")
    if isinstance(error, Mapping):
        return f"{error.get('code', '')}: {error.get('message', '')}"
    if blocked := task.get("blocked_by"):
        return "waits for " + ", ".join(map(str, blocked))
    ended = task.get("status") in {status.value for status in TaskStatus if status.is_terminal}
    if not ended and (pct := task.get("pct")) is not None:
        return f"{pct:.0f} % {task.get('step') or ''}"
    return "" if ended else str(task.get("phase") or "")


def _word_or_text(kind: type[TaskStatus] | type[Priority], value: object) -> Text:
    try:
        return word(kind(str(value)))
    except ValueError:  # a newer coordinator may have more words
        return safe(value)


def _presence(presence: Presence | None, *, suspect: bool) -> Text:
    if presence is None:
        return Text(NOTHING)
    shown = word(presence.state)
    if suspect and presence.state is not PresenceState.LOST:
        shown.append(f" {WARN} suspect", style="yellow")
    return shown


def _side(then_ms: int, now_ms: int) -> str:
    return "ago" if then_ms <= now_ms else "from now"
