"""What is fuzzed: each target takes any bytes and raises if the broker breaks a promise on them."""

import asyncio
from collections.abc import Callable
from typing import Final

from broker.connection import Connection
from broker.errors import Malformed
from broker.framing import Framer
from broker.gate import Gate
from broker.hub import Hub
from broker.identity import Connect
from broker.limits import Limits
from broker.message import PUBLISH, Message, read_publish, write_publish
from broker.outgoing import Outgoing
from broker.packets import (
    read_connect,
    read_packet_id,
    read_subscribe,
    read_unsubscribe,
)
from broker.retained import RetainedMessages
from broker.subscriptions import Subscriptions, is_filter
from protocol.access import Rights
from protocol.topics import matches
from tests.support.wire import connect, subscribe

LIMIT: Final = 4096
LIMITS: Final = Limits(connect_bytes=LIMIT, packet_bytes=LIMIT, window=8, queue=64)
MOST_WRITTEN: Final = 1 << 20
_READERS: Final[dict[int, Callable[[bytes], object]]] = {
    0x10: read_connect,
    0x40: read_packet_id,
    0x50: read_packet_id,
    0x62: read_packet_id,
    0x70: read_packet_id,
    0x82: read_subscribe,
    0xA2: read_unsubscribe,
}


def framing(data: bytes) -> None:
    """Cut *data* into packets in one go and in pieces, and read each: the same must come out."""
    step = data[0] % 7 + 1 if data else 1
    whole, error = _cut([data[1:]])
    pieces, other = _cut([data[n : n + step] for n in range(1, len(data), step)])
    assert (whole, error) == (pieces, other), "cutting depends on how bytes arrive"
    for first, body in whole:
        _read(first, body)


def matching(data: bytes) -> None:
    """Take lines for filters and topics: tree and retained messages must keep to the definition."""
    texts = [line for line in data.decode("utf-8", "replace").split("\n") if 0 < len(line) < 80]
    patterns = [text for text in texts if is_filter(text)]
    topics = [text for text in texts if not set(text) & {"+", "#", "\0"}]
    tree: Subscriptions[str] = Subscriptions()
    kept = RetainedMessages(LIMITS)
    for pattern in patterns:
        tree.add(pattern, pattern, len(pattern) % 3)
    for topic in topics:
        kept.keep(Message(topic, b"x", 0, retain=True))
        found = dict(tree.holders(topic))
        assert found == {p: len(p) % 3 for p in patterns if matches(p, topic)}
    for pattern in patterns:
        selected = sorted(message.topic for message in kept.select(pattern))
        assert selected == sorted({topic for topic in topics if matches(pattern, topic)})
    for pattern in patterns:
        tree.discard(pattern, pattern)
    assert len(tree) == 0
    assert not any(list(tree.holders(topic)) for topic in topics)


def conversation(data: bytes) -> None:
    """Let a client of an open broker say *data*; another one must be served as before."""
    _LOOP.run_until_complete(_converse(data))


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "framing": framing,
    "matching": matching,
    "conversation": conversation,
}


def _cut(chunks: list[bytes]) -> tuple[list[tuple[int, bytes]], str | None]:
    framer, packets = Framer(LIMIT), []
    try:
        for chunk in chunks:
            for packet in framer.feed(chunk):
                packets.append(packet)  # noqa: PERF402 - what came before an error counts
            assert len(framer._rest) <= LIMIT + len(chunk) + 5
    except Malformed as error:
        return packets, str(error)
    return packets, None


def _read(first: int, body: bytes) -> None:
    try:
        if first & 0xF0 == PUBLISH:
            message, packet_id = read_publish(first, body, 1024, 32)
            dup, retain = bool(first & 8), message.retain
            again = write_publish(message, message.qos, packet_id, retain=retain, dup=dup)
            assert again.endswith(body)
            assert again[0] == first
        elif (reader := _READERS.get(first)) is not None:
            reader(body)
    except Malformed:
        pass


_LOOP: Final = asyncio.new_event_loop()


class _Open:
    """Lets everyone do everything."""

    def admit(self, connect: Connect) -> Gate:
        return Gate(Rights(publish=("#",), subscribe=("#", "$SYS/#"), will=("#",)))

    def recall(self, name: str) -> None:
        return None

    def review(self) -> None:
        return None

    def refused_publish(self, client_id: str, topic: str) -> None:
        pass

    def opened(self, connection: Connection) -> bool:
        return True

    def closed(self, connection: Connection) -> None:
        pass


class _Transport(asyncio.Transport):
    """Takes what is written, and counts it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close


async def _converse(data: bytes) -> None:
    access, loop = _Open(), asyncio.get_running_loop()
    hub, outgoing = Hub(access, LIMITS), Outgoing(loop)
    ends: list[tuple[Connection, _Transport]] = []
    for _ in range(2):
        connection = Connection(hub, outgoing, access, connect_within_s=60.0)
        transport = _Transport()
        connection.connection_made(transport)
        ends.append((connection, transport))
    (bystander, heard), (stranger, told) = ends
    bystander.data_received(connect("bystander") + subscribe("still/#", 0))
    stranger.data_received(data)
    await asyncio.sleep(0)
    assert len(told.written) < MOST_WRITTEN
    heard.written.clear()
    bystander.data_received(b"\x30\x0c\x00\x0astill/here")
    await asyncio.sleep(0)
    if not heard.closed:  # nobody else may bear its name but who takes it over
        assert heard.written.endswith(b"still/here"), bytes(heard.written)
    for connection, _ in ends:
        connection.abort()
        connection.connection_lost(None)
    await asyncio.sleep(0)
