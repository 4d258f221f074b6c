"""Plans on a terminal: what is wrong with one, what would change, and what there was."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from coordinator.cli import screen
from coordinator.cli.screen import safe, table
from coordinator.core.civil import local_time
from coordinator.plan.problems import Problem, Severity

SHOWN: Final = 20
"""How many rows of one table are shown; ``--json`` has more."""
_VALUE: Final = 60


def problem_line(problem: Problem) -> Text:
    """Show one problem in a line."""
    severe = problem.severity is Severity.ERROR
    line = Text.assemble(
        (f"{screen.BAD} " if severe else f"{screen.WARN} ", "red" if severe else "yellow"),
        safe(f"{problem.path}: " if problem.path else "", "bold"),
        safe(problem.message, limit=1000),
    )
    if problem.suggestion:
        line.append_text(safe(f" ({problem.suggestion})", "dim", limit=1000))
    return line


def print_changes(out: Console, compared: Mapping[str, Any]) -> None:
    """Print what differs, and what that would do to the fleet."""
    changes: list[Mapping[str, Any]] = compared["changes"]
    for change in changes[:SHOWN]:
        out.print(_change_line(change), soft_wrap=True)
    left = compared["changes_total"] - len(changes[:SHOWN])
    if left > 0:
        out.print(f"  and {left} more")
    for text in (*compared.get("problems", ()), *compared.get("warnings", ())):
        shown = str(text).removeprefix("warning: ")
        out.print(Text.assemble((f"{screen.WARN} ", "yellow"), safe(shown, limit=1000)))
    _print_infeasible(out, compared)


def _print_infeasible(out: Console, compared: Mapping[str, Any]) -> None:
    total = compared.get("infeasible_total", 0)
    if not total:
        return
    noun = "pending task becomes" if total == 1 else "pending tasks become"
    out.print(Text(f"{screen.BAD} {total} {noun} infeasible:", style="red"))
    made = table("task", "name", "why")
    for one in compared["infeasible"][:SHOWN]:
        made.add_row(safe(one["task"], "bold"), safe(one["name"]), safe(one["reason"]))
    out.print(made)
    if total > SHOWN:
        out.print(f"  and {total - SHOWN} more")


def _change_line(change: Mapping[str, Any]) -> Text:
    path = safe(change["path"], "bold")
    if "before" not in change:
        return Text.assemble(("+ ", "green"), path, ": ", safe(_value(change["after"]), "green"))
    if "after" not in change:
        return Text.assemble(("- ", "red"), path, ": ", safe(_value(change["before"]), "red"))
    return Text.assemble(
        ("~ ", "yellow"),
        path,
        ": ",
        safe(_value(change["before"]), "red"),
        " → ",
        safe(_value(change["after"]), "green"),
    )


def _value(value: object) -> str:
    return screen.printable(value, limit=_VALUE)


def history_table(history: Mapping[str, Any]) -> Table:
    """Show every version, newest first."""
    made = table(">version", "", "since", "author", "comment")
    for card in history["plans"]:
        is_now = card["version"] == history["version"]
        comment = card["comment"]
        if card["rollback_of"] is not None:
            comment = f"↩ version {card['rollback_of']} {comment}".rstrip()
        made.add_row(
            str(card["version"]),
            Text("● in force", style="green") if is_now else "",
            moment("UTC", card["at_ms"], "%Y-%m-%d %H:%M UTC"),
            safe(card["author"]),
            safe(comment),
        )
    return made


def moment(zone: str, at_ms: int, form: str = "%a %d %b %H:%M") -> str:
    """Write an instant by the clocks of *zone*."""
    local: datetime = local_time(zone, at_ms)
    return local.strftime(form)
