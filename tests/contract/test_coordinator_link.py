"""The coordinator's connection against brokers that behave, and against one that does not."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from coordinator.shell.mqtt import NOT_GRANTED, Hello, Link, Refused
from coordinator.shell.mqtt.packets import MAX_PACKET_ID
from tests.support.brokers import BrokerAddress

WITHIN_S = 60.0
ASKED = b"\x00\x03a/b\x01"
ACCEPTED = b"\x20\x02\x00\x00"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def hello(keepalive_s: int = 20, will_topic: str = "w", username: str | None = None) -> Hello:
    return Hello(
        client_id="ann",
        keepalive_s=keepalive_s,
        will=(will_topic, b"gone"),
        username=username,
    )


def _accepting(talk: Talk) -> Talk:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError, EOFError):
            await reader.readexactly(2)
            writer.write(ACCEPTED)
            await talk(reader, writer)
            while await reader.read(65_536):
                pass

    return serve


@contextlib.asynccontextmanager
async def speaking_to(
    talk: Talk, keepalive_s: int = 20, take: Callable[..., None] = lambda *_: None
) -> AsyncIterator[Link]:
    """Open a link to a broker that does as *talk* says once it has accepted."""
    server = await asyncio.start_server(_accepting(talk), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, asyncio.timeout(WITHIN_S * 2):
        link = await Link.open("127.0.0.1", port, hello(keepalive_s), take)
        try:
            yield link
        finally:
            link.abort()
            await link.lost


async def silence(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Say nothing."""


async def test_what_is_said_in_one_turn_arrives_in_order_and_is_heard_in_order(
    broker: BrokerAddress,
) -> None:
    topic = "fleet/v1/agents/ann/presence"
    said = [(topic, bytes([n]) * 50_000, False) for n in range(50)]
    heard: asyncio.Queue[tuple[str, bytes, bool]] = asyncio.Queue()
    link = await Link.open(
        broker.host,
        broker.port,
        hello(username="ann", will_topic=topic),
        lambda *message: heard.put_nowait(message),
    )
    async with asyncio.timeout(WITHIN_S):
        assert list(await link.subscribe([topic, "fleet/v1/submit/+"])) == [1, NOT_GRANTED]
        for _, payload, _ in said:
            link.publish(topic, payload, qos=1, retain=False)
        assert [await heard.get() for _ in said] == said
        link.close()
        await link.lost
    assert not link.is_open


async def test_a_broker_that_says_no_is_told_from_one_that_is_not_there() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            await reader.readexactly(2)
            writer.write(b"\x20\x02\x00\x05")
            await writer.drain()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with asyncio.timeout(WITHIN_S):
        async with server:
            with pytest.raises(Refused, match="not authorized") as refusal:
                await Link.open("127.0.0.1", port, hello(), lambda *_: None)
        assert refusal.value.is_final
        with pytest.raises(OSError, match="Connect"):
            await Link.open("127.0.0.1", port, hello(), lambda *_: None)


async def test_a_broker_that_falls_silent_is_given_up_after_one_and_a_half_keepalives() -> None:
    async with speaking_to(silence, keepalive_s=1) as link:
        await link.lost
        assert not link.is_open


async def test_a_broker_that_answers_pings_is_kept() -> None:
    pings = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal pings
        await reader.readuntil(b"gone")
        while pings < 4:
            assert await reader.readexactly(2) == b"\xc0\x00"
            writer.write(b"\xd0\x00")
            pings += 1
        writer.close()

    async with speaking_to(answer, keepalive_s=1) as link:
        await link.lost
    assert pings == 4


async def test_a_fault_in_taking_a_message_ends_no_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    acknowledged = asyncio.Event()

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x32\x06\x00\x01t\x00\x07!")
        await reader.readuntil(b"\x40\x02\x00\x07")
        acknowledged.set()

    def fail(*_message: object) -> None:
        raise ZeroDivisionError

    with caplog.at_level(logging.CRITICAL, "fleetbus.bus"):
        async with speaking_to(say, take=fail) as link:
            await acknowledged.wait()
            assert link.is_open


@pytest.mark.parametrize(
    "noise", [b"\x34\x05\x00\x01t\x00\x07", b"\x30\xff\xff\xff\xff\x01", b"\xf0\x00"]
)
async def test_a_broker_that_speaks_nonsense_is_hung_up_on(noise: bytes) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(ASKED)
        writer.write(noise)

    async with speaking_to(babble) as link:
        assert await link.subscribe(["a/b"]) == b""
        await link.lost


async def test_whoever_waits_for_a_subscription_learns_that_the_link_was_lost() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(ASKED)
        writer.close()

    async with speaking_to(hang_up) as link:
        assert await link.subscribe(["a/b"]) == b""


async def test_a_packet_id_is_not_used_again_before_it_was_acknowledged() -> None:
    ids: list[int] = []
    all_seen = asyncio.Event()
    count = MAX_PACKET_ID + 10

    async def acknowledge_all_but_five(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"gone")
        while len(ids) < count:
            packet = await reader.readexactly(7)
            ids.append(int.from_bytes(packet[5:7]))
            if len(ids) != 5:
                writer.write(b"\x40\x02" + packet[5:7])
        all_seen.set()

    async with speaking_to(acknowledge_all_but_five) as link:
        for _ in range(count // 1000 + 1):
            for _ in range(1000):
                link.publish("t", b"", qos=1, retain=False)
            await asyncio.sleep(0)
        await all_seen.wait()
    assert ids.count(ids[4]) == 1
    assert len(set(ids)) == MAX_PACKET_ID


async def test_a_broker_that_acknowledges_nothing_is_hung_up_on() -> None:
    async with speaking_to(silence) as link:
        for _ in range(MAX_PACKET_ID + 1):
            link.publish("t", b"", qos=1, retain=False)
        await link.lost
