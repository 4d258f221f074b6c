"""The list of commands in `fleetbus --help`: in sections, each command on one line.

What stands here is shorter than a command's own help; `fleetbus COMMAND --help` has the rest.
"""

from collections.abc import Mapping
from typing import Any, Final

from typer.core import TyperGroup

SECTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "Begin": {
        "init": "Begin a fleet: write its plan and settings",
        "up": "Start everything on this machine, until Ctrl-C",
    },
    "Try": {
        "doctor": "Find out what the broker really does",
        "conformance": "Find out whether an agent of any language keeps the rules",
    },
    "Look": {
        "watch": "See the fleet live",
        "summary": "The fleet in numbers",
        "why": "What holds the fleet back",
        "agents": "List agents; start, stop, cordon and drain them",
        "hosts": "List machines and what runs on them",
        "tasks": "List tasks, waiting ones too",
        "alerts": "List alerts, and try where they are sent",
        "report": "What the fleet did: use, waits, failures",
    },
    "Act": {
        "task": "Add a task, look at it, steer it, ask why it waits",
        "fleet": "Pause the whole fleet, hold a limit",
        "plan": "Check, compare, preview and apply the fleet plan",
    },
    "Let in": {
        "enroll": "Let a name in, with a one-time token",
        "rotate": "Give a name a new secret",
        "revoke": "Shut a name out",
        "enrolled": "List who is let in",
        "certs": "Make certificates for TLS",
        "token": "Make, list and revoke tokens for the HTTP API",
    },
    "Keep": {
        "backup": "Copy the store",
        "restore": "Go back to a copy",
        "export": "Write the fleet as one JSON document",
        "import": "Bring such a document in",
    },
    "Run one part by itself": {
        "broker": "The MQTT broker; and the files of other brokers",
        "coordinator": "The coordinator",
        "web": "The control room: HTTP API and dashboard",
        "host": "The host of a machine, which runs its agents",
        "agent": "The ready-made agent",
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

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer's own click
        """Write the sections; a command of none of them is a mistake that a test finds."""
        del ctx
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(list(commands.items()))
        formatter.write_paragraph()
        formatter.write_text("fleetbus COMMAND --help says more, with an example.")
