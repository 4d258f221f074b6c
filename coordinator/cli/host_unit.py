"""The host of a machine as a service: a systemd unit, and Windows' Task Scheduler. Pure."""

import shlex
from dataclasses import dataclass
from pathlib import Path
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
        """Render the unit of systemd.

        When the host ends, whatever way, systemd ends what it leaves (``KillMode=mixed``), so
        that the next one starts its agents anew.
        """
        files = {"FLEETBUS_PASSWORD_FILE": self.password_file, "FLEETBUS_CA_FILE": self.ca_file}
        environment = [
            f'Environment="{name}={file.absolute()}"' for name, file in files.items() if file
        ]
        lines = [
            "[Unit]",
            "Description=fleetbus host: runs the agents of this machine",
            "Wants=network-online.target",
            "After=network-online.target",
            "",
            "[Service]",
            f"User={self.user}",
            f"WorkingDirectory={self.folder}",
            *environment,
            # A per cent sign begins a word of systemd's own.
            f"ExecStart={self.command_line.replace('%', '%%')}",
            "Restart=always",
            "RestartSec=2",
            "KillMode=mixed",
            f"TimeoutStopSec={STOP_WITHIN_S}",
            "",
            "[Install]",
            "WantedBy=multi-user.target",
        ]
        return "\n".join(lines) + "\n"
