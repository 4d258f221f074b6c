"""Every command of `fleetbus`: in sections, each on one line, with the place it is imported from.

Only the command that is asked for is imported, for what one needs takes others half a second. What
is said here is shorter than a command's own help; `fleetbus COMMAND --help` has the rest.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

SECTIONS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "Begin": {
        "init": ("init.command:init", "Begin a fleet: write its plan and settings"),
        "up": ("up.command:up", "Start everything on this machine, until Ctrl-C"),
    },
    "Try": {
        "doctor": ("doctor_command:doctor", "Find out what the broker really does"),
        "conformance": (
            "conformance.command:conformance",
            "Find out whether an agent of any language keeps the rules",
        ),
    },
    "Look": {
        "watch": ("fleet_commands:watch", "See the fleet live"),
        "summary": ("why_commands:summary", "The fleet in numbers"),
        "why": ("why_commands:why", "What holds the fleet back"),
        "agents": ("agent_commands:app", "List agents; start, stop, cordon and drain them"),
        "hosts": ("host_commands:hosts", "List machines and what runs on them"),
        "tasks": ("fleet_commands:tasks", "List tasks, waiting ones too"),
        "alerts": ("alert_commands:app", "List alerts, and try where they are sent"),
        "report": ("report.command:report", "What the fleet did: use, waits, failures"),
    },
    "Act": {
        "task": ("task_commands:app", "Add a task, look at it, steer it, ask why it waits"),
        "fleet": ("verb_commands:fleet_app", "Pause the whole fleet, hold a limit"),
        "plan": ("plan_commands:app", "Check, compare, preview and apply the fleet plan"),
    },
    "Let in": {
        "enroll": ("enroll_commands:enroll", "Let a name in, with a one-time token"),
        "rotate": ("enroll_commands:rotate", "Give a name a new secret"),
        "revoke": ("enroll_commands:revoke", "Shut a name out"),
        "enrolled": ("enroll_commands:enrolled", "List who is let in"),
        "certs": ("enroll_commands:certs", "Make certificates for TLS"),
        "token": ("web_commands:token_app", "Make, list and revoke tokens for the HTTP API"),
    },
    "Keep": {
        "backup": ("store_commands:backup", "Copy the store"),
        "restore": ("store_commands:restore", "Go back to a copy"),
        "export": ("store_commands:export", "Write the fleet as one JSON document"),
        "import": ("store_commands:import_", "Bring such a document in"),
    },
    "Run one part by itself": {
        "broker": ("broker_commands:app", "The MQTT broker; and the files of other brokers"),
        "coordinator": ("part_commands:coordinator", "The coordinator"),
        "web": ("web_commands:web", "The control room: HTTP API and dashboard"),
        "host": ("host_commands:app", "The host of a machine, which runs its agents"),
        "agent": ("part_commands:agent", "The ready-made agent"),
    },
}


class WholeLines(TyperGroup):
    """A group of commands, each listed with the whole first paragraph of its help."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer's own click
        """Write the list; by default, each line would be cut in the middle of a sentence."""
        found = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        helps = {name: command.help or "" for name, command in found.items() if command}
        with formatter.section("Commands"):
            formatter.write_dl([(name, text.partition("\n\n")[0]) for name, text in helps.items()])


class Sections(TyperGroup):
    """The command as a whole."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - typer's
        super().__init__(**attributes)
        self._places: Final = {
            name: place for commands in SECTIONS.values() for name, (place, _) in commands.items()
        }
        self.commands = {name: TyperCommand(name=name) for name in self._places}
        """Known by name, for typer to list and to guess what was meant; see `get_command`."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - typer's own click
        """Import a command when it is asked for."""
        if (place := self._places.pop(cmd_name, None)) is not None:
            self.commands[cmd_name] = _imported(cmd_name, place)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer's own click
        """Write the sections."""
        del ctx
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, text) for name, (_, text) in commands.items()])
        formatter.write_paragraph()
        formatter.write_text("fleetbus COMMAND --help says more, with an example.")


def _imported(name: str, place: str) -> Any:  # noqa: ANN401 - typer's own click
    """Make the command, or the group, that *place* names."""
    module, _, attribute = place.partition(":")
    found = getattr(import_module(f"coordinator.cli.{module}"), attribute)
    around = typer.Typer(add_completion=False, rich_markup_mode=None)
    if isinstance(found, typer.Typer):
        around.add_typer(found, name=name)
    else:
        around.command(name)(found)
    return typer.main.get_group(around).commands[name]
