"""MQTT 3.1.1 as every broker of the bus must speak it; where they may differ, a profile says."""

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from tests.support.brokers import BrokerAddress, chosen_brokers
from tests.support.profiles import PROFILES, Profile
from tests.support.wire import (
    CONNACK,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    UNSUBACK,
    Closed,
    Delivered,
    Will,
    Wire,
    acknowledge,
    connect,
    on_wire,
    packet,
    publish,
    subscribe,
    text,
    unsubscribe,
)

_TOPICS = itertools.count(1)


@dataclass(frozen=True)
class Case:
    """A running broker and how it is."""

    address: BrokerAddress
    profile: Profile


@pytest.fixture(scope="module", params=[*chosen_brokers(), "nats"])
def case(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Case]:
    profile = PROFILES[request.param]
    with profile.start(tmp_path_factory.mktemp(profile.name)) as address:
        yield Case(address, profile)


@pytest.fixture(autouse=True)
def _known_departures(request: pytest.FixtureRequest) -> None:
    """Expect the failures that the profile names; a broker that was mended is noticed."""
    if "case" in request.fixturenames:
        profile: Profile = request.getfixturevalue("case").profile
        for known, strict in ((profile.departs, True), (profile.wavers, False)):
            for begin, meaning in known.items():
                if request.node.name.startswith(begin):
                    request.applymarker(pytest.mark.xfail(reason=meaning, strict=strict))


@pytest.fixture
def at(request: pytest.FixtureRequest, case: Case) -> BrokerAddress:
    """Return where the broker is; what is not expected of it is not waited for so long."""
    if request.node.get_closest_marker("xfail"):
        return replace(case.address, answers_within_s=5.0)
    return case.address


@pytest.fixture
def topic() -> str:
    return f"test/{next(_TOPICS)}"


def take(wire: Wire, message: Delivered) -> None:
    """Acknowledge *message* to the end."""
    if message.qos == 1:
        wire.send(acknowledge(PUBACK, message.packet_id))
    elif message.qos == 2:
        wire.send(acknowledge(PUBREC, message.packet_id))
        assert int.from_bytes(wire.expect(PUBREL)) == message.packet_id
        wire.send(acknowledge(PUBCOMP, message.packet_id))


@pytest.mark.parametrize("published", [0, 1, 2])
@pytest.mark.parametrize("subscribed", [0, 1, 2])
def test_a_message_arrives_at_the_lower_qos_of_publisher_and_subscriber(
    at: BrokerAddress, name: str, topic: str, published: int, subscribed: int
) -> None:
    with on_wire(at, name) as reader, on_wire(at, f"{name}-writer") as writer:
        assert reader.subscribe(topic, subscribed) == subscribed
        writer.publish(topic, b"said", published)
        message = reader.delivered()
        take(reader, message)
        assert reader.heard() == []
    assert (message.payload, message.qos) == (b"said", min(published, subscribed))
    assert not message.dup
    assert not message.retain


def test_a_second_subscription_to_the_same_filter_replaces_the_first(
    at: BrokerAddress, name: str, topic: str
) -> None:
    with on_wire(at, name) as client:
        client.subscribe(topic, 1)
        assert client.subscribe(topic, 0) == 0
        client.send(publish(topic, b"once", 1, 9), publish(topic, b"last", 0))
        got = [Delivered.of(p) for p in client.heard() if p.first & 0xF0 == PUBLISH]
    assert [(message.payload, message.qos) for message in got] == [(b"once", 0), (b"last", 0)]


def test_each_subscription_replays_what_is_retained_anew(
    at: BrokerAddress, name: str, topic: str
) -> None:
    with on_wire(at, name) as client:
        client.publish(topic, b"kept", 1, retain=True)
        for qos in (1, 0):
            client.subscribe(topic, qos)
            message = client.delivered()
            take(client, message)
            assert (message.payload, message.qos, message.retain) == (b"kept", qos, True)
        client.publish(topic, b"", 0, retain=True)


def test_a_retained_message_is_delivered_live_without_the_flag(
    at: BrokerAddress, name: str, topic: str
) -> None:
    with on_wire(at, name) as reader, on_wire(at, f"{name}-writer") as writer:
        reader.subscribe(topic, 0)
        writer.publish(topic, b"kept", 1, retain=True)
        assert reader.delivered() == Delivered(topic, b"kept")
        writer.publish(topic, b"", 1, retain=True)
        assert reader.delivered() == Delivered(topic, b"")


def test_an_empty_retained_message_clears_its_topic_at_every_qos(
    at: BrokerAddress, name: str, topic: str
) -> None:
    with on_wire(at, name) as client:
        for qos in (0, 1, 2):
            client.publish(f"{topic}/{qos}", b"kept", qos, retain=True)
            client.publish(f"{topic}/{qos}", b"", qos, retain=True)
        client.subscribe(f"{topic}/+", 2)
        assert client.heard() == []


@pytest.mark.parametrize("wildcard", ["{topic}/+", "{topic}/#", "{topic}/+/x", "+/+/b/x"])
def test_wildcards_find_retained_messages(
    at: BrokerAddress, name: str, topic: str, wildcard: str
) -> None:
    retained = {f"{topic}{end}" for end in ("", "/a", "/b", "/a/x", "/b/x")}
    expected = {
        "{topic}/+": {f"{topic}/a", f"{topic}/b"},
        "{topic}/#": retained,
        "{topic}/+/x": {f"{topic}/a/x", f"{topic}/b/x"},
        "+/+/b/x": {f"{topic}/b/x"},
    }[wildcard]
    with on_wire(at, name) as client:
        for one in retained:
            client.publish(one, b"kept", 1, retain=True)
        client.subscribe(wildcard.format(topic=topic), 0)
        got = [Delivered.of(found) for found in client.heard()]
        for one in retained:
            client.send(publish(one, b"", 0, retain=True))
        client.heard()
    assert {message.topic for message in got} == expected
    assert len(got) == len(expected)


def test_nothing_retained_reaches_a_client_that_did_not_subscribe(
    at: BrokerAddress, name: str, topic: str
) -> None:
    with on_wire(at, f"{name}-watcher") as watcher, on_wire(at, f"{name}-writer") as writer:
        watcher.subscribe(f"{topic}/#", 1)
        writer.publish(f"{topic}/secret", b"kept", 1, retain=True)
        with on_wire(at, name) as newcomer:
            newcomer.subscribe("another/topic", 1)
            assert newcomer.heard() == []
        writer.publish(f"{topic}/secret", b"", 1, retain=True)


def test_a_wildcard_at_the_first_level_selects_no_topic_of_the_server(
    at: BrokerAddress, name: str
) -> None:
    with on_wire(at, name) as client:
        client.subscribe("#", 0)
        client.subscribe("+/broker/uptime", 0)
        topics = {Delivered.of(found).topic for found in client.heard()}
        assert not {one for one in topics if one.startswith("$")}
        client.subscribe("$SYS/broker/uptime", 0)
        assert client.delivered().topic == "$SYS/broker/uptime"


def test_what_is_published_below_a_dollar_reaches_no_wildcard(at: BrokerAddress, name: str) -> None:
    with on_wire(at, name) as client:
        client.subscribe("+/+", 1)
        client.send(publish(f"${name}/a", b"said", 1, 5))
        assert [found.first for found in client.heard()] == [PUBACK]


def test_unsubscribing_ends_the_deliveries_of_that_filter_alone(
    at: BrokerAddress, name: str, topic: str
) -> None:
    with on_wire(at, name) as client:
        for end in "abc":
            client.subscribe(f"{topic}/{end}", 0)
        client.send(unsubscribe(f"{topic}/a", 7))
        assert client.expect(UNSUBACK) == b"\x00\x07"
        client.send(unsubscribe("never/subscribed", 8))
        assert client.expect(UNSUBACK) == b"\x00\x08"
        client.send(*(publish(f"{topic}/{end}", end.encode()) for end in "abc"))
        assert [Delivered.of(found).payload for found in client.heard()] == [b"b", b"c"]


def test_of_overlapping_subscriptions_none_is_forgotten(case: Case, name: str, topic: str) -> None:
    with on_wire(case.address, name) as client:
        client.subscribe(f"{topic}/#", 2)
        client.subscribe(f"{topic}/+", 1)
        client.send(publish(f"{topic}/a", b"said", 2, 5), acknowledge(PUBREL, 5))
        got = [Delivered.of(p) for p in client.heard() if p.first & 0xF0 == PUBLISH]
    assert len(got) in {1, 2}
    if case.profile.overlap_at_highest_qos:
        assert [message.qos for message in got] == [2]


@pytest.mark.parametrize("pattern", ["a/#/b", "a#", "a/b+", "+a/b", "##"])
def test_a_filter_outside_the_grammar_is_never_granted(
    at: BrokerAddress, name: str, pattern: str
) -> None:
    with on_wire(at, name) as client:
        client.send(subscribe(pattern, 1))
        try:
            assert client.receive().body[2:] == b"\x80"
        except Closed:
            return
        assert client.heard() == []


def test_a_shared_subscription_is_served_or_refused_but_not_granted_in_vain(
    case: Case, name: str, topic: str
) -> None:
    with on_wire(case.address, name) as client:
        code = client.subscribe(f"$share/group/{topic}", 1)
        assert code == (1 if case.profile.shares_subscriptions else 0x80)
        client.send(publish(topic, b"said"))
        assert len(client.heard()) == case.profile.shares_subscriptions


def test_messages_of_one_publisher_arrive_in_order(
    at: BrokerAddress, name: str, topic: str
) -> None:
    count = 3000
    with on_wire(at, name) as reader, on_wire(at, f"{name}-writer") as writer:
        reader.subscribe(topic, 1)
        writer.send(*(publish(topic, b"%d" % n, 1, n) for n in range(1, count + 1)))
        for n in range(1, count + 1):
            assert int.from_bytes(writer.expect(PUBACK)) == n
        for n in range(1, count + 1):
            message = reader.delivered()
            assert message.payload == b"%d" % n
            take(reader, message)


def test_a_message_of_any_size_within_the_limit_passes_unharmed(
    at: BrokerAddress, name: str, topic: str
) -> None:
    sizes = (0, 1, 100, 127, 128, 16_000, 16_383, 16_384, 70_000, 900_000)
    with on_wire(at, name) as client:
        client.subscribe(topic, 0)
        for size in sizes:
            client.send(publish(topic, bytes(size)))
            assert len(client.delivered().payload) == size


def test_a_packet_may_arrive_a_byte_at_a_time(at: BrokerAddress, name: str, topic: str) -> None:
    with on_wire(at) as client:
        script = connect(name) + subscribe(topic, 1) + publish(topic, b"x" * 200, 1, 3)
        for n in range(len(script)):
            client.send(script[n : n + 1])
        assert client.expect(CONNACK) == b"\x00\x00"
        assert client.expect(0x90) == b"\x00\x01\x01"
        assert {found.first for found in client.heard()} == {PUBACK, PUBLISH | 2}


# Exactly once.


def test_a_repeated_qos_2_message_is_routed_once(at: BrokerAddress, name: str, topic: str) -> None:
    with on_wire(at, name) as client:
        client.subscribe(topic, 0)
        once, repeated = publish(topic, b"once", 2, 5), publish(topic, b"once", 2, 5, dup=True)
        release = acknowledge(PUBREL, 5)
        client.send(once, repeated, release)
        # Whether it is routed when it comes or when it is released is the broker's choice.
        got = sorted(found.first for found in client.heard())
        assert got == [PUBLISH, PUBREC, PUBREC, PUBCOMP]
        client.send(once, release)
        assert sorted(found.first for found in client.heard()) == [PUBLISH, PUBREC, PUBCOMP]


def test_a_release_of_nothing_is_completed(at: BrokerAddress, name: str) -> None:
    with on_wire(at, name) as client:
        client.send(acknowledge(PUBREL, 99))
        assert client.expect(PUBCOMP) == b"\x00\x63"


def test_acknowledgements_of_nothing_are_harmless(at: BrokerAddress, name: str) -> None:
    with on_wire(at, name) as client:
        client.send(acknowledge(PUBACK, 7), acknowledge(PUBCOMP, 8))
        assert client.heard() == []


# Sessions.


def test_a_session_outlives_its_connection_when_asked_to(
    at: BrokerAddress, name: str, topic: str
) -> None:
    with on_wire(at) as client:
        assert client.connect(name, clean=False) is False
        client.subscribe(topic, 1)
    with on_wire(at, f"{name}-writer") as writer:
        for qos in (1, 2, 1):
            writer.publish(topic, b"%d" % qos, qos)
    with on_wire(at) as client:
        assert client.connect(name, clean=False) is True
        got = [client.delivered() for _ in range(3)]
        assert [m.payload for m in got] == [b"1", b"2", b"1"]
        assert {(m.qos, m.retain, m.dup) for m in got} == {(1, False, False)}
        for message in got:
            take(client, message)
    with on_wire(at) as client:
        assert client.connect(name, clean=True) is False
        client.send(publish(topic, b"nobody"))
        assert client.heard() == []
    with on_wire(at) as client:
        assert client.connect(name, clean=False) is False
    with on_wire(at, name):
        pass


def test_a_clean_session_leaves_nothing_behind(at: BrokerAddress, name: str, topic: str) -> None:
    with on_wire(at, name) as client:
        client.subscribe(topic, 1)
    with on_wire(at) as client:
        assert client.connect(name, clean=False) is False
        client.publish(topic, b"said", 1)
        assert client.heard() == []
    with on_wire(at, name):
        pass


def test_what_was_not_acknowledged_is_sent_again_as_a_duplicate(
    at: BrokerAddress, name: str, topic: str
) -> None:
    with on_wire(at, name, clean=False) as client, on_wire(at, f"{name}-writer") as writer:
        client.subscribe(topic, 2)
        for qos in (1, 2):
            writer.publish(topic, b"%d" % qos, qos)
        first = [client.delivered(), client.delivered()]
        client.close()
    with on_wire(at, name, clean=False) as client:
        again = [client.delivered(), client.delivered()]
        for message in again:
            take(client, message)
        assert client.heard() == []
    assert [m.packet_id for m in again] == [m.packet_id for m in first]
    assert [(m.payload, m.qos, m.dup) for m in again] == [(b"1", 1, True), (b"2", 2, True)]
    with on_wire(at, name, clean=False) as client:
        assert client.heard() == []
    with on_wire(at, name):
        pass


def test_an_exchange_half_done_goes_on_where_it_was(
    at: BrokerAddress, name: str, topic: str
) -> None:
    with on_wire(at, name, clean=False) as client, on_wire(at, f"{name}-writer") as writer:
        client.subscribe(topic, 2)
        writer.publish(topic, b"said", 2)
        message = client.delivered()
        client.send(acknowledge(PUBREC, message.packet_id))
        client.expect(PUBREL)
        client.close()
    with on_wire(at, name, clean=False) as client:
        assert int.from_bytes(client.expect(PUBREL)) == message.packet_id
        client.send(acknowledge(PUBCOMP, message.packet_id))
        assert client.heard() == []
    with on_wire(at, name):
        pass


def test_a_client_without_an_id_gets_one_but_no_lasting_session(at: BrokerAddress) -> None:
    with on_wire(at) as client:
        assert client.connect("") is False
    with on_wire(at) as client:
        client.send(connect("", clean=False))
        assert client.expect(CONNACK) == b"\x00\x02"
        assert client.is_closed()


# Takeover.


@pytest.mark.parametrize("clean", [True, False])
def test_a_second_connection_closes_the_first_and_is_served(
    at: BrokerAddress, name: str, topic: str, clean: bool
) -> None:
    with on_wire(at, name, clean=clean) as first:
        first.subscribe(topic, 1)
        with on_wire(at) as second:
            assert second.connect(name, clean=clean) is not clean
            assert first.is_closed()
            if clean:
                second.subscribe(topic, 1)
            second.send(publish(topic, b"said"))
            assert second.delivered() == Delivered(topic, b"said")
    with on_wire(at, name):
        pass


def test_a_takeover_publishes_the_will_of_the_first(
    at: BrokerAddress, name: str, topic: str
) -> None:
    with on_wire(at, f"{name}-watcher") as watcher:
        watcher.subscribe(topic, 1)
        with on_wire(at, name, will=Will(topic)), on_wire(at, name):
            assert watcher.delivered() == Delivered(topic, b"gone")


# Wills.


def end_by_silence(client: Wire) -> None:
    """Do nothing."""


def end_by_breaking_the_protocol(client: Wire) -> None:
    client.send(packet(0xF0))


def end_without_a_word(client: Wire) -> None:
    client.close()


@pytest.mark.parametrize(
    ("end", "retain"),
    [
        (end_by_silence, True),
        (end_by_breaking_the_protocol, False),
        (end_without_a_word, False),
        (end_without_a_word, True),
    ],
)
def test_every_end_but_a_goodbye_publishes_the_will(
    case: Case, name: str, topic: str, end: Callable[[Wire], None], retain: bool
) -> None:
    at, will = case.address, Will(topic, b"lost", 1, retain=retain)
    with on_wire(at, f"{name}-watcher") as watcher:
        watcher.patience(case.profile.gives_up_within_s)
        watcher.subscribe(topic, 1)
        with on_wire(at, name, keep_alive=1, will=will) as client:
            end(client)
            message = watcher.delivered()
            take(watcher, message)
        watcher.subscribe(topic, 0)
        kept = [Delivered.of(found) for found in watcher.heard()]
        watcher.publish(topic, b"", 0, retain=True)
    assert (message.payload, message.qos, message.retain) == (b"lost", 1, False)
    assert kept == ([Delivered(topic, b"lost", retain=True)] if retain else [])


def test_a_goodbye_publishes_no_will(at: BrokerAddress, name: str, topic: str) -> None:
    with on_wire(at, f"{name}-watcher") as watcher:
        watcher.subscribe(topic, 1)
        with on_wire(at, name, will=Will(topic)) as client:
            client.send(b"\xe0\x00")
            assert client.is_closed()
        assert watcher.heard() == []


def test_a_silent_client_is_given_up_after_one_and_a_half_keep_alives(
    case: Case, name: str
) -> None:
    with on_wire(case.address, name, keep_alive=1) as client:
        client.patience(case.profile.gives_up_within_s)
        started = time.monotonic()
        assert client.is_closed()
    assert time.monotonic() - started >= 1.4


def test_any_packet_keeps_a_connection_alive(at: BrokerAddress, name: str, topic: str) -> None:
    with on_wire(at, name, keep_alive=1) as client, on_wire(at, f"{name}-clock") as clock:
        deadline = time.monotonic() + 2.5
        while (left := deadline - time.monotonic()) > 0:
            client.send(publish(topic, b"here"))
            clock.patience(min(left, 0.5))  # nothing comes: it is a wait
            with pytest.raises(TimeoutError):
                clock.receive()
        assert client.heard() == []


# What is not MQTT 3.1.1.


def test_an_unknown_protocol_is_shown_out(at: BrokerAddress) -> None:
    with on_wire(at) as client:
        client.send(packet(0x10, text("hj") + b"\x04\x02\x00\x3c" + text("x")))
        assert client.is_closed()


def test_a_second_connect_ends_the_connection(at: BrokerAddress, name: str) -> None:
    with on_wire(at, name) as client:
        client.send(connect(name))
        assert client.is_closed()
