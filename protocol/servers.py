"""The servers that a broker's URL names: ``mqtt://user@first:1883,second:1883``, tried in turn.

They are one broker: the nodes of a cluster, or an old and a new address. User and TLS are the same
for all of them. Pure.
"""

import re
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

MAX_PORT: Final = 65_535


class Server(NamedTuple):
    """Where one of them listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class BrokerUrl(NamedTuple):
    """The parts of a broker's URL, none of them checked."""

    scheme: str
    username: str | None
    password: str | None
    servers: str
    rest: str
    """What follows the servers."""


def split_url(url: str) -> BrokerUrl:
    """Cut *url* into its parts; without ``://`` there is no scheme.

    :func:`urllib.parse.urlsplit` knows one server only: of several, newer versions of Python refuse
    an IPv6 address that is not the first.
    """
    scheme, found, after = url.partition("://")
    if not found:
        scheme, after = "", url
    authority = re.split("[/?#]", after, maxsplit=1)[0]
    user, _, servers = authority.rpartition("@")
    username, _, password = user.partition(":")
    return BrokerUrl(
        scheme=scheme.lower(),
        username=unquote(username) or None,
        password=unquote(password) or None,
        servers=servers,
        rest=after[len(authority) :],
    )


def read_servers(servers: str, default_port: int) -> tuple[Server, ...]:
    """Read hosts and ports between commas; raise ``ValueError`` saying what is wrong."""
    return tuple(_read(one, default_port) for one in servers.split(","))


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
