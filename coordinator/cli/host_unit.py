"""The host of a machine as a service: a systemd unit, and Windows' Task Scheduler. Pure."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

STOP_WITHIN_S: Final = 30

TASK_SCHEDULER: Final = """\
Run this once in a PowerShell of an administrator; it starts the host with the machine:

  $action  = New-ScheduledTaskAction -Execute 'cmd.exe' -Argument '/c {command}'
  $trigger = New-ScheduledTaskTrigger -AtStartup
  $minute  = New-TimeSpan -Minutes 1
  $always  = New-ScheduledTaskSettingsSet -RestartCount 999 -RestartInterval $minute `
             -ExecutionTimeLimit 0
  Register-ScheduledTask -TaskName 'fleetbus-host' -Action $action -Trigger $trigger `
             -Settings $always -User $env:USERNAME

A bot that steers windows needs a desktop: use -AtLogOn instead of -AtStartup then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What a service of a host is made of."""

    program: tuple[str, ...]
    broker: str
    root: str
    user: str
    folder: Path
    """Where it works; the plan's relative paths start here."""
    state_dir: Path
    machine: str | None = None
    secrets: Path | None = None
    password_file: Path | None = None
    ca_file: Path | None = None

    @property
    def command_line(self) -> str:
        """The command that runs the host."""
        words = [*self.program, "--broker", self.broker, "--root", self.root]
        options = {
            "--state-dir": self.state_dir,
            "--machine": self.machine,
            "--secrets": self.secrets,
        }
        for option, value in options.items():
            if value is not None:
                words += [option, str(value)]
        return shlex.join(words)

    def text(self) -> str:
        """Render the unit of systemd."""
        files = {"FLEETBUS_PASSWORD_FILE": self.password_file, "FLEETBUS_CA_FILE": self.ca_file}
        return service_text(
            description="fleetbus host: runs the agents of this machine",
            command_line=self.command_line,
            user=self.user,
            folder=self.folder,
            environment={name: str(file.absolute()) for name, file in files.items() if file},
        )


def service_text(
    *,
    description: str,
    command_line: str,
    user: str,
    folder: Path,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Render a unit of systemd for what runs agents.

    When it ends, whatever way, systemd ends what it leaves (``KillMode=mixed``), so that the next
    one starts its agents anew.
    """
    lines = [
        "[Unit]",
        f"Description={description}",
        "Wants=network-online.target",
        "After=network-online.target",
        "",
        "[Service]",
        f"User={user}",
        f"WorkingDirectory={folder}",
        *(f'Environment="{name}={value}"' for name, value in environment.items()),
        # A per cent sign begins a word of systemd's own.
        f"ExecStart={command_line.replace('%', '%%')}",
        "Restart=always",
        "RestartSec=2",
        "KillMode=mixed",
        f"TimeoutStopSec={STOP_WITHIN_S}",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return "\n".join(lines) + "\n"
