"""Plans and what goes with them, read from files for a command, or refused with what is wrong."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
import typer
from pydantic import ValidationError
from rich.text import Text

from coordinator import settings
from coordinator.cli import screen
from coordinator.cli.clock import now_ms
from coordinator.cli.plan_views import problem_line
from coordinator.plan.load import Examined, examine_file
from coordinator.plan.problems import Severity
from coordinator.plan.schema import FleetPlan
from protocol.limits import LARGE_MESSAGE_BYTES
from protocol.messages import TaskSpec

if TYPE_CHECKING:
    from coordinator.plan.preview import Snapshot

_ENVELOPE: Final = 4096
"""What a request takes besides its plan, at most."""


def usable(file: Path) -> FleetPlan:
    """Read the plan in *file*, or tell what is wrong with it and end."""
    examined = examine_file(file)
    if examined.plan is None:
        show_problems(file, examined, stderr=True)
        raise typer.Exit(1)
    return examined.plan


def brought_by(file: Path | None, *, offered: bool = False) -> dict[str, Any]:
    """Return the fields of a request that bring the plan in *file*."""
    if offered:
        if file is not None:
            screen.fail("--offered takes the coordinator's own file, and no FILE", status=2)
        return {}
    source = settings.load({"plan": file}).plan_file
    document = usable(source).document()
    size = len(orjson.dumps(document))
    if size > LARGE_MESSAGE_BYTES - _ENVELOPE:
        screen.fail(
            f"{source} has {size} bytes, and a request has {LARGE_MESSAGE_BYTES} at most; "
            "save it where the coordinator was started with its plan, and use --offered"
        )
    return {"plan": document}


def snapshot_in(state: Path | None) -> "Snapshot":
    """Read the fleet that *state* holds: a data directory, an export, or nothing."""
    from coordinator.plan.preview import Snapshot
    from coordinator.shell.store.archive import Archive

    if state is None:
        return Snapshot(now_ms())
    if state.is_dir():
        archive = Archive.in_directory(state)
        if archive is None:
            screen.fail(f"--state: {state} holds no store of a coordinator", status=2)
        try:
            return archive.snapshot(now_ms())
        finally:
            archive.close()
    try:
        return Snapshot.from_document(orjson.loads(state.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        screen.fail(f"--state: {state} is no exported fleet: {error}", status=2)


def specs_in(tasks: Path | None) -> list[TaskSpec]:
    """Read the tasks in a JSON list; none without a file."""
    if tasks is None:
        return []
    try:
        listed = orjson.loads(tasks.read_bytes())
        return [TaskSpec.model_validate(spec) for spec in listed]
    except (OSError, ValueError, TypeError) as error:
        what = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        screen.fail(f"--tasks: {tasks} is no JSON list of tasks: {what}", status=2)


def show_problems(source: Path, examined: Examined, *, stderr: bool = False) -> None:
    """Print the problems of the plan in *source*, the worst word last."""
    out = screen.console(stderr=stderr)
    for problem in examined.problems:
        out.print(problem_line(problem), soft_wrap=True)
    errors = sum(problem.severity is Severity.ERROR for problem in examined.problems)
    warnings = len(examined.problems) - errors
    counted = f"{_plural(errors, 'error')}, {_plural(warnings, 'warning')}"
    if examined.plan is None:
        out.print(Text(f"{screen.BAD} {source} cannot be used: {counted}", style="red"))
    else:
        out.print(
            Text(
                f"{screen.GOOD} {source} can be used: "
                f"{_plural(len(examined.plan.agents), 'agent')}, {counted}",
                style="green",
            )
        )


def problems_document(source: Path, examined: Examined) -> dict[str, Any]:
    """Return what is wrong with the plan in *source*, for programs."""
    problems = [
        {
            **dataclasses.asdict(problem),
            "value": screen.printable(problem.value),
            "severity": problem.severity.value,
        }
        for problem in examined.problems
    ]
    return {"plan": str(source), "usable": examined.plan is not None, "problems": problems}


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
