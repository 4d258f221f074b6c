"""What the broker knows of one client, for as long as MQTT lets the session live."""

from typing import Protocol

from broker.delivery import Link, Outbox
from broker.errors import Malformed
from broker.gate import Gate
from broker.limits import Limits


class Connected(Link, Protocol):
    """A connection, as its session and its successor see it."""

    def end(self, reason: str, *, goodbye: bool = False) -> None:
        """Close the connection; unless its client said goodbye, its will is published."""
        ...


class Session:
    """One client's rights, subscriptions, and messages on their way in and out."""

    __slots__ = ("_unreleased", "clean", "client_id", "connection", "filters", "gate", "outbox")

    def __init__(self, client_id: str, gate: Gate, outbox: Outbox, *, clean: bool) -> None:
        self.client_id = client_id
        self.gate = gate
        self.outbox = outbox
        self.clean = clean
        self.filters: dict[str, int] = {}
        self.connection: Connected | None = None
        self._unreleased: set[int] | None = None  # few clients publish at QoS 2

    def is_new(self, packet_id: int, limits: Limits) -> bool:
        """Take a PUBLISH of QoS 2; say whether it is not a repetition of one already routed."""
        if self._unreleased is None:
            self._unreleased = set()
        if packet_id in self._unreleased:
            return False
        if len(self._unreleased) >= limits.unreleased:
            raise Malformed(f"{limits.unreleased} messages of QoS 2 without their PUBREL")
        self._unreleased.add(packet_id)
        return True

    def release(self, packet_id: int) -> None:
        """Take a PUBREL: the packet id may stand for another message from now on."""
        if self._unreleased:
            self._unreleased.discard(packet_id)
