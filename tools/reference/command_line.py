"""The page of the ``fleetbus`` command: what every command says of itself with ``--help``."""

from collections.abc import Iterator
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from coordinator.cli.app import app

COLUMNS: Final = "96"

HEAD = """# The `fleetbus` command

Options beat variables, variables beat `fleetbus.toml`; see [settings](settings.md). The exit status
is 0 if it was done, 1 if it could not be, and 2 if it was asked for wrongly.
`fleetbus --install-completion` lets your shell complete commands and options.
"""


def page() -> str:
    """Return the page."""
    return "\n".join([HEAD, *_commands(typer.main.get_command(app), ())]).rstrip() + "\n"


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[str]:  # noqa: ANN401 - typer hides its class
    """Describe *command* and everything below it, in the order of the help."""
    context: Any = None
    below = command.list_commands(context) if isinstance(command, TyperGroup) else ()
    if path:
        yield f"## `fleetbus {' '.join(path)}`\n"
        yield f"```text\n{_help(path)}\n```\n"
    for name in below:
        yield from _commands(command.get_command(context, name), (*path, name))


def _help(path: tuple[str, ...]) -> str:
    shown = CliRunner().invoke(
        app, [*path, "--help"], prog_name="fleetbus", env={"COLUMNS": COLUMNS, "NO_COLOR": "1"}
    )
    if shown.exit_code:
        raise RuntimeError(f"fleetbus {' '.join(path)} --help: {shown.output}")
    return "\n".join(line.rstrip() for line in shown.output.strip().splitlines())
