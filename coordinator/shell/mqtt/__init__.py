"""MQTT 3.1.1 as the coordinator speaks it: many small messages, taken in and sent by the batch."""

from coordinator.shell.mqtt.link import NOT_GRANTED, Hello, Link
from coordinator.shell.mqtt.refusal import Refused

__all__ = ["NOT_GRANTED", "Hello", "Link", "Refused"]
