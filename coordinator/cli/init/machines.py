"""What is carried to each other machine of a new fleet: its secrets, the authority, and a start.

One folder per machine, in the data directory, which whoever can read could command the fleet
anyway. Who is enrolled already keeps the secret of before: making files anew disconnects nobody.
"""

import getpass
import shutil
from pathlib import Path
from typing import Final

from broker import clock
from broker.certificates import Authority
from broker.credentials.file import CredentialsFile
from broker.credentials.records import Book, fingerprint, new_secret
from coordinator.cli.host_unit import Unit
from coordinator.cli.init.answers import Answers
from coordinator.cli.local_secrets import secret_file, write_secret
from coordinator.cli.up.data import make_directory
from coordinator.settings import CoordinatorSettings
from protocol.access import Role
from protocol.names import host_name
from protocol.topics import DEFAULT_ROOT

THERE: Final = Path("/opt/fleetbus")
"""Where the unit expects the folder on the other machine."""

_README: Final = """\
What the machine {machine} needs to join the fleet. The folder holds secrets: carry it there in a
safe way, and delete it here.

There, with Python 3.11 or newer, in this folder:

  Linux, macOS   python3 -m venv .venv && .venv/bin/pip install fleetbus
                 sh start-host.sh
  Windows        py -m venv .venv
                 .venv\\Scripts\\pip install fleetbus
                 start-host.cmd

To start it with the machine:

  Linux          put the folder at {there}, look through fleetbus-host.service (User=), then:
                 cp fleetbus-host.service /etc/systemd/system/
                 systemctl daemon-reload && systemctl enable --now fleetbus-host
  Windows        let the Task Scheduler run start-host.cmd at logon
"""
_SHELL: Final = """\
#!/bin/sh
# Run the host of {machine}, which starts its agents, until Ctrl-C.
cd "$(dirname "$0")" || exit 1
export FLEETBUS_BROKER="${{FLEETBUS_BROKER:-{broker}}}"
export FLEETBUS_CA_FILE=ca.pem FLEETBUS_PASSWORD_FILE=host.secret
exec "${{PYTHON:-.venv/bin/python}}" -m agent_client.host --machine '{machine}' --secrets secrets
"""
_WINDOWS: Final = """\
@echo off
rem Run the host of {machine}, which starts its agents, until Ctrl-C.
cd /d "%~dp0"
if not defined FLEETBUS_BROKER set FLEETBUS_BROKER={broker}
set FLEETBUS_CA_FILE=ca.pem
set FLEETBUS_PASSWORD_FILE=host.secret
.venv\\Scripts\\python -m agent_client.host --machine "{machine}" --secrets secrets
"""


def prepare(answers: Answers, chosen: CoordinatorSettings) -> list[Path]:
    """Make the certificates and one folder for each other machine; return the folders."""
    make_directory(chosen.data)
    authority = Authority(chosen.certs, clock.now())
    if not (chosen.certs / "server.pem").exists():
        authority.issue_server([answers.reached_by])
    return [_folder(answers, machine, chosen, authority.ca) for machine in answers.others]


def _folder(answers: Answers, machine: str, chosen: CoordinatorSettings, ca: Path) -> Path:
    host = host_name(machine)
    folder = chosen.data / "machines" / host.removeprefix("host-")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    wanted = {host: (Role.HOST, [folder / "host.secret"])}
    for bot in answers.on(machine):
        # Until that machine has joined, this one stands in for it.
        places = [folder / "secrets" / f"{bot.name}.secret", secret_file(chosen, bot.name)]
        wanted[bot.name] = (Role.AGENT, places)
    _enroll(CredentialsFile(chosen.credentials_file), wanted)
    shutil.copyfile(ca, folder / "ca.pem")
    unit = Unit(
        program=(str(THERE / ".venv/bin/python"), "-m", "agent_client.host"),
        broker=answers.broker,
        root=DEFAULT_ROOT,
        user=getpass.getuser(),
        folder=THERE,
        state_dir=THERE / ".fleetbus/host",
        machine=machine,
        secrets=THERE / "secrets",
        password_file=THERE / "host.secret",
        ca_file=THERE / "ca.pem",
    )
    known = {"machine": machine, "broker": answers.broker, "there": THERE}
    for name, text, ending in (
        ("fleetbus-host.service", unit.text(), "\n"),
        ("start-host.sh", _SHELL.format(**known), "\n"),
        ("start-host.cmd", _WINDOWS.format(**known), "\r\n"),
        ("README.txt", _README.format(**known), "\r\n"),
    ):
        (folder / name).write_text(text, encoding="utf-8", newline=ending)
    return folder


def _enroll(file: CredentialsFile, wanted: dict[str, tuple[Role, list[Path]]]) -> None:
    fresh: dict[str, str] = {}

    def decide(book: Book) -> Book:
        for name, (role, _) in wanted.items():
            if name not in book.entries:  # nor one that was revoked
                fresh[name] = new_secret()
                book = book.grant(name, role, fingerprint(fresh[name]))
        return book

    file.change(decide)
    for name, secret in fresh.items():
        for place in wanted[name][1]:
            write_secret(place, secret)
