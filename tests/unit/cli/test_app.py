"""The command as a whole: it is quick to say what it can do, and what it lacks."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from coordinator.cli.app import app
from coordinator.cli.sections import SECTIONS


def every_command(command: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(command, TyperGroup):
        return [path]
    names = [path] if command.invoke_without_command else []
    context: Any = None
    for name in command.list_commands(context):
        names += every_command(command.get_command(context, name), (*path, name))
    return names


COMMANDS = every_command(typer.main.get_command(app))


def test_the_commands_keep_their_names() -> None:
    assert {" ".join(path) for path in COMMANDS} == {
        "init",
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
        "agents",
        "agents why-idle",
        "agents cordon",
        "agents drain",
        "agents forget",
        "agents maintenance",
        "agents return",
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
        "alerts",
        "alerts test",
        "backup",
        "conformance",
        "restore",
        "export",
        "fleet hold",
        "fleet pause",
        "fleet release",
        "fleet reset-budget",
        "fleet resume",
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
    assert "Example: fleetbus " + " ".join(path) in said.output
    # An example that goes on in the next line cannot be copied.
    after = said.output.partition("Example: fleetbus ")[2].partition("\n")[2]
    assert after.startswith("\n")


@pytest.mark.parametrize("group", ["plan", "task", "agents", "host", "broker", "alerts", "token"])
def test_no_command_of_a_group_is_listed_with_half_a_sentence(group: str) -> None:
    said = CliRunner().invoke(app, [group, "--help"]).output
    assert "Commands:" in said
    assert "..." not in said.partition("Commands:")[2]


def test_the_list_of_commands_has_each_once_on_one_line() -> None:
    listed = [name for section in SECTIONS.values() for name in section]
    assert sorted(listed) == sorted({path[0] for path in COMMANDS})
    lines = CliRunner().invoke(app, ["--help"]).output.splitlines()
    for section, commands in SECTIONS.items():
        assert f"{section}:" in lines
        for name, (_, what) in commands.items():
            assert [line.split(maxsplit=1) for line in lines].count([name, what]) == 1


def test_a_shell_completes_commands_and_options() -> None:
    def completed(typed: str) -> list[str]:
        words = typed.split(" ")
        asked = {"_FLEETBUS_COMPLETE": "complete_bash", "COMP_WORDS": typed}
        said = subprocess.run(
            [Path(sys.executable).parent / "fleetbus"],
            env={**os.environ, **asked, "COMP_CWORD": str(len(words) - 1)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return said.stdout.split()

    assert completed("fleetbus en") == ["enroll", "enrolled"]
    assert completed("fleetbus plan ro") == ["rollback"]
    assert completed("fleetbus init --rea") == ["--reached-by"]


def test_a_mistyped_command_is_answered_with_the_one_that_was_meant() -> None:
    said = CliRunner().invoke(app, ["watsch"])
    assert said.exit_code == 2
    assert "Did you mean 'watch'?" in said.stderr


@pytest.mark.parametrize("missing", ["typer", "rich", "pydantic_settings"])
def test_a_base_install_is_told_which_extra_is_missing(missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; from coordinator.cli import main; main()"
    said = subprocess.run(
        [sys.executable, "-c", code, "agents"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert said.returncode == 1
    assert said.stderr == (
        f"The `fleetbus` command needs {missing!r}, which comes with the `server` extra:\n"
        "  pip install 'fleetbus[server]'\n"
        "This base install runs agents and hosts: python -m agent_client, and\n"
        "python -m agent_client.host\n"
    )


def test_the_help_imports_no_command() -> None:
    code = "import sys; from coordinator.cli import main; main()"
    said = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code, "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    ours = {line.rpartition("|")[2].strip() for line in said.stderr.splitlines()}
    assert {name for name in ours if name.startswith("coordinator.")} == {
        "coordinator.cli",
        "coordinator.cli.app",
        "coordinator.cli.sections",
    }
    assert not ours & {"pydantic", "rich", "asyncio", "paho.mqtt.client"}


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


def test_a_file_that_the_machine_cannot_have_is_one_clear_message(tmp_path: Path) -> None:
    file = tmp_path / ("a" * 300) / "copy.db"
    (tmp_path / "fleet.db").touch()
    words = ["backup", "--to", str(file), "--data", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "coordinator.cli", *words],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    (said,) = done.stderr.decode().splitlines()
    assert "File name too long" in said
