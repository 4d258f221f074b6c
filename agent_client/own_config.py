"""The agent's own configuration file: which command of this machine does the work of which mode.

TOML or JSON, by its suffix::

    [handlers.build]
    exec = ["make", "all"]
    cwd = "/srv/project"

A command only ever comes from here. What a task brings along is data on the command's standard
input; it can choose neither the program nor its arguments.
"""

import logging
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import orjson

from agent_client.errors import BadSetting
from agent_client.fields import Word as Mode
from agent_client.strict import Length, Matches, Mismatch, reader_of

log = logging.getLogger("fleetbus.agent")

Word = Annotated[str, Length(4096), Matches(r"[^\x00]*")]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandConfig:
    """One command line, and where to run it."""

    exec: Annotated[tuple[Word, ...], Length(4096, least=1)]
    cwd: str | None = None
    env: dict[str, Word] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnConfig:
    """What the file says to us; a bot may keep settings of its own beside that."""

    handlers: dict[Mode, CommandConfig] = field(default_factory=dict)


_OURS: Final = "handlers"


def _ours_of(raw: object) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise Mismatch("an object", raw)
    return {key: raw[key] for key in raw if key == _OURS}


def read(path: str) -> OwnConfig:
    """Read the file at *path*, or raise :class:`BadSetting` with the place of the mistake."""
    try:
        text = Path(path).read_bytes()
        raw = orjson.loads(text) if path.endswith(".json") else tomllib.loads(text.decode())
        config: OwnConfig = reader_of(OwnConfig, closed=True)(_ours_of(raw))
    except OSError as error:
        raise BadSetting("config", path, f"a readable file ({error.strerror})") from None
    except Mismatch as mismatch:
        raise BadSetting("config", path, f"at {mismatch}") from None
    except ValueError as error:  # both readers' errors are, and so is broken UTF-8
        raise BadSetting("config", path, f"valid TOML, or JSON if named .json: {error}") from None
    if others := sorted(set(raw) - {_OURS}):
        log.info("%s: not for the agent, left alone: %s", path, ", ".join(others))
    return config
