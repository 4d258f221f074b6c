"""What the broker knows of one client, for as long as MQTT lets the session live."""

from typing import Protocol

from broker.delivery import DeliveryNotes, Link
from broker.errors import Malformed
from broker.gate import Gate
from broker.limits import Limits
from broker.outbox import Outbox


class Connected(Link, Protocol):
    """A connection, as its session and its successor see it."""

    def end(self, reason: str, *, goodbye: bool = False) -> None:
        """Close the connection; unless its client said goodbye, its will is published."""
        ...


class SessionNotes(DeliveryNotes, Protocol):
    """Where a session that is kept over a restart notes what has changed."""

    def entered(self, name: str) -> None:
        """Note that the session exists and belongs to *name*."""
        ...

    def forgotten(self) -> None:
        """Note that the session is no more."""
        ...

    def granted(self, pattern: str, qos: int | None) -> None:
        """Note a filter and its QoS, None when it was given back."""
        ...

    def unreleased(self, packet_id: int, *, waits: bool) -> None:
        """Note whether a message of QoS 2 from the client waits for its PUBREL."""
        ...


class Session:
    """One client's rights, subscriptions, and messages on their way in and out."""

    __slots__ = (
        "_unreleased", "clean", "client_id", "connection", "filters", "gate", "notes", "outbox",
    )  # fmt: skip

    def __init__(
        self,
        client_id: str,
        gate: Gate,
        outbox: Outbox,
        *,
        clean: bool,
        notes: SessionNotes | None = None,
    ) -> None:
        self.client_id = client_id
        self.gate = gate
        self.outbox = outbox
        self.clean = clean
        self.notes = notes
        self.filters: dict[str, int] = {}
        self.connection: Connected | None = None
        self._unreleased: set[int] | None = None  # few clients publish at QoS 2

    def resume(self, unreleased: set[int]) -> None:
        """Take up which messages of QoS 2 an earlier session waited for the PUBREL of."""
        self._unreleased = unreleased

    def is_new(self, packet_id: int, limits: Limits) -> bool:
        """Take a PUBLISH of QoS 2; say whether it is not a repetition of one already routed."""
        if self._unreleased is None:
            self._unreleased = set()
        if packet_id in self._unreleased:
            return False
        if len(self._unreleased) >= limits.unreleased:
            raise Malformed(f"{limits.unreleased} messages of QoS 2 without their PUBREL")
        self._unreleased.add(packet_id)
        if self.notes is not None:
            self.notes.unreleased(packet_id, waits=True)
        return True

    def release(self, packet_id: int) -> None:
        """Take a PUBREL: the packet id may stand for another message from now on."""
        if self._unreleased:
            self._unreleased.discard(packet_id)
            if self.notes is not None:
                self.notes.unreleased(packet_id, waits=False)
