"""Where a broker is and as whom to speak to it: ``mqtts://user:password@host:port``, read once.

A broker that is a cluster has several servers, separated by commas: ``mqtt://one:1883,two:1883``.
A password never shows: not in ``str``, not in ``repr``, not in an error.
"""

import ssl
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

from protocol.errors import FleetBusError
from protocol.servers import MAX_PORT, Server, read_servers, split_url

__all__ = ["MAX_PORT"]

DEFAULT_PORT: Final = 1883
_PORTS: Final = {"mqtt": DEFAULT_PORT, "mqtts": 8883}


class BadAddress(ValueError):
    """A broker URL that cannot be used."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"{problem}; write it as mqtt://host:port or mqtt://user:password@host:port, "
            "with mqtts:// for TLS and with commas between the servers of a cluster"
        )


class BadTlsFiles(FleetBusError):
    """Certificates that cannot be used."""

    def __init__(self, files: str, error: OSError) -> None:
        super().__init__(
            f"ca_file, cert_file and key_file are {files}; they must be certificates and a key "
            f"in PEM, as `fleetbus certs` makes them: {error}"
        )


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """One broker, reached over TCP, and the credentials for it if there are any."""

    host: str
    port: int = DEFAULT_PORT
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    ca_file: Path | None = None
    """Who must have issued the broker's certificate; None: anyone whom this machine trusts."""
    cert_file: Path | None = None
    key_file: Path | None = None
    more: tuple[Server, ...] = ()
    """Further servers of the same broker."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read *url*, or raise :class:`BadAddress`."""
        parts = split_url(url)
        if parts.scheme not in _PORTS:
            found = f"the scheme is {parts.scheme!r}" if "://" in url else "it has no scheme"
            raise BadAddress(f"not a broker's URL: {found}, not 'mqtt' or 'mqtts'")
        try:
            first, *more = read_servers(parts.servers, _PORTS[parts.scheme])
        except ValueError as error:
            raise BadAddress(f"not a broker's URL: {error}") from None
        if parts.rest.strip("/"):
            raise BadAddress("not a broker's URL: there is something after the port")
        return cls(
            host=first.host,
            port=first.port,
            more=tuple(more),
            username=parts.username,
            password=parts.password,
            tls=parts.scheme == "mqtts",
        )

    def __str__(self) -> str:
        servers = ",".join(str(server) for server in self.servers)
        return f"{'mqtts' if self.tls else 'mqtt'}://{servers}"

    @property
    def servers(self) -> tuple[Server, ...]:
        """All of its servers, in the order in which they are tried."""
        return (Server(self.host, self.port), *self.more)

    def at(self, server: Server) -> Self:
        """Return the same broker, reached at one of its servers only."""
        return replace(self, host=server.host, port=server.port, more=())

    @property
    def without_credentials(self) -> Self:
        """The same broker, for somebody else to log in to."""
        return replace(self, username=None, password=None)

    def tls_context(self) -> ssl.SSLContext:
        """Say whom to trust and who we are; raise :class:`BadTlsFiles` for files of no use."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file is not None:
                context.load_cert_chain(self.cert_file, self.key_file)
        except OSError as error:  # an SSLError is one too
            files = f"{self.ca_file}, {self.cert_file}, {self.key_file}"
            raise BadTlsFiles(files, error) from None
        return context
