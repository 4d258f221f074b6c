"""Where the brokers that the bus runs on differ, each within what MQTT 3.1.1 allows it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tests.support.brokers import BrokerAddress, mosquitto_broker, open_broker


@dataclass(frozen=True)
class Profile:
    """How one broker, open to everyone, is started and what it does where there is a choice."""

    name: str
    start: Callable[[Path], AbstractContextManager[BrokerAddress]]
    overlap_at_highest_qos: bool
    """Of overlapping subscriptions, one message at the highest QoS is delivered."""
    shares_subscriptions: bool
    """``$share/`` is served, although it is no part of MQTT 3.1.1."""
    gives_up_within_s: float
    """How long a client with a keep-alive of one second may be silent; MQTT 3.1.1 wants 1.5 s."""


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            name="embedded",
            start=open_broker,
            overlap_at_highest_qos=True,
            shares_subscriptions=False,
            gives_up_within_s=2.0,
        ),
        Profile(
            name="mosquitto",
            start=mosquitto_broker,
            overlap_at_highest_qos=False,
            shares_subscriptions=True,
            gives_up_within_s=12.0,  # it looks every few seconds
        ),
    )
}
