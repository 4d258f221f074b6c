"""The servers that a broker's URL names: ``mqtt://user@first:1883,second:1883``, tried in turn.

They are one broker: the nodes of a cluster, or an old and a new address. User and TLS are the same
for all of them. Pure.
"""

from typing import Final, NamedTuple
from urllib.parse import urlsplit

MAX_PORT: Final = 65_535


class Server(NamedTuple):
    """Where one of them listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_servers(netloc: str, default_port: int) -> tuple[Server, ...]:
    """Read what stands between ``//`` and the path; raise ``ValueError`` saying what is wrong."""
    return tuple(_read(one, default_port) for one in netloc.rpartition("@")[2].split(","))


def _read(text: str, default_port: int) -> Server:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, default_port if parts.port is None else parts.port
    except ValueError:  # not a number, or beyond what a port can be
        host, port = text, 0
    if not 1 <= port <= MAX_PORT:
        raise ValueError(f"the port must be a number from 1 to {MAX_PORT}")
    if not host or any(character.isspace() for character in host):
        raise ValueError("it names no host")
    return Server(host, port)
