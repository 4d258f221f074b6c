"""Where the brokers that the bus runs on differ, each within what MQTT 3.1.1 allows it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.brokers import BrokerAddress, mosquitto_broker, nats_broker, open_broker

_LENIENT = "wildcards within a level are taken for text and select nothing; ours have none"


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
    departs: Mapping[str, str] = field(default_factory=dict)
    """Tests that it is known to fail, by how their names begin, and what that means for a fleet."""
    wavers: Mapping[str, str] = field(default_factory=dict)
    """The same for tests that it fails at times."""


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
        Profile(
            name="nats",
            start=nats_broker,
            overlap_at_highest_qos=False,
            shares_subscriptions=False,
            gives_up_within_s=2.0,
            departs={
                f"test_{test}": meaning
                for test, meaning in (
                    ("a_filter_outside_the_grammar_is_never_granted[nats-a#]", _LENIENT),
                    ("a_filter_outside_the_grammar_is_never_granted[nats-a/b+]", _LENIENT),
                    ("a_filter_outside_the_grammar_is_never_granted[nats-+a/b]", _LENIENT),
                    ("a_filter_outside_the_grammar_is_never_granted[nats-##]", _LENIENT),
                    ("a_shared_subscription", "it is granted and delivers nothing; we use none"),
                    ("a_repeated_qos_2_message", "our own clients use QoS 0 and 1 only"),
                    ("a_wildcard_at_the_first_level", "'#' shows $ topics; ours begin at a root"),
                    (
                        "of_overlapping",
                        "answered late, if at all; ours do not overlap",
                    ),
                    ("a_takeover_publishes", "no will at a takeover; the new boot says it all"),
                    ("a_silent_client", "given up after one keep-alive, not one and a half"),
                )
            },
            wavers={
                "test_an_exchange_half_done": "our own clients use QoS 0 and 1 only",
                "test_what_was_not_acknowledged": "sent again late; seq tells copies",
                "test_a_second_connection_closes_the_first": "a client id that comes back at once "
                "may be kept out for a second; clients try again with growing pauses",
            },
        ),
    )
}
