"""The broker's framing, packets and matching, on whatever bytes and topics there are."""

import contextlib
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Malformed
from broker.framing import Framer
from broker.gate import covers
from broker.limits import Limits
from broker.message import Message, header, read_publish, topic_name, write_publish
from broker.packets import read_connect, read_packet_id, read_subscribe, read_unsubscribe
from broker.retained import RetainedMessages
from broker.subscriptions import Subscriptions, is_filter
from protocol.topics import matches

LARGE: Final = 1 << 28
LEVELS = st.sampled_from(["a", "b", "", "$x", "$"])
TOPICS = st.lists(LEVELS, min_size=1, max_size=4).map("/".join).filter(bool)
PATTERNS = (
    st.tuples(st.lists(LEVELS | st.just("+"), max_size=4), st.booleans())
    .map(lambda made: "/".join([*made[0], "#"] if made[1] else made[0]))
    .filter(bool)
)


@given(st.dictionaries(PATTERNS, st.integers(0, 2)), TOPICS)
def test_the_tree_finds_whom_the_definition_selects(patterns: dict[str, int], topic: str) -> None:
    tree: Subscriptions[str] = Subscriptions()
    for pattern, qos in patterns.items():
        tree.add(pattern, pattern, qos)
    expected = {pattern: qos for pattern, qos in patterns.items() if matches(pattern, topic)}
    assert dict(tree.holders(topic)) == expected


@given(st.lists(st.tuples(st.booleans(), PATTERNS, st.sampled_from("xyz"))), st.lists(TOPICS))
def test_the_tree_remembers_nothing_wrong(
    steps: list[tuple[bool, str, str]], topics: list[str]
) -> None:
    tree: Subscriptions[str] = Subscriptions()
    held: set[tuple[str, str]] = set()
    for add, pattern, holder in steps:
        if add:
            tree.add(pattern, holder, 1)
            held.add((pattern, holder))
        else:
            tree.discard(pattern, holder)
            held.discard((pattern, holder))
        for topic in topics:
            expected = {who for what, who in held if matches(what, topic)}
            assert {who for who, _ in tree.holders(topic)} == expected
    assert len(tree) == len(held)
    for pattern, holder in held:
        tree.discard(pattern, holder)
    assert tree._root.is_bare()


@given(st.lists(st.tuples(TOPICS, st.binary(max_size=2))), PATTERNS)
def test_the_retained_messages_are_those_that_the_definition_selects(
    published: list[tuple[str, bytes]], pattern: str
) -> None:
    store = RetainedMessages(Limits())
    kept: dict[str, bytes] = {}
    for topic, payload in published:
        store.keep(Message(topic, payload, 0, retain=True))
        kept[topic] = payload
    found = [(message.topic, message.payload) for message in store.select(pattern)]
    assert len(found) == len(set(found))
    assert dict(found) == {t: p for t, p in kept.items() if p and matches(pattern, t)}


@given(PATTERNS, PATTERNS, TOPICS)
def test_a_covering_filter_selects_all_that_the_covered_one_does(
    wide: str, narrow: str, topic: str
) -> None:
    if covers(wide, narrow) and matches(narrow, topic):
        assert matches(wide, topic)


@given(PATTERNS)
def test_every_filter_covers_itself_and_is_one(pattern: str) -> None:
    assert covers(pattern, pattern) or pattern.startswith("$")
    assert is_filter(pattern)


@given(
    st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=300))),
    st.lists(st.integers(1, 400), min_size=1),
)
def test_packets_come_out_as_they_went_in_wherever_the_stream_is_cut(
    packets: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(header(first, len(body)) + body for first, body in packets)
    framer, n = Framer(LARGE), 0
    found: list[tuple[int, bytes]] = []
    while stream:
        size = cuts[n % len(cuts)]
        found += framer.feed(stream[:size])
        stream, n = stream[size:], n + 1
    assert found == packets


@given(st.integers(0, LARGE - 1))
def test_a_size_is_read_as_it_was_written_or_is_beyond_the_limit(size: int) -> None:
    start = header(0x30, size)
    assert len(start) <= 5
    with pytest.raises(Malformed):
        list(Framer(size - 1).feed(start))
    list(Framer(size).feed(start))


@given(st.binary(), st.integers(0, 200))
def test_any_bytes_are_packets_within_the_limit_or_malformed(data: bytes, limit: int) -> None:
    framer = Framer(limit)
    with contextlib.suppress(Malformed):
        for _, body in framer.feed(data):
            assert len(body) <= limit


@given(
    st.text(st.characters(exclude_characters="+#\0", exclude_categories=["Cs"]), min_size=1),
    st.binary(),
    st.integers(0, 2),
    st.integers(1, 65535),
    st.booleans(),
)
def test_a_message_is_read_as_it_was_written(
    topic: str, payload: bytes, qos: int, packet_id: int, retain: bool
) -> None:
    sent = Message(topic, payload, qos, retain=retain)
    [(first, body)] = Framer(LARGE).feed(write_publish(sent, qos, packet_id, retain=retain))
    read, read_id = read_publish(first, body, LARGE, LARGE)
    assert (read.topic, read.payload, read.qos, read.retain) == (topic, payload, qos, retain)
    assert read.field == sent.field
    assert read_id == (packet_id if qos else 0)


CONNECT: Final = b"\x00\x04MQTT\x04\xee\x00\x3c\x00\x01x\x00\x01t\x00\x01m\x00\x01u\x00\x01p"
FILTERS: Final = b"\x00\x07\x00\x03a/b\x01\x00\x01#\x02"
SINGLE: Final = b"\x00\x07\x00\x03a/b\x00\x01#"


@pytest.mark.parametrize(
    ("read", "valid"),
    [
        (read_connect, CONNECT),
        (read_subscribe, FILTERS),
        (read_unsubscribe, SINGLE),
        (read_packet_id, b"\x00\x07"),
        (lambda body: read_publish(0x32, body, 50, 5), b"\x00\x01t\x00\x07payload"),
        (lambda raw: topic_name(raw, 50, 5), b"a/b"),
    ],
)
@given(data=st.data())
def test_a_broken_packet_is_read_or_malformed_and_nothing_else(
    read: Callable[[bytes], object], valid: bytes, data: st.DataObject
) -> None:
    read(valid)
    broken = bytearray(valid[: data.draw(st.integers(0, len(valid)))])
    for at in data.draw(st.lists(st.integers(0, len(valid) - 1), max_size=3)):
        if at < len(broken):
            broken[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Malformed):
        read(bytes(broken + data.draw(st.binary(max_size=3))))
