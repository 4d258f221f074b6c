"""What ``fleetbus up`` starts: each part's command line and environment. Pure.

Every part is a program that can be run by hand as well, with the same words.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from coordinator.cli.local_secrets import files_of
from coordinator.cli.part_commands import broker_arguments
from coordinator.cli.up.restarts import OF_AN_AGENT, OF_THE_CORE, Restarts
from coordinator.plan.schema import AgentPlan, FleetPlan
from coordinator.settings import CoordinatorSettings

DRAIN_S: Final = 5
"""What a ready-made agent's tasks get to finish in; less than the supervisor's patience."""

_CLI: Final = (sys.executable, "-m", "coordinator.cli")


class Kind(StrEnum):
    """What a part is; they are started in this order and stopped in the opposite one."""

    BROKER = "broker"
    COORDINATOR = "coordinator"
    WEB = "web"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Part:
    """One process to be kept running."""

    kind: Kind
    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What people call it."""
        return f"agent {self.name}" if self.kind is Kind.AGENT else self.name

    @property
    def log_name(self) -> str:
        """The name of its log file; an agent may be called ``broker``."""
        return f"agent-{self.name}.log" if self.kind is Kind.AGENT else f"{self.name}.log"

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


def agent_parts(settings: CoordinatorSettings, plan: FleetPlan) -> list[Part]:
    """Make the agents that the plan wants started here."""
    return [_agent_part(settings, plan, agent) for agent in plan.agents if agent.auto_start]


def _agent_part(settings: CoordinatorSettings, plan: FleetPlan, agent: AgentPlan) -> Part:
    # An agent logs in as itself: the coordinator's credentials are not for it.
    broker = str(settings.broker_address.without_credentials)
    environment = {
        "FLEETBUS_AGENT": agent.name,
        "FLEETBUS_BROKER": broker,
        "FLEETBUS_BROKER_PROFILE": settings.broker_profile,
        "FLEETBUS_ROOT": settings.root,
        **files_of(settings, agent.name),
    }
    command = agent.command or _ready_made(settings, plan, agent, broker)
    return Part(Kind.AGENT, agent.name, command, environment)


def _ready_made(
    settings: CoordinatorSettings, plan: FleetPlan, agent: AgentPlan, broker: str
) -> tuple[str, ...]:
    words = [sys.executable, "-m", "agent_client", agent.name]
    for capability in agent.capabilities:
        words += ["--capability", capability]
    options = {
        "--slots": agent.slots,
        "--broker": broker,
        "--root": settings.root,
        "--machine-id": agent.machine_id,
        "--window-id": agent.window_id,
        "--heartbeat": agent.heartbeat_interval or plan.leases.heartbeat,
        "--config": _config_file(agent),
        "--drain": DRAIN_S,
        "--state-dir": settings.data / "agents",
    }
    for option, value in options.items():
        if value:
            words += [option, str(value)]
    return tuple(words)


def _config_file(agent: AgentPlan) -> Path | None:
    """Find the agent's own configuration; a plan for many machines names files of them all."""
    if agent.config_path and Path(agent.config_path).is_file():
        return Path(agent.config_path)
    return None
