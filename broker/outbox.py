"""What is on its way to one client: a bounded window in flight, and a bounded queue behind it.

A message leaves at once while the connection takes it and the window has room. Otherwise it
waits, in order. When too much waits, QoS 0 is dropped and counted, and a message of QoS 1 or 2
ends the connection: its client would never catch up, and it will ask for the state anew when it
connects again. What was sent and not acknowledged is sent again, marked as a duplicate, when the
client of a persistent session comes back. What such a session is owed may be noted elsewhere, so
that it outlives the broker.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

from broker.delivery import Delivery, DeliveryNotes, Link
from broker.errors import Malformed
from broker.figures import Figures
from broker.limits import Limits
from broker.message import Message, write_publish
from broker.packets import PUBREL, acknowledgement
from broker.replay import Replay

_LAST_ID: Final = 65535
_EXACTLY_ONCE: Final = 2


class Outbox:
    """Deliveries to one session, whether its client is connected or not."""

    __slots__ = (
        "_figures", "_flying", "_flying_bytes", "_full", "_last_id", "_last_number", "_limits",
        "_link", "_notes", "_queue", "_queue_bytes", "_replaying",
    )  # fmt: skip

    def __init__(
        self, limits: Limits, figures: Figures, notes: DeliveryNotes | None = None
    ) -> None:
        self._limits = limits
        self._figures = figures
        self._link: Link | None = None
        self._flying: dict[int, Delivery] = {}
        self._flying_bytes = 0
        self._queue: deque[Delivery | Replay] | None = None  # most clients never need one
        self._queue_bytes = 0
        self._replaying = 0
        self._last_id = 0
        self._full = False
        self._notes = notes
        self._last_number = 0

    def resume(self, deliveries: Iterable[Delivery]) -> None:
        """Take up what was noted of an earlier outbox of the same session, in its order."""
        for delivery in deliveries:
            self._last_number = max(self._last_number, delivery.number)
            if delivery.packet_id:
                self._last_id = delivery.packet_id
                self._flying[delivery.packet_id] = delivery
                self._flying_bytes += len(delivery.message.payload)
            else:
                self._enqueue(delivery)

    def attach(self, link: Link) -> None:
        """Serve a client that has connected: first again what it did not acknowledge."""
        self._link, self._full = link, False
        for packet_id, delivery in self._flying.items():
            if delivery.released:
                link.write(acknowledgement(PUBREL, packet_id))
            else:
                self._figures.publishes_sent += 1
                link.write(
                    write_publish(
                        delivery.message,
                        delivery.qos,
                        packet_id,
                        retain=delivery.retain,
                        dup=True,
                    )
                )
        self.drain()

    def detach(self) -> None:
        """Keep what comes from now on; QoS 0 is not kept for an absent client."""
        self._link = None

    def offer(self, message: Message, qos: int) -> None:
        """Deliver *message* at *qos* now, later, or, beyond the limits, not."""
        if self._may_leave(qos):
            if qos:
                self._send(Delivery(message, qos, retain=False))
            else:
                self._say(message, retain=False)
        elif self._may_wait(qos):
            self._wait(Delivery(message, qos, retain=False))

    def replay(self, messages: Iterable[Message], granted: int) -> None:
        """Deliver retained *messages* at most at QoS *granted*, all, however many they are.

        They take no room in the queue. To bound what many subscriptions could pile up, a replay
        starts only while what waits, other replays included, is within the queue's limit.
        """
        if self._queue and not self._may_wait(_EXACTLY_ONCE, more=self._replaying):
            return
        replay = Replay(messages, granted)
        if self._notes is not None:  # what a session that is kept is owed must be noted now
            while replay:
                self._wait(replay.take())
        elif replay:
            self._replaying += len(replay)
            self._line_up(replay)
        self.drain()

    def drain(self) -> None:
        """Send what waits, as far as the connection and the window allow."""
        queue = self._queue
        while queue and self._has_room((first := queue[0]).qos):
            if isinstance(first, Replay):
                self._replaying -= 1
                self._send(first.take())
                if not first:
                    queue.popleft()
            else:
                queue.popleft()
                self._queue_bytes -= len(first.message.payload)
                self._send(first)

    def acknowledged(self, packet_id: int) -> None:
        """Take a PUBACK; one for a message unknown is ignored, as of an earlier connection."""
        delivery = self._flying.get(packet_id)
        if delivery is None:
            return
        if delivery.qos == _EXACTLY_ONCE:
            raise Malformed(f"a PUBACK for packet id {packet_id}, which has QoS 2")
        self._land(packet_id, delivery)

    def received(self, packet_id: int) -> bytes:
        """Take a PUBREC and return the PUBREL to send."""
        delivery = self._flying.get(packet_id)
        if delivery is not None:
            if delivery.qos != _EXACTLY_ONCE:
                raise Malformed(f"a PUBREC for packet id {packet_id}, which has QoS 1")
            delivery.released = True
            self._note(delivery)
        return acknowledgement(PUBREL, packet_id)

    def completed(self, packet_id: int) -> None:
        """Take a PUBCOMP."""
        delivery = self._flying.get(packet_id)
        if delivery is None:
            return
        if not delivery.released:
            raise Malformed(f"a PUBCOMP for packet id {packet_id} before its PUBREC")
        self._land(packet_id, delivery)

    def _may_leave(self, qos: int) -> bool:
        return not self._queue and self._has_room(qos)

    def _has_room(self, qos: int) -> bool:
        link = self._link
        if link is None or not link.room:
            return False
        return not qos or (
            len(self._flying) < self._limits.window
            and self._flying_bytes < self._limits.window_bytes
        )

    def _say(self, message: Message, *, retain: bool) -> None:
        """Send *message* at QoS 0, of which nothing is remembered."""
        if self._link is not None:
            self._figures.publishes_sent += 1
            self._link.write(write_publish(message, 0, retain=retain))

    def _send(self, delivery: Delivery) -> None:
        message, qos = delivery.message, delivery.qos
        if not qos:
            self._say(message, retain=delivery.retain)
            return
        if self._link is None:
            raise RuntimeError("a delivery leaves on no connection")
        self._figures.publishes_sent += 1
        packet_id = self._last_id % _LAST_ID + 1
        while packet_id in self._flying:
            packet_id = packet_id % _LAST_ID + 1
        self._last_id = delivery.packet_id = packet_id
        if self._notes is not None:
            self._note(delivery)
        self._flying[packet_id] = delivery
        self._flying_bytes += len(message.payload)
        self._link.write(write_publish(message, qos, packet_id, retain=delivery.retain))

    def _land(self, packet_id: int, delivery: Delivery) -> None:
        del self._flying[packet_id]
        if self._notes is not None:
            self._notes.delivered(delivery)
        self._flying_bytes -= len(delivery.message.payload)

    def _may_wait(self, qos: int, *, more: int = 0) -> bool:
        """Say whether one more may be queued; if not, count it and let a connection feel it."""
        limits, length = self._limits, len(self._queue or ()) + more
        full = length >= limits.queue or self._queue_bytes >= limits.queue_bytes
        if not qos:
            full = full or self._link is None or length >= limits.queue_at_most_once
        if not full:
            return True
        self._figures.publishes_dropped += 1
        if qos and self._link is not None and not self._full:
            self._full = True
            self._figures.slow_consumers += 1
            self._link.end_soon(f"too slow: {length} messages wait for it")
        return False

    def _wait(self, delivery: Delivery) -> None:
        if delivery.qos:
            self._note(delivery)
        self._enqueue(delivery)

    def _note(self, delivery: Delivery) -> None:
        if self._notes is None:
            return
        if not delivery.number:
            self._last_number += 1
            delivery.number = self._last_number
        self._notes.delivering(delivery)

    def _enqueue(self, delivery: Delivery) -> None:
        self._line_up(delivery)
        self._queue_bytes += len(delivery.message.payload)

    def _line_up(self, waiting: Delivery | Replay) -> None:
        if self._queue is None:
            self._queue = deque()
        self._queue.append(waiting)
