"""The retained messages: one per topic, bounded, and nothing left of what was cleared."""

from broker.limits import Limits
from broker.message import Message
from broker.retained import RetainedMessages


def message(topic: str, payload: bytes = b"kept") -> Message:
    return Message(topic, payload, 1, retain=True)


def topics(store: RetainedMessages, pattern: str) -> list[str]:
    return sorted(found.topic for found in store.select(pattern))


def test_the_last_message_of_a_topic_counts() -> None:
    store = RetainedMessages(Limits())
    for payload in (b"first", b"last"):
        assert store.keep(message("a/b", payload))
    assert [found.payload for found in store.select("a/+")] == [b"last"]
    assert len(store) == 1


def test_a_topic_may_be_above_another() -> None:
    store = RetainedMessages(Limits())
    for topic in ("a", "a/b", "a/b/c", "/", "a//c"):
        store.keep(message(topic))
    assert topics(store, "a/#") == ["a", "a//c", "a/b", "a/b/c"]
    assert topics(store, "+") == ["a"]
    assert topics(store, "+/+") == ["/", "a/b"]
    store.keep(message("a/b", b""))
    assert topics(store, "#") == ["/", "a", "a//c", "a/b/c"]


def test_nothing_is_left_of_a_cleared_topic() -> None:
    store = RetainedMessages(Limits())
    store.keep(message("a/b/c"))
    store.keep(message("a/b/c", b""))
    assert topics(store, "#") == []
    assert (len(store), store._bytes, store._tree) == (0, 0, {})


def test_clearing_what_was_never_kept_does_nothing() -> None:
    store = RetainedMessages(Limits())
    assert store.keep(message("a", b""))
    assert len(store) == 0


def test_a_topic_too_many_is_not_kept_but_a_known_one_may_change() -> None:
    store = RetainedMessages(Limits(retained=2))
    assert [store.keep(message(topic)) for topic in "abc"] == [True, True, False]
    assert store.keep(message("a", b"changed"))
    assert topics(store, "#") == ["a", "b"]


def test_bytes_are_bounded_and_a_topic_that_outgrew_them_is_cleared() -> None:
    store = RetainedMessages(Limits(retained_bytes=10))
    assert store.keep(message("a", b"12345"))
    assert store.keep(message("b", b"12345"))
    assert not store.keep(message("a", b"123456"))
    assert topics(store, "#") == ["b"]
    assert store.keep(message("c", b"12345"))


def test_the_servers_own_topics_are_hidden_from_wildcards_at_the_first_level() -> None:
    store = RetainedMessages(Limits())
    for topic in ("$SYS/a", "b/a"):
        store.keep(message(topic))
    for pattern in ("#", "+/a", "+/#"):
        assert topics(store, pattern) == ["b/a"]
    for pattern in ("$SYS/#", "$SYS/+", "$SYS/a"):
        assert topics(store, pattern) == ["$SYS/a"]
