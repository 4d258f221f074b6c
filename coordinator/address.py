"""Where a broker is and as whom to speak to it: ``mqtt://user:password@host:port``, read once.

A password never shows: not in ``str``, not in ``repr``, not in an error.
"""

from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import SplitResult, unquote, urlsplit

DEFAULT_PORT: Final = 1883
MAX_PORT: Final = 65_535


class BadAddress(ValueError):
    """A broker URL that cannot be used."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"{problem}; write it as mqtt://host:port or mqtt://user:password@host:port"
        )


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """One broker, reached over TCP, and the credentials for it if there are any."""

    host: str
    port: int = DEFAULT_PORT
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read *url*, or raise :class:`BadAddress`."""
        parts = urlsplit(url)
        if parts.scheme != "mqtt":
            found = f"the scheme is {parts.scheme!r}" if "://" in url else "it has no scheme"
            raise BadAddress(f"not a broker's URL: {found}, not 'mqtt'")
        if not parts.hostname:
            raise BadAddress("not a broker's URL: it names no host")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise BadAddress("not a broker's URL: there is something after the port")
        return cls(
            host=parts.hostname,
            port=_port(parts),
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"mqtt://{host}:{self.port}"

    @property
    def without_credentials(self) -> Self:
        """The same broker, for somebody else to log in to."""
        return type(self)(self.host, self.port)


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port is None:
        return DEFAULT_PORT
    if not 1 <= port <= MAX_PORT:
        raise BadAddress(f"not a broker's URL: the port must be a number from 1 to {MAX_PORT}")
    return port
