"""A connection on a transport made by hand: what time and a slow peer do to it."""

import asyncio
import time
from typing import Any

from broker.access import FleetAccess
from broker.connection import Connection
from broker.hub import Hub
from broker.limits import Limits
from broker.message import Message
from broker.outgoing import Outgoing
from broker.turns import CHUNK_BYTES
from protocol.topics import Topics
from tests.support.wire import PING, PUBACK, acknowledge, connect, publish, subscribe


class FakeTransport(asyncio.Transport):
    """Remembers what is written and whether it is read from."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.unread = 0
        self.reading = True
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes.append(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return self.unread

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True


class Everybody:
    """Takes every connection."""

    def opened(self, connection: Connection) -> bool:
        return True

    def closed(self, connection: Connection) -> None:
        pass


async def admitted(
    hub: Hub, name: str | None = None, **hello: Any
) -> tuple[Connection, FakeTransport]:
    connection, transport = (
        Connection(hub, Outgoing(asyncio.get_running_loop()), Everybody(), connect_within_s=10),
        FakeTransport(),
    )
    connection.connection_made(transport)
    connection.data_received(connect(name or "observer", **hello))
    await asyncio.sleep(0)
    transport.writes.clear()
    return connection, transport


def make_hub(**limits: int) -> Hub:
    return Hub(FleetAccess(Topics(), None), Limits(**limits))  # type: ignore[arg-type]  # all ints


async def test_the_answers_to_one_chunk_leave_in_one_write() -> None:
    connection, transport = await admitted(make_hub())
    connection.data_received(PING * 100)
    assert transport.writes == []
    await asyncio.sleep(0)
    assert transport.writes == [b"\xd0\x00" * 100]
    connection.end("the test is over")


async def test_nothing_is_read_from_a_client_that_does_not_read_until_it_does() -> None:
    connection, transport = await admitted(make_hub(unread_bytes=1000))
    connection.pause_writing()
    transport.unread = 900
    connection.data_received(PING)
    assert transport.reading
    connection.data_received(PING * 100)
    assert not transport.reading
    transport.unread = 0
    connection.resume_writing()
    assert transport.reading
    connection.end("the test is over")


async def test_deliveries_wait_while_the_client_does_not_read() -> None:
    hub = make_hub()
    connection, transport = await admitted(hub)
    connection.data_received(subscribe("fleet/v1/events", 0))
    await asyncio.sleep(0)
    transport.writes.clear()
    connection.pause_writing()
    hub.publish_figures(1)
    for message in _messages(3):
        hub.route(message)
    await asyncio.sleep(0)
    assert transport.writes == []
    connection.resume_writing()
    await asyncio.sleep(0)
    assert transport.writes == [b"".join(publish("fleet/v1/events", b"%d" % n) for n in range(3))]
    connection.end("the test is over")


async def test_a_replay_larger_than_one_write_goes_on_by_itself() -> None:
    hub = make_hub(unsent_bytes=100)
    for n in range(30):
        hub.route(_retained(f"fleet/v1/tasks/{n}"))
    connection, transport = await admitted(hub)
    connection.data_received(subscribe("fleet/v1/tasks/+", 0))
    for _ in range(40):
        await asyncio.sleep(0)
    assert b"".join(transport.writes).count(b"kept") == 30
    assert len(transport.writes) > 5
    assert max(len(write) for write in transport.writes) < 200
    connection.end("the test is over")


async def test_what_a_chunk_of_acknowledgements_makes_room_for_leaves_in_one_write() -> None:
    hub = make_hub(window=4)
    for n in range(10):
        hub.route(_retained(f"fleet/v1/tasks/{n}", qos=1))
    connection, transport = await admitted(hub)
    connection.data_received(subscribe("fleet/v1/tasks/+", 1))
    await asyncio.sleep(0)
    for packet_ids, delivered in ((range(1, 5), 4), (range(5, 9), 2), (range(9, 11), 0)):
        transport.writes.clear()
        connection.data_received(b"".join(acknowledge(PUBACK, n) for n in packet_ids))
        await asyncio.sleep(0)
        assert [write.count(b"kept") for write in transport.writes] == [delivered][: delivered > 0]
    connection.end("the test is over")


async def test_after_a_stall_what_has_arrived_is_read_before_anyone_is_given_up() -> None:
    connection, transport = await admitted(make_hub(), keep_alive=1)
    loop = asyncio.get_running_loop()
    loop.call_later(1.55, connection.data_received, PING)
    time.sleep(1.6)  # noqa: ASYNC251  # the stall of the whole process that this is about
    await asyncio.sleep(0.15)
    assert not transport.closed
    connection.end("the test is over")


async def test_after_a_full_chunk_it_is_the_others_turn() -> None:
    connection, transport = await admitted(make_hub())
    for size, reads_on in ((CHUNK_BYTES, False), (100, True)):
        connection.get_buffer(-1)[:size] = PING * (size // 2)
        connection.buffer_updated(size)
        assert transport.reading is reads_on
        await asyncio.sleep(0)
        assert transport.reading
    connection.end("the test is over")


async def test_a_client_that_does_not_read_gets_no_turn_either() -> None:
    connection, transport = await admitted(make_hub(unread_bytes=1000))
    connection.pause_writing()
    connection.get_buffer(-1)[:] = PING * (CHUNK_BYTES // 2)
    connection.buffer_updated(CHUNK_BYTES)
    await asyncio.sleep(0)
    assert not transport.reading
    connection.resume_writing()
    assert transport.reading
    connection.end("the test is over")


def _messages(count: int) -> list[Message]:
    return [Message("fleet/v1/events", b"%d" % n, 0, retain=False) for n in range(count)]


def _retained(topic: str, qos: int = 0) -> Message:
    return Message(topic, b"kept", qos, retain=True)
