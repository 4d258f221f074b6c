"""What the embedded broker can be told, checked before anything is opened."""

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from broker.errors import BadSetting
from broker.pace import Pace
from protocol import names
from protocol.topics import DEFAULT_ROOT

MQTT_PORT: Final = 1883
WEBSOCKET_PORT: Final = 9001
PACE: Final = Pace()
_MAX_PORT: Final = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """Where to listen and for which fleet; port 0 lets the system choose a free one."""

    host: str = "127.0.0.1"
    mqtt_port: int = MQTT_PORT
    ws_port: int | None = WEBSOCKET_PORT
    root: str = DEFAULT_ROOT
    secret_file: Path | None = None
    """Where the coordinator's password is."""
    credentials_file: Path | None = None
    """Who is enrolled; None enrolls nobody."""
    require_credentials: bool = False
    """Whether unknown names are refused on the loopback too; elsewhere they always are."""
    insecure_network: bool = False
    """Serve other machines although credentials or TLS are missing; see :mod:`broker.exposure`."""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    """Who must have issued a client's certificate; None asks clients for none."""
    data: Path | None = None
    """The folder where retained messages and lasting sessions outlive the broker; None: nowhere."""
    pace: Pace | None = PACE
    """How fast everyone but the coordinator may speak; None: as fast as they can."""
    connect_within: timedelta = timedelta(seconds=10)
    shutdown_within: timedelta = timedelta(seconds=1.5)
    figures_every: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        names.root(self.root)
        for field, port in (("mqtt_port", self.mqtt_port), ("ws_port", self.ws_port)):
            if port is not None and not 0 <= port <= _MAX_PORT:
                raise BadSetting(field, port, f"a port, 0 to {_MAX_PORT}")
        if self.ws_port and self.ws_port == self.mqtt_port:
            raise BadSetting("ws_port", self.ws_port, "another port than mqtt_port")
        if (self.tls_cert is None) is not (self.tls_key is None):
            raise BadSetting("tls_key", self.tls_key, "set exactly if tls_cert is")
        if self.tls_client_ca is not None and self.tls_cert is None:
            raise BadSetting("tls_client_ca", str(self.tls_client_ca), "set only with tls_cert")
        for field, limit in (
            ("connect_within", self.connect_within),
            ("shutdown_within", self.shutdown_within),
            ("figures_every", self.figures_every),
        ):
            if limit <= timedelta(0):
                raise BadSetting(field, limit, "longer than no time")

        if self.pace is not None and not (self.pace.per_second > 0 and self.pace.burst >= 1):
            raise BadSetting("pace", self.pace, "a positive rate and a burst of at least 1")

    @property
    def is_exposed(self) -> bool:
        """Whether other machines can reach the broker."""
        return not is_loopback(self.host)

    @property
    def is_wildcard(self) -> bool:
        """Whether the host stands for every address of this machine."""
        try:
            return ipaddress.ip_address(self.host).is_unspecified
        except ValueError:
            return False

    @property
    def address(self) -> str:
        """The numeric address to bind.

        ``localhost`` may stand for two addresses, and port 0 would then become two ports.
        """
        return "127.0.0.1" if self.host == "localhost" else self.host


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach *host*; a name other than ``localhost`` may not."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
