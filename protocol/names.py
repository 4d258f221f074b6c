"""The grammar of names that stand in topics.

Access rules substitute names into topic patterns, so a name that could hold ``/``, ``+``,
``#``, ``$``, a space or NUL would be a hole in every broker's access file.
"""

import re
from typing import Final

from protocol.errors import BadName

RESERVED_AGENTS: Final = frozenset({"coordinator", "observer"})

_AGENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_TASK: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9_-]")
_HOST_PREFIX: Final = "host-"
_ROOT_LEVEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


def agent_name(name: str) -> str:
    """Return *name* if an agent may bear it, or raise :class:`BadName`."""
    if not isinstance(name, str) or not _AGENT.fullmatch(name):
        raise BadName("agent", name, "1-63 of A-Z a-z 0-9 _ -, first a letter or digit")
    if name in RESERVED_AGENTS or name.startswith("coordinator-"):
        raise BadName("agent", name, "reserved for the fleet itself")
    return name


def client_name(name: str) -> str:
    """Return *name* if an operator's client may bear it, or raise :class:`BadName`."""
    if not isinstance(name, str) or not _AGENT.fullmatch(name):
        raise BadName("client", name, "1-63 of A-Z a-z 0-9 _ -, first a letter or digit")
    return name


def host_name(machine_id: str) -> str:
    """Return the name on the bus of the host of the machine *machine_id*.

    It begins with ``host-``, so that an agent may be called as its machine is.
    """
    plain = _NOT_IN_A_NAME.sub("-", machine_id)
    return f"{_HOST_PREFIX}{plain}"[:63]


def task_id(name: str) -> str:
    """Return *name* if a task may bear it as its id, or raise :class:`BadName`."""
    if not isinstance(name, str) or not _TASK.fullmatch(name):
        raise BadName("task", name, "1-80 of A-Z a-z 0-9 _ -, first a letter or digit")
    return name


def root(name: str) -> str:
    """Return *name* if a fleet may have it as the root of its topics, or raise :class:`BadName`."""
    if not isinstance(name, str) or not all(
        _ROOT_LEVEL.fullmatch(part) for part in name.split("/")
    ):
        raise BadName("root", name, "levels of A-Z a-z 0-9 _ - divided by /")
    return name
