"""What a person says about a new fleet, and the plan and settings that follow from it. Pure.

Whatever is said is judged by the plan's own checks, at once, so that nobody hears of a slip in
their first answer after their last.
"""

import json
import re
from dataclasses import dataclass, replace
from typing import Any, Final

from coordinator.plan.load import examine_document
from coordinator.plan.problems import Severity
from protocol.errors import FleetBusError

TLS_PORT: Final = 8883
FIRST_AGENT: Final = "Main"
FIRST_CAPABILITY: Final = "quest"

_MACHINE: Final = re.compile(r"\w[\w .-]{0,62}")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:]+")


class BadAnswer(FleetBusError):
    """Something said about a new fleet that cannot be; it names what would be right."""

    def __init__(self, what: str, value: str, right: str) -> None:
        super().__init__(f"{what} {value!r}: {right}")


@dataclass(frozen=True, slots=True)
class Bot:
    """One agent to be: its name, the machine it lives on, and what it can do."""

    name: str
    machine_id: str
    capabilities: tuple[str, ...] = (FIRST_CAPABILITY,)


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything that is asked."""

    fleet_name: str
    here: str
    """The machine of the coordinator: where `fleetbus up` runs."""
    reached_by: str
    """The name or address by which other machines reach it."""
    bots: tuple[Bot, ...]
    timezone: str = "UTC"

    @property
    def others(self) -> tuple[str, ...]:
        """The machines besides this one, in the order of their agents."""
        machines = dict.fromkeys(bot.machine_id for bot in self.bots)
        return tuple(machine for machine in machines if machine != self.here)

    @property
    def broker(self) -> str:
        """Where other machines find the broker."""
        host = f"[{self.reached_by}]" if ":" in self.reached_by else self.reached_by
        return f"mqtts://{host}:{TLS_PORT}"

    def on(self, machine: str) -> tuple[Bot, ...]:
        """Return the agents of *machine*."""
        return tuple(bot for bot in self.bots if bot.machine_id == machine)

    def plan(self) -> dict[str, Any]:
        """Write the fleet plan."""
        return {
            "fleet_name": self.fleet_name,
            "timezone": self.timezone,
            "agents": [
                {
                    "name": bot.name,
                    "machine_id": bot.machine_id,
                    "mode": bot.capabilities[0],
                    "capabilities": list(bot.capabilities),
                    "auto_start": True,
                }
                for bot in self.bots
            ],
        }

    def settings(self) -> str:
        """Write ``fleetbus.toml``."""
        lines = [
            "# Settings of the `fleetbus` command on this machine. What the fleet should do is in",
            "# config/fleet_plan.json. A flag beats a variable (FLEETBUS_HOST), both beat it.",
            "",
            "# Where the store, the secrets and the logs are kept.",
            'data = ".fleetbus"',
            "",
        ]
        if not self.others:
            lines += [
                "# Only this machine reaches the broker and the control room.",
                'host = "127.0.0.1"',
            ]
            return "\n".join(lines) + "\n"
        lines += [
            "# Other machines reach the broker and the control room, with secrets and TLS only.",
            'host = "0.0.0.0"',
            f"mqtt_port = {TLS_PORT}",
            f"http_hosts = [{json.dumps(self.reached_by)}]",
        ]
        return "\n".join(lines) + "\n"

    def judged(self) -> "Answers":
        """Return these answers if they make a plan, or raise :class:`BadAnswer`."""
        for problem in examine_document(self.plan()).problems:
            if problem.severity is Severity.ERROR:
                hint = f"; {problem.suggestion}" if problem.suggestion else ""
                raise BadAnswer(
                    _WORDS.get(_key(problem.path), _key(problem.path)),
                    str(problem.value),
                    f"{problem.message}{hint}",
                )
        return self

    def called(self, fleet_name: str) -> "Answers":
        """Name the fleet, or raise :class:`BadAnswer`."""
        return replace(self, fleet_name=fleet_name.strip()).judged()

    def in_zone(self, timezone: str) -> "Answers":
        """Set the zone of the plan's hours and days, or raise :class:`BadAnswer`."""
        return replace(self, timezone=timezone.strip()).judged()

    def reached(self, address: str) -> "Answers":
        """Say how other machines reach this one, or raise :class:`BadAnswer`."""
        found = address.strip()
        if not _ADDRESS.fullmatch(found):
            right = "a name or an address alone, such as broker.example.org or 192.0.2.7"
            raise BadAnswer("address", address, right)
        return replace(self, reached_by=found)


_WORDS: Final = {"name": "agent", "fleet_name": "fleet name", "capabilities": "capability"}


def _key(path: str) -> str:
    return re.sub(r"\[\d+\]", "", path).rpartition(".")[2]


def words(text: str) -> tuple[str, ...]:
    """Read words divided by commas or spaces; a repeated word counts once."""
    return tuple(dict.fromkeys(text.replace(",", " ").split()))


def machine(name: str) -> str:
    """Read the name of a machine, or raise :class:`BadAnswer`."""
    found = name.strip()
    if not _MACHINE.fullmatch(found):
        right = "1-63 letters, digits, spaces or _ . -, first a letter or digit"
        raise BadAnswer("machine", name, right)
    return found


def bot(text: str, here: str) -> Bot:
    """Read ``NAME[@MACHINE][:WORD,WORD]``, or raise :class:`BadAnswer`."""
    where, colon, able = text.partition(":")
    name, at, lives_on = where.partition("@")
    capabilities = words(able) if colon else (FIRST_CAPABILITY,)
    if not name.strip() or not capabilities:
        right = "NAME, NAME@MACHINE or NAME@MACHINE:quest,combat"
        raise BadAnswer("agent", text, right)
    return Bot(name.strip(), machine(lives_on) if at else here, capabilities)
