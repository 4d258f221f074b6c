"""One message on its way to one client, and what its way leads over: a connection, and notes."""

from typing import Protocol

from broker.message import Message


class Link(Protocol):
    """A connection, as far as deliveries are concerned."""

    @property
    def room(self) -> bool:
        """Whether more should be written now; :meth:`Outbox.drain` is called when it is again."""
        ...

    def write(self, packet: bytes) -> None:
        """Send *packet* after the ones before it."""
        ...

    def end_soon(self, reason: str) -> None:
        """End the connection once the present event has been handled."""
        ...


class Delivery:
    """One message for one client; ``released``: its PUBREC came, PUBREL was sent."""

    __slots__ = ("message", "number", "packet_id", "qos", "released", "retain")

    def __init__(self, message: Message, qos: int, *, retain: bool) -> None:
        self.message = message
        self.qos = qos
        self.retain = retain
        self.released = False
        self.packet_id = 0
        """0 while it waits."""
        self.number = 0
        """Its place in the order of all deliveries of a session that is kept, from 1."""


class DeliveryNotes(Protocol):
    """Where a session that is kept notes what it is owed."""

    def delivering(self, delivery: Delivery) -> None:
        """Note how far *delivery* is."""
        ...

    def delivered(self, delivery: Delivery) -> None:
        """Note that *delivery* is over."""
        ...
