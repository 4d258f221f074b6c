"""The report as tables for a terminal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from coordinator.cli.report.wording import count, duration, hours, share, short
from coordinator.cli.screen import WARN, safe, table

_BAR: Final = 16
_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_WORST: Final = 10
_BAD: Final = 0.1

Row = Mapping[str, Any]


def report_tables(document: Mapping[str, Any]) -> Group:
    """Show the whole report."""
    totals = document["totals"]
    head = Text.assemble(
        (str(document["fleet_name"]), "bold"),
        f"  {short(document['from'])} to {short(document['until'])}",
    )
    line = (
        f"{count(totals['runs'])} runs  {count(totals['succeeded'])} succeeded  "
        f"{count(totals['failed'])} failed ({share(totals['failure_rate'])})  "
        f"{hours(totals['ran_s'])} of work  {share(totals['utilisation'])} of the fleet in use"
    )
    parts: list[RenderableType] = [head, Text(line)]
    if document["is_cut_off"]:
        parts.append(Text(f"{WARN} only the newest attempts were looked at", style="yellow"))
    for title, rows, more in (
        ("Agents", document["agents"], True),
        ("Modes", document["modes"], False),
    ):
        if rows:
            parts += ["", Text(title, style="bold"), _figures(rows, agents=more)]
    failing = [row for row in document["failures"] if row["failed"]]
    if failing:
        parts += ["", Text("Failures by agent and mode", style="bold"), _failures(failing)]
    lost = document["lost"]["reasons"]
    if lost:
        parts += ["", Text("Agent-hours without work, by reason", style="bold"), _lost(lost)]
    return Group(*parts)


def _figures(rows: Sequence[Row], *, agents: bool) -> Table:
    use = ">in use" if agents else ">at once"
    made = table(
        "agent" if agents else "mode",
        use,
        ">runs",
        ">failed",
        ">failure rate",
        ">wait p50",
        ">wait p95",
        ">run p50",
        ">run p95",
        ">ran",
        "per day",
    )
    for row in rows:
        rate = row["failure_rate"]
        made.add_row(
            safe(row["key"], "bold"),
            share(row["utilisation"]) if agents else f"{row['average_running']:.2f}",
            count(row["runs"]),
            Text(count(row["failed"]), style="red" if row["failed"] else ""),
            Text(share(rate), style="red" if rate is not None and rate >= _BAD else ""),
            *(duration(row[f"{name}_s"]) for name in ("wait_p50", "wait_p95")),
            *(duration(row[f"{name}_s"]) for name in ("run_p50", "run_p95")),
            hours(row["ran_s"]),
            Text(sparkline(row["ran_per_day_s"]), style="cyan"),
        )
    return made


def _failures(rows: Sequence[Row]) -> Table:
    made = table("agent", "mode", ">failed", ">of", ">share")
    for row in rows[:_WORST]:
        made.add_row(
            safe(row["agent"], "bold"),
            safe(row["mode"]),
            count(row["failed"]),
            count(row["runs"]),
            share(row["failed"] / row["runs"]),
        )
    return made


def _lost(rows: Sequence[Row]) -> Table:
    most = rows[0]["agent_hours"]
    made = table("reason", ">agent-hours", "")
    for row in rows:
        filled = max(1, round(_BAR * row["agent_hours"] / most))
        made.add_row(
            safe(row["code"]), f"{row['agent_hours']:,.1f}", Text("█" * filled, style="yellow")
        )
    return made


def sparkline(values: Iterable[float]) -> str:
    """Draw numbers as blocks of growing height; none at all is a point."""
    known = list(values)
    most = max(known, default=0.0)
    if most <= 0:
        return "·" * len(known)
    last = len(_BLOCKS) - 1
    return "".join(_BLOCKS[round(last * value / most)] if value > 0 else "·" for value in known)
