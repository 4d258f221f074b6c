"""The page of the settings: the keys of ``fleetbus.toml`` and the variables of an agent."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from coordinator.settings import ENV_PREFIX, CoordinatorSettings
from tools.reference.markdown import code, table

ROOT: Final = Path(__file__).parent.parent.parent

HEAD = """# Settings

How the parts are set up on one machine. What the fleet should *do* is in the [plan](plan.md).

A flag beats a variable, a variable beats the file, and all beat the default. The file is the one
that `FLEETBUS_CONFIG` names, else `fleetbus.toml` in the working directory, else
`config/fleetbus.toml`. An unknown key is an error that names the nearest one.

## Of the coordinator and the command
"""

OF_AGENTS: Final = {
    "FLEETBUS_AGENT": "the name of an `Agent()` that is given none; a host sets it",
    "FLEETBUS_HEARTBEAT_S": (
        "seconds between two heartbeats, 0.05 to 3600; a host sets what the plan says"
    ),
    "FLEETBUS_BROKER": (
        "the broker, `mqtt://host:port` or `mqtts://host:port`; several servers of one broker with "
        "commas between them"
    ),
    "FLEETBUS_BROKER_PROFILE": "what kind of broker it is: embedded, mosquitto, emqx or nats",
    "FLEETBUS_ROOT": "the first levels of every topic",
    "FLEETBUS_PASSWORD_FILE": "the file that holds the secret; its owner's alone",
    "FLEETBUS_CA_FILE": "who must have issued the broker's certificate",
    "FLEETBUS_CERT_FILE": "the certificate to show to the broker",
    "FLEETBUS_KEY_FILE": "the key of that certificate",
    "FLEETBUS_TOKEN": "the one-time token, for `python -m agent_client.enrolment NAME`",
    "FLEETBUS_BOOT_FILE": "set by a host: the file whose name is this process's boot",
}
"""What the library reads; a variable that is not described here fails the page."""
OF_COMMANDS: Final = {
    "FLEETBUS_TASK": "the task's id",
    "FLEETBUS_FENCE": "the number of this assignment",
    "FLEETBUS_NAME": "the task's name",
    "FLEETBUS_MODE": "the task's mode",
}
"""What the command of a task finds in its environment."""


def page() -> str:
    """Return the page; raise ``LookupError`` if a key or a variable is not described."""
    return "\n".join(
        [
            HEAD,
            table(("key", "variable", "default", "meaning"), _rows()),
            "## Of an agent, a host, or a bot that embeds `agent_client`\n",
            "The environment is read when the agent is made; arguments beat it.\n",
            table(("variable", "meaning"), [(code(k), v) for k, v in OF_AGENTS.items()]),
            "## Of a command that an agent runs for a task\n",
            table(("variable", "meaning"), [(code(k), v) for k, v in OF_COMMANDS.items()]),
        ]
    )


def _rows() -> Iterator[tuple[str, str, str, str]]:
    said = _said()
    for name, field in CoordinatorSettings.model_fields.items():
        if name not in said:
            raise LookupError(f"config/fleetbus.toml does not have {name}")
        yield code(name), code(ENV_PREFIX + name.upper()), _shown(field.default), said[name]


def _shown(default: object) -> str:
    if default is None or default == ():
        return ""
    return code(str(default).lower() if isinstance(default, bool) else str(default))


def _said() -> dict[str, str]:
    """Return what the shipped file says above each key; one without a word has its neighbour's."""
    found: dict[str, str] = {}
    words: list[str] = []
    last = ""
    for line in (ROOT / "config" / "fleetbus.toml").read_text("utf-8").splitlines():
        key = re.match(r"(?:# )?([a-z_]+) = ", line)
        if key and _is_toml(line.removeprefix("# ")):
            last = " ".join(words) or last
            found[key[1]] = last
            words = []
        elif line.startswith("# "):
            words.append(line[2:])
        else:
            words = []
    return found


def _is_toml(line: str) -> bool:
    try:
        return bool(tomllib.loads(line))
    except tomllib.TOMLDecodeError:
        return False


def undescribed() -> set[str]:
    """Name the variables that the agent's code reads or sets and no table describes."""
    texts = [file.read_text("utf-8") for file in (ROOT / "agent_client").rglob("*.py")]
    used = {name for text in texts for name in re.findall(r"FLEETBUS_[A-Z_]+[A-Z]", text)}
    return used - OF_AGENTS.keys() - OF_COMMANDS.keys()
