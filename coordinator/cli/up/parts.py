"""What ``fleetbus up`` starts: each part's command line and environment. Pure.

Every part is a program that can be run by hand as well, with the same words.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from agent_client.host.restarts import OF_AN_AGENT, OF_THE_CORE, Restarts
from agent_client.settings import machine_id_of
from coordinator.cli.local_secrets import files_of
from coordinator.cli.part_commands import broker_arguments
from coordinator.settings import CoordinatorSettings
from protocol.names import host_name

AGENTS_PATIENCE_S: Final = 5.5
"""How long agents may take to finish; less than the supervisor's patience with their host."""

_CLI: Final = (sys.executable, "-m", "coordinator.cli")


class Kind(StrEnum):
    """What a part is; they are started in this order and stopped in the opposite one."""

    BROKER = "broker"
    COORDINATOR = "coordinator"
    WEB = "web"
    HOST = "host"
    """Of this machine: it runs the agents."""


@dataclass(frozen=True, slots=True)
class Part:
    """One process to be kept running."""

    kind: Kind
    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def log_name(self) -> str:
        """The name of its log file."""
        return f"{self.name}.log"

    @property
    def is_essential(self) -> bool:
        """Whether the fleet is nothing without it."""
        return self.kind in {Kind.BROKER, Kind.COORDINATOR}

    @property
    def restarts(self) -> Restarts:
        """How often it is started again when it ends."""
        return OF_THE_CORE if self.is_essential else OF_AN_AGENT


def broker_part(settings: CoordinatorSettings) -> Part:
    """Make the embedded broker."""
    command = (sys.executable, "-m", "broker", *broker_arguments(settings))
    return Part(Kind.BROKER, "broker", command)


def coordinator_part(settings: CoordinatorSettings) -> Part:
    """Make the coordinator; a password goes through its environment, which ``ps`` does not show."""
    command = (
        *_CLI,
        "coordinator",
        *("--plan", str(settings.plan_file)),
        *("--data", str(settings.data)),
        *("--host", settings.host),
        *("--mqtt-port", str(settings.mqtt_port)),
        *("--http-port", str(settings.http_port)),
        *("--root", settings.root),
    )
    environment = {} if settings.broker is None else {"FLEETBUS_BROKER": settings.broker}
    return Part(Kind.COORDINATOR, "coordinator", command, environment)


def web_part(settings: CoordinatorSettings) -> Part:
    """Make the control room; secrets go through its environment, as the coordinator's do."""
    command = (
        *_CLI,
        "web",
        *("--data", str(settings.data)),
        *("--host", settings.host),
        *("--http-port", str(settings.http_port)),
        *("--mqtt-port", str(settings.mqtt_port)),
        *("--root", settings.root),
    )
    environment = {} if settings.broker is None else {"FLEETBUS_BROKER": settings.broker}
    if settings.store is not None:
        environment["FLEETBUS_STORE"] = settings.store
    return Part(Kind.WEB, "web", command, environment)


def host_part(settings: CoordinatorSettings) -> Part:
    """Make the host of this machine, which stands in for those that have none of their own."""
    machine = machine_id_of(None)
    command = (
        *(sys.executable, "-m", "agent_client.host"),
        *("--machine", machine, "--stand-in"),
        # A host logs in as itself: the coordinator's credentials are not for it.
        *("--broker", str(settings.broker_address.without_credentials)),
        *("--root", settings.root),
        *("--state-dir", str(settings.data)),
        *("--secrets", str(settings.data / "secrets")),
        *("--patience", str(AGENTS_PATIENCE_S)),
        *("--interval", "2"),
    )
    environment = {
        "FLEETBUS_BROKER_PROFILE": settings.broker_profile,
        **files_of(settings, host_name(machine)),
    }
    return Part(Kind.HOST, "host", command, environment)
