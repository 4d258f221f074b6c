"""What a host is told about itself, checked at birth."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from agent_client.errors import BadSetting
from agent_client.host.restarts import OF_AN_AGENT, Restarts
from agent_client.settings import AgentSettings, BrokerAddress, client_id_of
from protocol.broker_profiles import BROKER_PROFILES, DEFAULT_PROFILE, BrokerProfile
from protocol.messages.base import Label
from protocol.names import host_name

DRAIN_S: Final = 5
"""What a ready-made agent's tasks get to finish in; less than the host's patience."""
_SHORTEST_S: Final = 0.1
_LONGEST_S: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """Everything about one host that does not change while it lives."""

    machine_id: str
    broker: BrokerAddress
    root: str
    profile: BrokerProfile = BROKER_PROFILES[DEFAULT_PROFILE]
    state_dir: Path
    stands_in: bool = False
    interval_s: float = 5.0
    patience_s: float = 8.0
    """How long an agent that is asked to stop may take."""
    restarts: Restarts = OF_AN_AGENT
    """How often what ends is started again, and after which waits."""
    secrets_dir: Path | None = None
    """Where each agent's secret is, as ``NAME.secret``."""
    bus: AgentSettings = field(init=False)
    """As whom the host speaks to the broker."""

    def __post_init__(self) -> None:
        try:
            TypeAdapter(Label).validate_python(self.machine_id)
        except ValidationError:
            raise BadSetting("machine", self.machine_id, "1-128 characters") from None
        for name in ("interval_s", "patience_s"):
            seconds = getattr(self, name)
            if not _SHORTEST_S <= seconds <= _LONGEST_S:
                right = f"seconds from {_SHORTEST_S} to {_LONGEST_S:g}"
                raise BadSetting(name.removesuffix("_s"), seconds, right)
        name = host_name(self.machine_id)
        bus = AgentSettings(
            name=name,
            broker=self.broker,
            root=self.root,
            machine_id=self.machine_id,
            profile=self.profile,
            client_id=client_id_of(name, self.root, self.profile),
        )
        object.__setattr__(self, "bus", bus)

    @property
    def name(self) -> str:
        """The host's name on the bus."""
        return self.bus.name
