"""The command as a whole: it is quick to say what it can do, and what it lacks."""

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from coordinator.cli.app import app


def every_command(group: typer.Typer, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    names = []
    for command in group.registered_commands:
        assert command.callback is not None
        names.append((*path, command.name or command.callback.__name__))
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        assert inner.name is not None
        callback = inner.typer_instance.registered_callback
        if callback is not None and callback.invoke_without_command:
            names.append((*path, inner.name))
        names += every_command(inner.typer_instance, (*path, inner.name))
    return names


COMMANDS = every_command(app)


def test_the_commands_keep_their_names() -> None:
    assert {" ".join(path) for path in COMMANDS} == {
        "up",
        "broker",
        "broker config",
        "coordinator",
        "agent",
        "enroll",
        "rotate",
        "revoke",
        "enrolled",
        "certs",
        "doctor",
        "agents why-idle",
        "agents start",
        "agents stop",
        "agents restart",
        "host",
        "host install",
        "hosts",
        "tasks",
        "watch",
        "why",
        "summary",
        "report",
        "alerts test",
        "backup",
        "conformance",
        "restore",
        "export",
        "import",
        "task add",
        "task show",
        "task cancel",
        "task pause",
        "task resume",
        "task retry",
        "task why",
        "plan check",
        "plan diff",
        "plan preview",
        "plan apply",
        "plan history",
        "plan rollback",
        "plan show",
        "web",
        "token create",
        "token list",
        "token revoke",
        "token link",
    }


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...]) -> None:
    said = CliRunner().invoke(app, [*path, "--help"])
    assert said.exit_code == 0
    steering = path[0] == "task" and path[1] not in {"add", "show"}
    assert steering or "Example: fleetbus " + " ".join(path) in said.output


def test_a_base_install_is_told_which_extra_is_missing() -> None:
    code = "import sys; sys.modules['typer'] = None; from coordinator.cli import main; main()"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30
    )
    assert said.returncode == 1
    assert said.stderr == (
        "The `fleetbus` command needs 'typer', which comes with the `server` extra:\n"
        "  pip install 'fleetbus[server]'\n"
    )


def test_wrong_settings_end_with_the_status_of_wrong_usage() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "coordinator.cli", "agents", "--broker", "http://x"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert said.returncode == 2
    assert said.stderr.startswith("✖ --broker: not a broker's URL: the scheme is 'http'")
