"""What an agent is told about itself, checked at birth.

The environment is read here and nowhere else: ``FLEETBUS_AGENT``, ``FLEETBUS_HEARTBEAT_S``,
``FLEETBUS_BROKER``, ``FLEETBUS_BROKER_PROFILE`` and ``FLEETBUS_ROOT``, and, for the broker,
``FLEETBUS_PASSWORD_FILE`` (its owner's alone), ``FLEETBUS_CA_FILE``, ``FLEETBUS_CERT_FILE`` and
``FLEETBUS_KEY_FILE``.
"""

import math
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from agent_client.errors import BadSetting
from agent_client.fields import Label, Text, Word
from agent_client.strict import Mismatch, reader_of
from protocol import names
from protocol.broker_profiles import BROKER_PROFILES, DEFAULT_PROFILE, BrokerProfile
from protocol.errors import BadName
from protocol.limits import MAX_SLOTS
from protocol.servers import Server, read_servers, split_url
from protocol.topics import DEFAULT_ROOT, Topics

if TYPE_CHECKING:
    import ssl

DEFAULT_BROKER: Final = "mqtt://127.0.0.1:1883"
DEFAULT_HEARTBEAT_S: Final = 10.0
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_SHORTEST_HEARTBEAT_S: Final = 0.05
_LONGEST_HEARTBEAT_S: Final = 3600.0
_RIGHT_HEARTBEAT: Final = f"seconds from {_SHORTEST_HEARTBEAT_S} to {_LONGEST_HEARTBEAT_S}"


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is, and as whom to speak to it."""

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    """Who must have issued the broker's certificate; None: anyone whom this machine trusts."""
    cert_file: Path | None = None
    key_file: Path | None = None
    more: tuple[Server, ...] = ()
    """Further servers of the same broker, a cluster's for instance."""

    def __post_init__(self) -> None:
        if (self.cert_file is None) is not (self.key_file is None):
            raise BadSetting("key_file", self.key_file, "set exactly if cert_file is")
        if self.ca_file and not self.tls:
            raise BadSetting("ca_file", str(self.ca_file), "only with a broker at mqtts://")

    def __str__(self) -> str:
        servers = ",".join(str(server) for server in self.servers)
        return f"{'mqtts' if self.tls else 'mqtt'}://{servers}"

    @property
    def servers(self) -> tuple[Server, ...]:
        """All of its servers, in the order in which they are tried."""
        return (Server(self.host, self.port), *self.more)

    def at(self, server: Server) -> "BrokerAddress":
        """Return the same broker, reached at one of its servers only."""
        return replace(self, host=server.host, port=server.port, more=())

    def tls_context(self) -> "ssl.SSLContext":
        """Say whom to trust and who we are; raise :class:`BadSetting` for files of no use."""
        import ssl  # noqa: PLC0415 - without TLS, a bot is spared 4 MiB

        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file is not None:
                context.load_cert_chain(self.cert_file, self.key_file)
        except OSError as error:  # an SSLError is one too
            files = f"{self.ca_file}, {self.cert_file}, {self.key_file}"
            right = f"certificates and a key in PEM: {error}"
            raise BadSetting("ca_file, cert_file, key_file", files, right) from None
        return context

    @classmethod
    def parse(cls, url: str) -> "BrokerAddress":
        """Read ``mqtt://user:password@host:port``, or raise :class:`BadSetting`.

        A cluster has several servers: ``mqtt://one:1883,two:1883``.
        """
        right = (
            "a URL like mqtt://host:1883 or mqtts://user:password@host:8883, "
            "with commas between the servers of a cluster"
        )
        try:
            parts = split_url(url)
            first, *more = read_servers(parts.servers, _PORTS.get(parts.scheme, 0))
        except ValueError:
            raise BadSetting("broker", _without_password(url), right) from None
        if parts.scheme not in _PORTS or parts.rest not in {"", "/"}:
            raise BadSetting("broker", _without_password(url), right)
        return cls(
            host=first.host,
            port=first.port,
            more=tuple(more),
            tls=parts.scheme == "mqtts",
            username=parts.username,
            password=parts.password,
        )


def _without_password(url: str) -> str:
    return url if "@" not in url else "...@" + url.rpartition("@")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """Everything about one agent that does not change while it lives."""

    name: str
    broker: BrokerAddress
    root: str = DEFAULT_ROOT
    machine_id: str = ""
    window_id: str = "default"
    capabilities: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    slots: int = 1
    heartbeat_s: float = DEFAULT_HEARTBEAT_S
    config_path: str | None = None
    state_dir: Path | None = None
    """Where lock and journal are kept; None means that a crash forgets everything."""
    keepalive_s: int = 20
    profile: BrokerProfile = BROKER_PROFILES[DEFAULT_PROFILE]
    client_id: str = ""
    """Empty means the agent's name; a broker that cannot bind the two wants a suffix here."""

    def __post_init__(self) -> None:
        try:
            names.agent_name(self.name)
            names.root(self.root)
        except BadName as error:
            raise BadSetting("name or root", f"{self.name}, {self.root}", str(error)) from None
        _check("machine_id", self.machine_id, Label, "1-128 characters")
        _check("window_id", self.window_id, Label, "1-128 characters")
        for capability in self.capabilities:
            right = "1-63 of a-z 0-9 _ . -, first a letter or digit"
            _check("capabilities", capability, Word, right)
        right = "words of 1-128 characters to texts of at most 1024"
        _check("labels", dict(self.labels), dict[Label, Text], right)
        if not isinstance(self.slots, int) or not 1 <= self.slots <= MAX_SLOTS:
            raise BadSetting("slots", self.slots, f"a number from 1 to {MAX_SLOTS}")
        if not _is_heartbeat(self.heartbeat_s):
            raise BadSetting("heartbeat_s", self.heartbeat_s, _RIGHT_HEARTBEAT)

    @property
    def topics(self) -> Topics:
        """The topics of the agent's fleet."""
        return Topics(self.root)

    @property
    def username(self) -> str:
        """As whom the agent speaks to the broker."""
        return self.broker.username or self.name


def _check(field_name: str, value: object, kind: Any, right: str) -> None:  # noqa: ANN401 - any type
    try:
        reader_of(kind)(value)
    except Mismatch:
        raise BadSetting(field_name, value, right) from None


def _is_heartbeat(seconds: float) -> bool:
    return _SHORTEST_HEARTBEAT_S <= seconds <= _LONGEST_HEARTBEAT_S


def name_of(name: str | None) -> str:
    """Take *name*, or what the environment says; an agent without a name cannot be."""
    if name is not None:
        return name
    found = os.environ.get("FLEETBUS_AGENT")
    if not found:
        right = 'the agent\'s name, as in Agent("bot-1"), or else in the variable FLEETBUS_AGENT'
        raise BadSetting("name", name, right)
    try:
        names.agent_name(found)
    except BadName as error:
        raise BadSetting("FLEETBUS_AGENT", found, str(error)) from None
    return found


def heartbeat_of(seconds: float | None) -> float:
    """Take *seconds*, or what the environment says, or the default."""
    if seconds is not None:
        return seconds
    found = os.environ.get("FLEETBUS_HEARTBEAT_S")
    if not found:
        return DEFAULT_HEARTBEAT_S
    try:
        read = float(found)
    except ValueError:
        read = math.nan
    if not _is_heartbeat(read):
        raise BadSetting("FLEETBUS_HEARTBEAT_S", found, _RIGHT_HEARTBEAT)
    return read


def profile_of(name: str | None) -> BrokerProfile:
    """Take the profile *name*, or what the environment says, or the default."""
    name = name or os.environ.get("FLEETBUS_BROKER_PROFILE") or DEFAULT_PROFILE
    if name not in BROKER_PROFILES:
        raise BadSetting("broker_profile", name, f"one of {', '.join(BROKER_PROFILES)}")
    return BROKER_PROFILES[name]


def client_id_of(name: str, root: str, profile: BrokerProfile) -> str:
    """Make the client id of *name* in the fleet of *root*.

    A broker has one connection for each, and fleets that share a broker may have agents of one
    name. Where a client id is not bound to a name, nobody may guess it.
    """
    if profile.suffixes_client_ids:
        return f"{name}-{os.urandom(6).hex()}"
    return name if root == DEFAULT_ROOT else f"{root}/{name}"


def broker_of(url: str | None) -> BrokerAddress:
    """Take *url*, or what the environment says, or the default."""
    address = BrokerAddress.parse(url or os.environ.get("FLEETBUS_BROKER") or DEFAULT_BROKER)
    secret = None if address.password else _path("FLEETBUS_PASSWORD_FILE")
    found = replace(
        address,
        password=read_secret(secret) if secret else address.password,
        ca_file=_path("FLEETBUS_CA_FILE") if address.tls else None,
        cert_file=_path("FLEETBUS_CERT_FILE") if address.tls else None,
        key_file=_path("FLEETBUS_KEY_FILE") if address.tls else None,
    )
    if found.tls:
        found.tls_context()  # what is wrong with the files is said now
    return found


def read_secret(file: Path) -> str:
    """Read a secret that only its owner may read, or raise :class:`BadSetting`."""
    try:
        if os.name == "posix" and file.stat().st_mode & 0o077:
            right = f"its owner's alone, but others may read it: chmod 600 {file}"
            raise BadSetting("password_file", str(file), right)
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting("password_file", str(file), f"a readable file: {error}") from None


def _path(variable: str) -> Path | None:
    found = os.environ.get(variable)
    return Path(found) if found else None


def root_of(root: str | None) -> str:
    """Take *root*, or what the environment says, or the default."""
    return root or os.environ.get("FLEETBUS_ROOT") or DEFAULT_ROOT


def machine_id_of(machine_id: str | None) -> str:
    """Take *machine_id*, or the name of this machine."""
    return machine_id or socket.gethostname() or "unknown"
