"""What has changed since the last write to disk, gathered so that of many changes one is written.

A topic that was retained a hundred times is one row, and a message that came, went and was
acknowledged meanwhile is none. So what waits is bounded by what there is to keep. Pure.
"""

from dataclasses import dataclass, field

from broker.delivery import Delivery, Link
from broker.message import Message


@dataclass(frozen=True, slots=True)
class KeptDelivery:
    """A message for an absent or slow client as it was when it was noted."""

    message: Message
    qos: int
    retain: bool
    packet_id: int
    released: bool


@dataclass(slots=True)
class SessionChanges:
    """The changes of one lasting session, by client id; None stands for what is gone."""

    forgotten: bool = False
    """What was written of this client earlier is void; what stands here came after that."""
    name: str | None = None
    filters: dict[str, int | None] = field(default_factory=dict)
    deliveries: dict[int, KeptDelivery | None] = field(default_factory=dict)
    unreleased: dict[int, bool] = field(default_factory=dict)


@dataclass(slots=True)
class Changes:
    """All changes of one write, and the acknowledgements that wait for it."""

    retained: dict[str, Message | None] = field(default_factory=dict)
    sessions: dict[str, SessionChanges] = field(default_factory=dict)
    answers: list[tuple[Link, bytes]] = field(default_factory=list)

    def of(self, client_id: str) -> SessionChanges:
        """Return the changes of one session, none yet if it is new here."""
        found = self.sessions.get(client_id)
        if found is None:
            found = self.sessions[client_id] = SessionChanges()
        return found

    def forget(self, client_id: str) -> None:
        """Void everything that is known of a session."""
        self.sessions[client_id] = SessionChanges(forgotten=True)


def as_kept(delivery: Delivery) -> KeptDelivery:
    """Note *delivery* as it is now."""
    return KeptDelivery(
        delivery.message, delivery.qos, delivery.retain, delivery.packet_id, delivery.released
    )


def as_delivery(number: int, kept: KeptDelivery) -> Delivery:
    """Make the delivery again that was noted as *kept*."""
    delivery = Delivery(kept.message, kept.qos, retain=kept.retain)
    delivery.number, delivery.packet_id = number, kept.packet_id
    delivery.released = kept.released
    return delivery
