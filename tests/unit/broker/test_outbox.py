"""One client's outbox, with a connection made by hand."""

import pytest

from broker.delivery import Delivery
from broker.errors import Malformed
from broker.figures import Figures
from broker.limits import Limits
from broker.message import Message
from broker.outbox import Outbox
from tests.support.wire import PUBLISH, PUBREL, Delivered, Packet, acknowledge


class FakeLink:
    """Remembers what is written, and has room while it is told so."""

    def __init__(self) -> None:
        self.room = True
        self.packets: list[bytes] = []
        self.ended: list[str] = []

    def write(self, packet: bytes) -> None:
        self.packets.append(packet)

    def end_soon(self, reason: str) -> None:
        self.ended.append(reason)

    def taken(self) -> list[Delivered]:
        """Return what was delivered since the last time."""
        packets, self.packets = self.packets, []
        return [Delivered.of(Packet(p[0], p[2:])) for p in packets if p[0] & 0xF0 == PUBLISH]


class FakeNotes:
    """Remembers what is owed, by its number."""

    def __init__(self) -> None:
        self.owed: dict[int, bytes] = {}

    def delivering(self, delivery: Delivery) -> None:
        self.owed[delivery.number] = delivery.message.payload

    def delivered(self, delivery: Delivery) -> None:
        del self.owed[delivery.number]


LIMITS = Limits(window=3, queue=5, queue_at_most_once=2, queue_bytes=1000, window_bytes=1000)


def message(payload: bytes = b"said", qos: int = 2) -> Message:
    return Message("a", payload, qos, retain=False)


def connected(limits: Limits = LIMITS) -> tuple[Outbox, FakeLink, Figures]:
    figures = Figures()
    outbox, link = Outbox(limits, figures), FakeLink()
    outbox.attach(link)
    return outbox, link, figures


def test_a_window_leaves_at_once_and_the_rest_in_order_as_it_is_acknowledged() -> None:
    outbox, link, _ = connected()
    for n in range(6):
        outbox.offer(message(b"%d" % n), 1)
    assert [m.packet_id for m in link.taken()] == [1, 2, 3]
    outbox.acknowledged(2)
    outbox.drain()
    assert [(m.packet_id, m.payload) for m in link.taken()] == [(4, b"3")]
    for packet_id in (1, 3):
        outbox.acknowledged(packet_id)
    outbox.drain()
    assert [m.payload for m in link.taken()] == [b"4", b"5"]


def test_the_window_is_bounded_in_bytes_too() -> None:
    outbox, link, _ = connected()
    for _ in range(3):
        outbox.offer(message(bytes(600)), 1)
    assert len(link.taken()) == 2
    outbox.acknowledged(1)
    outbox.drain()
    assert len(link.taken()) == 1


def test_a_queue_too_long_ends_the_connection_once_and_counts_what_is_lost() -> None:
    outbox, link, figures = connected()
    for _ in range(3 + 5 + 2):
        outbox.offer(message(), 1)
    assert len(link.ended) == 1
    assert (figures.slow_consumers, figures.publishes_dropped) == (1, 2)


def test_a_queue_too_heavy_ends_the_connection() -> None:
    outbox, link, _ = connected()
    link.room = False
    outbox.offer(message(bytes(1000)), 1)
    assert link.ended == []
    outbox.offer(message(), 1)
    assert len(link.ended) == 1


def test_qos_0_waits_a_little_and_is_then_dropped_without_harm() -> None:
    outbox, link, figures = connected()
    link.room = False
    for n in range(5):
        outbox.offer(message(b"%d" % n), 0)
    assert (link.packets, link.ended, figures.publishes_dropped) == ([], [], 3)
    link.room = True
    outbox.drain()
    assert [m.payload for m in link.taken()] == [b"0", b"1"]


def test_qos_0_does_not_need_the_window() -> None:
    outbox, link, _ = connected()
    for _ in range(3):
        outbox.offer(message(), 1)
    outbox.offer(message(b"now"), 0)
    assert link.taken()[-1].payload == b"now"


def test_nothing_overtakes_what_waits() -> None:
    outbox, link, _ = connected()
    link.room = False
    outbox.offer(message(b"first"), 1)
    link.room = True
    outbox.offer(message(b"second"), 1)
    outbox.drain()
    assert [m.payload for m in link.taken()] == [b"first", b"second"]


def test_a_replay_is_complete_however_long_it_is() -> None:
    outbox, link, figures = connected()
    outbox.replay((message(b"%d" % n, qos=n % 2) for n in range(40)), 2)
    got: list[Delivered] = []
    while fresh := link.taken():
        got += fresh
        for one in fresh:
            if one.qos:
                outbox.acknowledged(one.packet_id)
        outbox.drain()
    assert [m.payload for m in got] == [b"%d" % n for n in range(40)]
    assert [m.qos for m in got] == [n % 2 for n in range(40)]
    assert all(m.retain for m in got)
    assert (figures.publishes_dropped, link.ended) == (0, [])


def test_what_is_said_during_a_replay_follows_it_and_finds_the_queue_empty() -> None:
    outbox, link, figures = connected()
    outbox.replay((message(b"kept") for _ in range(20)), 1)
    for n in range(5):
        outbox.offer(message(b"%d" % n), n % 2)
    got: list[bytes] = []
    while fresh := link.taken():
        got += [m.payload for m in fresh]
        for one in fresh:
            outbox.acknowledged(one.packet_id)
        outbox.drain()
    # Beyond a queue of two, those of QoS 0 are dropped as ever.
    assert got == [b"kept"] * 20 + [b"0", b"1", b"3"]
    assert (figures.publishes_dropped, link.ended) == (2, [])


def test_a_replay_on_top_of_too_much_that_waits_is_refused() -> None:
    outbox, link, _ = connected()
    for _ in range(2):
        outbox.replay((message() for _ in range(10)), 1)
    assert len(link.ended) == 1
    assert outbox._replaying == 7


def test_a_session_that_is_kept_notes_a_whole_replay_at_once() -> None:
    notes = FakeNotes()
    outbox, link = Outbox(LIMITS, Figures(), notes), FakeLink()
    outbox.attach(link)
    outbox.replay((message(b"%d" % n) for n in range(5)), 1)
    assert notes.owed == {n + 1: b"%d" % n for n in range(5)}
    assert [m.packet_id for m in link.taken()] == [1, 2, 3]
    outbox.acknowledged(2)
    outbox.drain()
    assert notes.owed == {n + 1: b"%d" % n for n in (0, 2, 3, 4)}


def test_a_replay_counts_as_waiting_only_until_it_has_been_sent() -> None:
    outbox, link, _ = connected()
    for _ in range(3):
        outbox.replay((message() for _ in range(10)), 0)
    assert len(link.taken()) == 30
    assert (outbox._replaying, link.ended) == (0, [])


def test_an_absent_client_misses_qos_0_and_finds_the_rest() -> None:
    outbox, link, figures = connected()
    outbox.detach()
    for qos in (0, 1, 2):
        outbox.offer(message(b"%d" % qos), qos)
    assert figures.publishes_dropped == 1
    outbox.attach(link)
    assert [(m.payload, m.dup) for m in link.taken()] == [(b"1", False), (b"2", False)]


def test_what_was_in_flight_comes_again_before_what_waited() -> None:
    outbox, _, _ = connected()
    for n in range(5):
        outbox.offer(message(b"%d" % n), 1)
    outbox.acknowledged(2)
    outbox.drain()
    outbox.detach()
    again = FakeLink()
    outbox.attach(again)
    assert [(m.payload, m.dup) for m in again.taken()] == [
        (b"0", True), (b"2", True), (b"3", True),
    ]  # fmt: skip
    outbox.acknowledged(1)
    outbox.drain()
    assert [(m.payload, m.dup) for m in again.taken()] == [(b"4", False)]


def test_a_released_message_comes_again_as_its_release() -> None:
    outbox, _, _ = connected()
    outbox.offer(message(), 2)
    assert outbox.received(1) == acknowledge(PUBREL, 1)
    outbox.detach()
    again = FakeLink()
    outbox.attach(again)
    assert again.packets == [acknowledge(PUBREL, 1)]
    outbox.completed(1)
    outbox.attach(last := FakeLink())
    assert last.packets == []


def test_packet_ids_start_again_after_the_last_and_skip_those_in_use() -> None:
    outbox, link, _ = connected()
    outbox._last_id = 65533
    for _ in range(3):
        outbox.offer(message(), 1)
    assert [m.packet_id for m in link.taken()] == [65534, 65535, 1]
    outbox._last_id = 65533
    outbox.acknowledged(65535)
    outbox.offer(message(), 1)
    assert [m.packet_id for m in link.taken()] == [65535]


def test_an_acknowledgement_of_the_wrong_kind_breaks_the_protocol() -> None:
    outbox, _, _ = connected()
    outbox.offer(message(), 1)
    outbox.offer(message(), 2)
    with pytest.raises(Malformed, match="PUBACK"):
        outbox.acknowledged(2)
    with pytest.raises(Malformed, match="PUBREC"):
        outbox.received(1)
    with pytest.raises(Malformed, match="PUBCOMP"):
        outbox.completed(2)


def test_an_acknowledgement_of_nothing_is_ignored() -> None:
    outbox, link, _ = connected()
    outbox.acknowledged(9)
    outbox.completed(9)
    assert outbox.received(9) == acknowledge(PUBREL, 9)
    assert link.packets == []
