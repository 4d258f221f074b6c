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
from pathlib import Path
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from agent_client.errors import BadSetting
from protocol.messages.base import Mode

log = logging.getLogger("fleetbus.agent")

Word = Annotated[str, StringConstraints(strict=True, pattern=r"^[^\x00]*$", max_length=4096)]


class CommandConfig(BaseModel):
    """One command line, and where to run it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    exec: Annotated[tuple[Word, ...], Field(min_length=1)]
    cwd: str | None = None
    env: dict[str, Word] = Field(default_factory=dict)


class OwnConfig(BaseModel):
    """What the file says to us; a bot may keep settings of its own beside that."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    handlers: dict[Mode, CommandConfig] = Field(default_factory=dict)


def read(path: str) -> OwnConfig:
    """Read the file at *path*, or raise :class:`BadSetting` with the place of the mistake."""
    try:
        text = Path(path).read_bytes()
        raw = orjson.loads(text) if path.endswith(".json") else tomllib.loads(text.decode())
        config = OwnConfig.model_validate(raw)
    except OSError as error:
        raise BadSetting("config", path, f"a readable file ({error.strerror})") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadSetting("config", path, f"at {place}: {first['msg']}") from None
    except ValueError as error:  # both readers' errors are, and so is broken UTF-8
        raise BadSetting("config", path, f"valid TOML, or JSON if named .json: {error}") from None
    if others := sorted(set(raw) - set(OwnConfig.model_fields)):
        log.info("%s: not for the agent, left alone: %s", path, ", ".join(others))
    return config
