"""A preview on a terminal: what would run when, what would wait for what, what never runs."""

from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from coordinator.cli import screen
from coordinator.cli.plan_views import SHOWN, moment
from coordinator.cli.screen import NOTHING, age, safe, table
from coordinator.plan.preview import Preview


def print_preview(out: Console, found: Preview) -> None:
    """Print what would run when, what would wait for what, and what never runs."""
    begins, ends = (moment(found.zone, ms) for ms in (found.from_ms, found.until_ms))
    out.print(f"From {begins} to {ends} ({found.zone}) if {', '.join(found.assumptions)}:")
    not_run = f", {found.never_total} would not" if found.never_total else ""
    running = f"; {found.began_running} run already" if found.began_running else ""
    out.print(f"{screen.GOOD} {found.runs_total} tasks would start{not_run}{running}")
    shown: list[tuple[Table, int]] = [
        (_runs(found), found.runs_total),
        (_never(found), found.never_total),
        (_waiting(found), len(found.waiting)),
        (_skipped(found), len(found.skipped)),
        (_limits(found), len(found.limits)),
    ]
    for made, total in shown:
        if total:
            out.print()
            out.print(made)
            if total > SHOWN:
                out.print(f"  and {total - SHOWN} more")


def _runs(found: Preview) -> Table:
    made = table("starts", "task", "name", "agent", ">waited", "mostly for", title="Would run")
    for run in found.runs[:SHOWN]:
        made.add_row(
            moment(found.zone, run.starts_ms),
            safe(run.task, "bold"),
            safe(run.name),
            safe(run.agent),
            age(run.waited_ms) if run.waited_ms else NOTHING,
            _mostly(run.waits),
        )
    return made


def _never(found: Preview) -> Table:
    made = table("task", "name", "why", "", title="Would not run")
    for one in found.never[:SHOWN]:
        made.add_row(
            safe(one.task, "bold"), safe(one.name), Text(one.code, style="red"), safe(one.text)
        )
    return made


def _waiting(found: Preview) -> Table:
    made = table("reason", ">tasks", ">in all", ">longest", title="Would wait")
    for one in found.waiting[:SHOWN]:
        made.add_row(one.code, str(one.tasks), age(one.total_ms), age(one.longest_ms))
    return made


def _skipped(found: Preview) -> Table:
    made = table("schedule", "reason", ">runs", "first", title="Would be skipped")
    for one in found.skipped[:SHOWN]:
        first = moment(found.zone, one.first_ms)
        made.add_row(safe(one.schedule), one.reason, str(one.count), first)
    return made


def _limits(found: Preview) -> Table:
    made = table("limit", ">peak", ">of", ">full for", title="Limits")
    for one in found.limits[:SHOWN]:
        style = "yellow" if one.peak >= one.limit else ""
        made.add_row(
            safe(one.key),
            Text(str(one.peak), style=style),
            str(one.limit),
            age(one.full_ms) if one.full_ms else NOTHING,
        )
    return made


def _mostly(waits: Iterable[tuple[str, int]]) -> RenderableType:
    return next((code for code, _ in waits), "")
