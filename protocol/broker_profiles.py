"""What a client of the fleet must know of the kind of broker it is on; see docs/how-to/.

Safety rests on none of it, so a wrong profile makes a fleet slower and not wrong. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

DEFAULT_PROFILE: Final = "embedded"


@dataclass(frozen=True, slots=True)
class BrokerProfile:
    """The defaults are those of a broker that keeps MQTT 3.1.1 to the letter."""

    subscribe_qos: int = 1
    """0 where each subscription at QoS 1 is dear. What an agent must know is said again anyway."""
    suffixes_client_ids: bool = False
    """Whether a client id needs something unguessable, since any user may take any client id."""
    answers_within_s: float = 10.0
    """How long the broker may take to answer a CONNECT and the subscriptions."""


BROKER_PROFILES: Final[Mapping[str, BrokerProfile]] = MappingProxyType(
    {
        DEFAULT_PROFILE: BrokerProfile(),
        "mosquitto": BrokerProfile(),
        "emqx": BrokerProfile(),
        "nats": BrokerProfile(subscribe_qos=0, suffixes_client_ids=True, answers_within_s=15.0),
    }
)
