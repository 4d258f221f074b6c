"""What an agent is told about itself, checked at birth.

The environment is read here and nowhere else: ``FLEETBUS_BROKER`` and ``FLEETBUS_ROOT``.
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from pydantic import TypeAdapter, ValidationError

from agent_client.errors import BadSetting
from protocol import names
from protocol.errors import BadName
from protocol.messages.base import Capability, Label, Text
from protocol.messages.from_agents import MAX_SLOTS
from protocol.topics import DEFAULT_ROOT, Topics

DEFAULT_BROKER: Final = "mqtt://127.0.0.1:1883"
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_SHORTEST_HEARTBEAT_S: Final = 0.05
_LONGEST_HEARTBEAT_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is, and as whom to speak to it."""

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"

    @classmethod
    def parse(cls, url: str) -> "BrokerAddress":
        """Read ``mqtt://user:password@host:port``, or raise :class:`BadSetting`."""
        right = "a URL like mqtt://host:1883 or mqtts://user:password@host:8883"
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise BadSetting("broker", _without_password(url), right) from None
        if parts.scheme not in _PORTS or not host or parts.path not in {"", "/"}:
            raise BadSetting("broker", _without_password(url), right)
        return cls(
            host=host,
            port=port or _PORTS[parts.scheme],
            tls=parts.scheme == "mqtts",
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
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
    heartbeat_s: float = 10.0
    config_path: str | None = None
    state_dir: Path | None = None
    """Where lock and journal are kept; None means that a crash forgets everything."""
    keepalive_s: int = 20
    subscribe_qos: int = 1
    client_id: str = ""
    """Empty means the agent's name; a broker that cannot bind the two wants a suffix here."""

    def __post_init__(self) -> None:
        try:
            names.agent_name(self.name)
            names.root(self.root)
        except BadName as error:
            raise BadSetting("name or root", f"{self.name}, {self.root}", str(error)) from None
        _check("machine_id", self.machine_id, TypeAdapter(Label), "1-128 characters")
        _check("window_id", self.window_id, TypeAdapter(Label), "1-128 characters")
        for capability in self.capabilities:
            right = "1-63 of a-z 0-9 _ . -, first a letter or digit"
            _check("capabilities", capability, TypeAdapter(Capability), right)
        right = "words of 1-128 characters to texts of at most 1024"
        _check("labels", dict(self.labels), TypeAdapter(dict[Label, Text]), right)
        if not isinstance(self.slots, int) or not 1 <= self.slots <= MAX_SLOTS:
            raise BadSetting("slots", self.slots, f"a number from 1 to {MAX_SLOTS}")
        if not _SHORTEST_HEARTBEAT_S <= self.heartbeat_s <= _LONGEST_HEARTBEAT_S:
            right = f"seconds from {_SHORTEST_HEARTBEAT_S} to {_LONGEST_HEARTBEAT_S}"
            raise BadSetting("heartbeat_s", self.heartbeat_s, right)
        if self.subscribe_qos not in {0, 1}:
            raise BadSetting("subscribe_qos", self.subscribe_qos, "0 or 1, as the broker needs")

    @property
    def topics(self) -> Topics:
        """The topics of the agent's fleet."""
        return Topics(self.root)

    @property
    def username(self) -> str:
        """As whom the agent speaks to the broker."""
        return self.broker.username or self.name


def _check(field_name: str, value: object, kind: TypeAdapter[object], right: str) -> None:
    try:
        kind.validate_python(value)
    except ValidationError:
        raise BadSetting(field_name, value, right) from None


def broker_of(url: str | None) -> BrokerAddress:
    """Take *url*, or what the environment says, or the default."""
    return BrokerAddress.parse(url or os.environ.get("FLEETBUS_BROKER") or DEFAULT_BROKER)


def root_of(root: str | None) -> str:
    """Take *root*, or what the environment says, or the default."""
    return root or os.environ.get("FLEETBUS_ROOT") or DEFAULT_ROOT


def machine_id_of(machine_id: str | None) -> str:
    """Take *machine_id*, or the name of this machine."""
    return machine_id or socket.gethostname() or "unknown"
