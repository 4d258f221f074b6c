"""``fleetbus plan check``: read a fleet plan and tell everything that is wrong with it."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from coordinator import settings
from coordinator.cli import screen
from coordinator.cli.options import AsJson
from coordinator.plan.load import Examined, examine_file
from coordinator.plan.problems import Problem, Severity

app = typer.Typer(help="Look at a fleet plan before it is used.", no_args_is_help=True)


@app.callback()
def plan() -> None:
    """Look at a fleet plan before it is used."""


@app.command()
def check(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="The plan. [default: config/fleet_plan.json, else the shipped example]",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell every error and warning of a plan at once; succeed only if it can be used.

    Example: fleetbus plan check config/fleet_plan.json
    """
    source = settings.load({"plan": file}).plan_file
    examined = examine_file(source)
    if as_json:
        screen.print_json(_document(source, examined))
    else:
        show_problems(source, examined)
    if examined.plan is None:
        raise typer.Exit(1)


def show_problems(source: Path, examined: Examined) -> None:
    """Print the problems of the plan in *source*, the worst word last."""
    out = screen.console()
    for problem in examined.problems:
        out.print(_line(problem), soft_wrap=True)
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


def _line(problem: Problem) -> Text:
    severe = problem.severity is Severity.ERROR
    line = Text.assemble(
        (f"{screen.BAD} " if severe else f"{screen.WARN} ", "red" if severe else "yellow"),
        screen.safe(f"{problem.path}: " if problem.path else "", "bold"),
        screen.safe(problem.message, limit=1000),
    )
    if problem.suggestion:
        line.append_text(screen.safe(f" ({problem.suggestion})", "dim", limit=1000))
    return line


def _document(source: Path, examined: Examined) -> dict[str, Any]:
    return {
        "plan": str(source),
        "usable": examined.plan is not None,
        "problems": [
            {
                "path": problem.path,
                "value": screen.printable(problem.value),
                "message": problem.message,
                "suggestion": problem.suggestion,
                "severity": problem.severity.value,
            }
            for problem in examined.problems
        ],
    }


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
