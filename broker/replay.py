"""Retained messages on their way to whoever has just subscribed, taken as fast as it reads them.

They wait where they are kept anyway: a replay of ten thousand topics costs a list of them, and the
first of them leave before the last have been looked at.
"""

from collections import deque
from collections.abc import Iterable

from broker.delivery import Delivery
from broker.message import Message


class Replay:
    """What one subscription, at the QoS *granted* to it, is still to be sent."""

    __slots__ = ("_granted", "_waiting", "qos")

    def __init__(self, messages: Iterable[Message], granted: int) -> None:
        self._waiting = waiting = deque(messages)
        self._granted = granted
        self.qos = min(waiting[0].qos, granted) if waiting else 0
        """The QoS of the next message."""

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self) -> Delivery:
        """Take the next message out."""
        waiting = self._waiting
        delivery = Delivery(waiting.popleft(), self.qos, retain=True)
        if waiting:
            self.qos = min(waiting[0].qos, self._granted)
        return delivery
