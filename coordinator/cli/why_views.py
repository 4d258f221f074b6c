"""Explanations as a person reads them: pure functions from a document to what is shown.

The sentence comes first, then what is in the way with its numbers, then who, then when, then what
would help. What is open and has nothing to tell is one line at the end.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from coordinator.cli.screen import BAD, GOOD, WARN, age, safe, table, word
from protocol.messages import Summary
from protocol.vocabulary import AgentHealth, AgentStatus, Priority, TaskStatus

Document = Mapping[str, Any]

SHOWN_HOLDERS: Final = 4
_STAGES: Final = (
    ("capable", "capable"),
    ("online", "online"),
    ("in_service", "in service"),
    ("healthy", "healthy"),
    ("in_hours", "in hours"),
    ("off_cooldown", "off cooldown"),
    ("free", "free"),
)


def task_why_view(document: Document, now_ms: int) -> Group:
    """Show why a task waits."""
    headline = document["headline"]
    waits = "gates" in document
    sign = (f"{BAD} ", "red") if waits else (f"{GOOD} ", "green")
    title = Text.assemble(
        sign,
        safe(document["name"], "bold"),
        " (",
        safe(document["task"]),
        ") ",
        "waits: " if waits else "",
        safe(headline["text"]),
    )
    if not waits:
        return Group(title, *_ending(document, now_ms))
    facts = _facts()
    _add(facts, "since", _since(document, now_ms))
    _add(facts, "gates", _gates(document["gates"], now_ms))
    _add(facts, "agents", funnel_line(document["agents"]))
    misses = document["agents"]["nearest_miss"]
    if misses and not document["agents"]["free"]:
        _add(facts, "nearest", _lines(_miss(miss, now_ms) for miss in misses))
    for gate in document["gates"]:
        if gate.get("holders"):
            _add(facts, "held by", _lines(_holder(one) for one in _first(gate["holders"])))
    _add(facts, "place", _place(document["position"]))
    for pool in document.get("pools", ()):
        text = f"{pool['pool']}, {pool['size']} of {pool['max']} agents: {pool['text']}"
        _add(facts, "pool", safe(text))
    _add(facts, "earliest", _earliest(document["earliest"], now_ms))
    ways = document["would_run_if"]
    _add(facts, "starts if", _lines(_way(way) for way in ways) if ways else None)
    return Group(title, facts)


def _facts() -> Table:
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    return made


def _add(facts: Table, label: str, value: RenderableType | None) -> None:
    if value is not None:
        facts.add_row(f"  {label}", value)


def _lines(lines: Iterable[Text]) -> Text:
    return Text("\n").join(lines)


def _first(holders: list[Document]) -> list[Document]:
    return holders[:SHOWN_HOLDERS]


def _ending(document: Document, now_ms: int) -> Iterator[Text]:
    ends = document.get("ends")
    if ends is not None:
        left_ms = ends["at_ms"] - now_ms
        when = f"in about {age(left_ms)}" if left_ms > 0 else "at any moment"
        yield Text.assemble("  ends ", when, " (", safe(ends["basis"]), ")")


def _since(document: Document, now_ms: int) -> Text:
    line = Text(age(now_ms - document["since_ms"]))
    story = document["history"]
    if len(story) > 1:
        told = ", ".join(f"{code} {age(now_ms - at_ms)} ago" for at_ms, code in story)
        line.append_text(safe(f": {told}", "dim"))
    return line


def _gates(gates: list[Document], now_ms: int) -> Text:
    told = [_gate(gate, now_ms) for gate in gates if not gate["ok"]]
    told += [_gate(gate, now_ms) for gate in gates if gate["ok"] and _numbers(gate)]
    quiet = [gate["code"] for gate in gates if gate["ok"] and not _numbers(gate)]
    if quiet:
        told.append(Text.assemble((f"{GOOD} ", "green"), safe(", ".join(quiet), "dim", limit=600)))
    return _lines(told)


def _gate(gate: Document, now_ms: int) -> Text:
    line = Text.assemble(
        (f"{GOOD} ", "green") if gate["ok"] else (f"{BAD} ", "red"),
        safe(gate["code"], "" if gate["ok"] else "bold"),
    )
    numbers = _numbers(gate)
    if numbers:
        line.append(f"  {numbers}")
    if not gate["ok"] and gate.get("text"):
        line.append_text(safe(f"  {gate['text']}"))
    if not gate["ok"] and gate.get("by"):
        line.append_text(safe(f", by {gate['by']}"))
    until_ms = gate.get("until_ms") or gate.get("resets_ms")
    if until_ms is not None and (not gate["ok"] or "windows" in gate):
        line.append(f" (for {age(max(0, until_ms - now_ms))} more)", style="dim")
    return line


def _numbers(gate: Document) -> str:
    if gate.get("limit") is not None:
        return f"{gate['use']}/{gate['limit']}"
    if gate.get("cap") is not None:
        reserved = f" and {gate['reserved']} reserved" if gate["reserved"] else ""
        return f"{gate['used']}/{gate['cap']}{reserved}"
    if gate.get("scope") == "agents" and not gate["ok"]:
        return f"{gate['passed']} of {gate['passed'] + gate['failed']} pass"
    if gate.get("windows"):
        return ", ".join(gate["windows"])
    return ""


def funnel_line(agents: Document) -> Text:
    """Show in one line how many agents pass, naming the stages at which some are lost."""
    line = Text(f"{agents['total']} known")
    before = agents["total"]
    for stage, name in _STAGES:
        count = agents[stage]
        if count != before or stage == "free":
            line.append(" ▸ ", style="dim")
            line.append(f"{count} {name}", style="" if count else "red")
        before = count
        if not count:
            break
    return line


def _miss(miss: Document, now_ms: int) -> Text:
    line = Text.assemble(safe(miss["agent"], "bold"), "  ", safe(", ".join(miss["fails"])))
    line.append_text(safe(f"  {miss['text']}", "dim"))
    if miss.get("until_ms") is not None:
        line.append(f" (for {age(max(0, miss['until_ms'] - now_ms))} more)", style="dim")
    return line


def _holder(holder: Document) -> Text:
    line = Text.assemble(
        safe(holder["task"], "bold"), "  ", safe(f"{holder['name']} on {holder['agent']}")
    )
    left = holder.get("p50_left_s")
    if left is not None:
        usual = f"about {age(int(left * 1000))} left" if left > 0 else "longer than usual already"
        line.append(f", {usual}", style="dim")
    return line


def _place(position: Document) -> Text | None:
    if position["waiting_alike"] <= 1 and not position["ahead"]:
        return None
    least = "" if position["is_exact"] else "at most "
    return Text(
        f"{least}{position['in_shape']} of {position['waiting_alike']} alike, "
        f"{least}{position['ahead']} ahead in all"
    )


def _earliest(earliest: Document, now_ms: int) -> Text:
    at_ms = earliest["at_ms"]
    certain_ms = earliest["not_before_certain_ms"]
    if at_ms is None:
        line = safe(f"unknown: {earliest['basis']}", limit=400)
    else:
        is_certain = earliest["kind"] == "certain"
        if at_ms > now_ms:
            line = Text(f"in {'' if is_certain else 'about '}{age(at_ms - now_ms)}")
        else:
            line = Text("at once" if is_certain else "any moment")
        line.append_text(safe(f" ({earliest['basis']})", "dim"))
    if certain_ms > now_ms and certain_ms != at_ms:
        line.append(f"; certainly not for {age(certain_ms - now_ms)}")
    return line


def _way(way: Document) -> Text:
    return Text.assemble(
        ("→ ", "cyan"), safe(way["change"], limit=400), safe(f"  {way['effect']}", "dim")
    )


def agent_why_view(document: Document, now_ms: int) -> Group:
    """Show why an agent is idle."""
    headline = document["headline"]
    title = Text.assemble(
        word(AgentStatus(document["status"])),
        "  ",
        safe(document["agent"], "bold"),
        ": ",
        safe(headline["text"]),
    )
    facts = _facts()
    _add(facts, "health", word(AgentHealth(document["health"])))
    _add(facts, "gates", _gates(document["gates"], now_ms))
    if document["cooldowns"]:
        told = (_cooldown(one, now_ms) for one in document["cooldowns"])
        _add(facts, "cooldowns", _lines(told))
    if document["holds"]:
        _add(facts, "holds", safe(", ".join(held["task"] for held in document["holds"])))
    waiting = document["waiting"]
    if waiting["total"]:
        told = (safe(f"{count} {code}", limit=80) for code, count in waiting["not_for_it"].items())
        _add(facts, f"{waiting['total']} wait", _lines(told))
    return Group(title, facts)


def _cooldown(cooldown: Document, now_ms: int) -> Text:
    line = Text.assemble(safe(cooldown["type"], "bold"), safe(f"  {cooldown['text']}", "dim"))
    line.append(f" (for {age(max(0, cooldown['until_ms'] - now_ms))} more)", style="dim")
    return line


def fleet_why_view(document: Document, now_ms: int) -> Group:
    """Show what holds the fleet back."""
    agents = document["agents"]
    waiting = "1 task waits" if document["pending"] == 1 else f"{document['pending']} tasks wait"
    lost = ", ".join(f"{count} {code}" for code, count in agents["not_free"].items())
    parts: list[RenderableType] = [
        Text(f"{waiting}; {agents['free']} of {agents['total']} agents free")
    ]
    if lost:
        parts.append(safe(f"not free: {lost}", "dim"))
    for alarm in document["alarms"]:
        text = f"{WARN} {alarm['tasks']} will never start by waiting: {alarm['code']}"
        parts.append(safe(text, "yellow"))
    if document["blocked"]:
        made = table("reason", ">tasks", "oldest", ">for")
        for entry in document["blocked"]:
            oldest = entry.get("oldest")
            made.add_row(
                safe(entry["code"], "bold"),
                str(entry["tasks"]),
                safe(oldest["task"] if oldest else ""),
                age(now_ms - oldest["since_ms"]) if oldest else "",
            )
        parts += [Text(""), made]
    for name, pool in document.get("pools", {}).items():
        parts += [Text(""), safe(f"pool {name}: {pool['size']} of {pool['max']}; {pool['text']}")]
    for limit in document["limits"]:
        parts += [Text(""), safe(f"{limit['key']}: {limit['text']}")]
        parts += [Text.assemble("  ", _holder(one)) for one in _first(limit["holders"])]
    return Group(*parts)


def summary_view(summary: Summary) -> Group:
    """Show the fleet in numbers: agents by status and health, tasks by status and priority."""
    agents = table("agents", ">")
    agents.add_row("total", str(summary.total_agents))
    agents.add_row("online", str(summary.online_agents))
    agents.add_row("busy", str(summary.busy_agents))
    agents.add_row("healthy", str(summary.healthy_agents))
    tasks = table("tasks", ">")
    tasks.add_row("total", str(summary.total_tasks))
    for status, count in summary.tasks_by_status.items():
        tasks.add_row(word(TaskStatus(status)), str(count))
    by_status = table("by status", ">")
    for status, count in summary.agents_by_status.items():
        by_status.add_row(word(AgentStatus(status)), str(count))
    by_health = table("by health", ">")
    for health, count in summary.agents_by_health.items():
        by_health.add_row(word(AgentHealth(health)), str(count))
    by_priority = table("by priority", ">")
    for priority, count in summary.tasks_by_priority.items():
        by_priority.add_row(word(Priority(priority)), str(count))
    side = Table.grid(padding=(0, 4, 0, 0))
    side.add_row(agents, by_status, by_health)
    below = Table.grid(padding=(0, 4, 0, 0))
    below.add_row(tasks, by_priority, _blocked(summary))
    return Group(side, Text(""), below)


def _blocked(summary: Summary) -> Table:
    made = table("waiting for", ">")
    for code, count in summary.blocked_by.items():
        made.add_row(safe(code), str(count))
    return made
