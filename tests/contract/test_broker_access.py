"""The access table, as clients of the embedded broker meet it."""

import socket
from collections.abc import Callable
from typing import Final

import pytest

from tests.support.brokers import BrokerAddress
from tests.support.mqtt import (
    ACCEPTED,
    NOT_AUTHORIZED,
    REFUSED_FILTER,
    Received,
    TestClient,
    connected,
)

ROOT: Final = "fleet/v1"
LAST: Final = b"last"


@pytest.mark.parametrize(
    ("topic", "allowed"),
    [
        ("agents/{self}/presence", True),
        ("agents/{self}/info", True),
        ("agents/{self}/heartbeat", True),
        ("agents/{self}/metrics", True),
        ("agents/{self}/report", True),
        ("submit/{self}", True),
        ("agents/{self}/anything", False),
        ("agents/{other}/presence", False),
        ("submit/{other}", False),
        ("inbox/{self}/desired", False),
        ("inbox/{other}/lease", False),
        ("registry/{self}", False),
        ("tasks/one", False),
        ("coordinator/presence", False),
        ("events", False),
        ("replies/{self}", False),
    ],
)
def test_an_agent_is_heard_on_its_own_topics_only(
    broker: BrokerAddress, new_name: Callable[[], str], topic: str, allowed: bool
) -> None:
    name, other = new_name(), new_name()
    full = f"{ROOT}/{topic.format(self=name, other=other)}"
    with connected(broker, "coordinator") as coordinator, connected(broker, name) as agent:
        assert coordinator.subscribe(f"{ROOT}/#") == 1
        agent.publish(full, b"said")
        agent.publish(f"{ROOT}/agents/{name}/report", LAST)
        heard = [message for message in coordinator.receive_until(LAST) if not message.retain]
    assert heard == ([Received(full, b"said", retain=False)] if allowed else [])


@pytest.mark.parametrize("topic", ["agents/one/presence", "submit/one", "events", "tasks/one"])
def test_an_observer_is_never_heard(broker: BrokerAddress, name: str, topic: str) -> None:
    with (
        connected(broker, "coordinator") as coordinator,
        connected(broker, name) as agent,
        connected(broker) as observer,
    ):
        coordinator.subscribe(f"{ROOT}/#")
        observer.publish(f"{ROOT}/{topic}", b"said")
        agent.publish(f"{ROOT}/agents/{name}/report", LAST)
        assert [m.payload for m in coordinator.receive_until(LAST)] == []


def test_a_refused_message_is_not_retained_either(broker: BrokerAddress, name: str) -> None:
    with connected(broker, name) as agent, connected(broker, "coordinator") as coordinator:
        agent.publish(f"{ROOT}/registry/{name}", b"forged", retain=True)
        agent.publish(f"{ROOT}/agents/{name}/report", b"after")
        coordinator.subscribe(f"{ROOT}/registry/{name}")
        coordinator.publish(f"{ROOT}/registry/{name}", LAST)
        assert coordinator.receive_until(LAST) == []


def test_the_coordinator_speaks_everywhere_but_cannot_ask_itself(
    broker: BrokerAddress, name: str
) -> None:
    with connected(broker, "coordinator") as coordinator:
        coordinator.subscribe(f"{ROOT}/#")
        coordinator.publish(f"{ROOT}/submit/{name}", b"asked")
        coordinator.publish(f"{ROOT}/replies/{name}", b"answered")
        coordinator.publish(f"{ROOT}/events", LAST)
        assert [m.payload for m in coordinator.receive_until(LAST)] == [b"answered"]


@pytest.mark.parametrize(
    ("pattern", "granted"),
    [
        ("fleet/v1/inbox/{self}/#", True),
        ("fleet/v1/inbox/{self}/desired", True),
        ("fleet/v1/replies/{self}", True),
        ("fleet/v1/agents/+/presence", True),
        ("fleet/v1/#", True),
        ("#", True),
        ("fleet/v1/replies/{other}", False),
        ("fleet/v1/submit/#", False),
        ("fleet/v1/submit/{self}", False),
        ("fleet/v2/#", False),
        ("$SYS/#", True),
        ("$SYS/broker/uptime", True),
        ("$share/group/fleet/v1/#", False),
    ],
)
def test_a_filter_that_could_never_deliver_is_refused(
    broker: BrokerAddress, new_name: Callable[[], str], pattern: str, granted: bool
) -> None:
    name, other = new_name(), new_name()
    with connected(broker, name) as client:
        code = client.subscribe(pattern.format(self=name, other=other))
    assert code == (1 if granted else REFUSED_FILTER)


@pytest.mark.parametrize("pattern", [b"fleet/v1/agents/#/presence", b"fleet/v1/agents/a+/info"])
def test_a_filter_outside_the_grammar_is_refused(broker: BrokerAddress, pattern: bytes) -> None:
    subscribe = b"\x00\x01" + len(pattern).to_bytes(2) + pattern + b"\x01"
    with (
        socket.create_connection((broker.host, broker.port), timeout=5) as observer,
        observer.makefile("rb") as answers,
    ):
        observer.sendall(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00")
        assert answers.read(4) == b"\x20\x02\x00\x00"
        observer.sendall(b"\x82" + len(subscribe).to_bytes(1) + subscribe)
        assert answers.read(5) == b"\x90\x03\x00\x01\x80"


def test_a_wide_subscription_shows_an_observer_all_but_requests_and_replies(
    broker: BrokerAddress, name: str
) -> None:
    with (
        connected(broker, "coordinator") as coordinator,
        connected(broker, name) as operator,
        connected(broker) as observer,
    ):
        assert observer.subscribe("fleet/v1/#") == 1
        coordinator.subscribe(f"{ROOT}/submit/{name}")
        operator.publish(f"{ROOT}/submit/{name}", b"a request")
        assert coordinator.receive().payload == b"a request"
        coordinator.publish(f"{ROOT}/replies/{name}", b"a reply")
        coordinator.publish(f"{ROOT}/inbox/{name}/desired", b"an order")
        coordinator.publish(f"{ROOT}/events", LAST)
        assert [m.payload for m in observer.receive_until(LAST)] == [b"an order"]


def test_a_reply_reaches_its_client_and_no_other(
    broker: BrokerAddress, new_name: Callable[[], str]
) -> None:
    name, other = new_name(), new_name()
    with (
        connected(broker, "coordinator") as coordinator,
        connected(broker, name) as client,
        connected(broker, other) as stranger,
    ):
        for reader in (client, stranger):
            assert reader.subscribe("fleet/v1/#") == 1
        coordinator.publish(f"{ROOT}/replies/{name}", b"for you")
        coordinator.publish(f"{ROOT}/events", LAST)
        assert [m.payload for m in client.receive_until(LAST)] == [b"for you"]
        assert stranger.receive_until(LAST) == []


def publish_and_see(coordinator: TestClient, topic: str, payload: bytes) -> None:
    """Publish a retained message and wait until it is routed, which is later than acknowledged."""
    coordinator.publish(topic, payload, retain=True)
    coordinator.receive_until(payload)


def test_retained_messages_are_replayed_within_the_readers_rights(
    broker: BrokerAddress, name: str
) -> None:
    with connected(broker, name) as client, connected(broker, "coordinator") as coordinator:
        coordinator.subscribe(f"{ROOT}/#")
        client.publish(f"{ROOT}/submit/{name}", b"a request", retain=True)
        coordinator.receive_until(b"a request")
        publish_and_see(coordinator, f"{ROOT}/replies/{name}", b"a reply")
        publish_and_see(coordinator, f"{ROOT}/registry/{name}", b"public")
        with connected(broker) as observer:
            observer.subscribe("fleet/v1/+/+")
            coordinator.publish(f"{ROOT}/registry/{name}", LAST)
            replayed = observer.receive_until(LAST)
        for topic in ("replies", "registry"):
            coordinator.publish(f"{ROOT}/{topic}/{name}", b"", retain=True)
        client.publish(f"{ROOT}/submit/{name}", b"", retain=True)
    assert Received(f"{ROOT}/registry/{name}", b"public", retain=True) in replayed
    assert not {b"a request", b"a reply"} & {message.payload for message in replayed}


def test_a_newcomer_gets_nothing_retained_before_it_subscribes(
    broker: BrokerAddress, name: str
) -> None:
    topic = f"{ROOT}/registry/{name}"
    with connected(broker, "coordinator") as coordinator, connected(broker) as watcher:
        coordinator.subscribe(topic)
        assert watcher.subscribe(f"{ROOT}/registry/+") == 1
        publish_and_see(coordinator, topic, b"kept")
        with connected(broker) as newcomer:
            assert newcomer.subscribe(f"{ROOT}/events") == 1
            coordinator.publish(f"{ROOT}/events", LAST)
            assert newcomer.receive_until(LAST) == []
        publish_and_see(coordinator, topic, b"")


def test_an_empty_retained_message_clears_its_topic(broker: BrokerAddress, name: str) -> None:
    topic = f"{ROOT}/registry/{name}"
    with connected(broker, "coordinator") as coordinator, connected(broker) as observer:
        coordinator.subscribe(topic)
        publish_and_see(coordinator, topic, b"kept")
        publish_and_see(coordinator, topic, b"")
        observer.subscribe(topic)
        coordinator.publish(topic, LAST)
        assert observer.receive_until(LAST) == []


@pytest.mark.parametrize(
    ("client_id", "username", "password", "answer"),
    [
        pytest.param("", None, None, ACCEPTED, id="an observer without a client id"),
        pytest.param("mqtt-explorer", None, None, ACCEPTED, id="an observer with one"),
        pytest.param("pair", "pair", None, ACCEPTED, id="an agent"),
        pytest.param("pair", "pair", "any", ACCEPTED, id="an agent with a needless password"),
        pytest.param("other", "pair", None, NOT_AUTHORIZED, id="a wrong pair"),
        pytest.param("", "pair", None, NOT_AUTHORIZED, id="a username without client id"),
        pytest.param("no/name", "no/name", None, NOT_AUTHORIZED, id="no valid name"),
        pytest.param("observer", "observer", None, NOT_AUTHORIZED, id="a reserved name"),
        pytest.param("coordinator", "coordinator", None, NOT_AUTHORIZED, id="no password"),
        pytest.param("coordinator", "coordinator", "guess", NOT_AUTHORIZED, id="a wrong one"),
        pytest.param("bot", "coordinator", "<secret>", NOT_AUTHORIZED, id="a foreign client id"),
        pytest.param("coordinator", None, None, NOT_AUTHORIZED, id="an observer in disguise"),
        pytest.param("fleet/coordinator", None, None, NOT_AUTHORIZED, id="in a thin disguise"),
        pytest.param("coordinator", "coordinator", "<secret>", ACCEPTED, id="the coordinator"),
        pytest.param("coordinator-2", "coordinator-2", "<secret>", ACCEPTED, id="a stand-by"),
        pytest.param("coordinator-x", "coordinator", "<secret>", ACCEPTED, id="with a suffix"),
    ],
)
def test_who_gets_in(
    broker: BrokerAddress, client_id: str, username: str | None, password: str | None, answer: str
) -> None:
    if password == "<secret>":
        password = broker.coordinator_password
    client = TestClient(client_id, username=username, password=password)
    assert client.connect(broker) == answer
    client.close()


def test_a_session_that_outlives_its_connection_is_refused(
    broker: BrokerAddress, name: str
) -> None:
    client = TestClient(name, username=name, clean=False)
    assert client.connect(broker) == NOT_AUTHORIZED
    client.close()


def test_a_secret_that_others_may_read_lets_nobody_in(broker: BrokerAddress) -> None:
    broker.secret_file.chmod(0o640)
    try:
        with pytest.raises(ConnectionRefusedError), connected(broker, "coordinator"):
            pass
    finally:
        broker.secret_file.chmod(0o600)
    with connected(broker, "coordinator"):
        pass
    log = (broker.secret_file.parent / "broker.log").read_text()
    assert f"chmod 600 {broker.secret_file}" in log


def test_the_secret_is_read_at_each_attempt(broker: BrokerAddress) -> None:
    def attempt(password: str) -> str:
        client = TestClient("coordinator", username="coordinator", password=password)
        answer = client.connect(broker)
        client.close()
        return answer

    before = broker.secret_file.read_text()
    try:
        broker.secret_file.write_text("changed")
        assert attempt("changed") == ACCEPTED
        assert attempt(before.strip()) == NOT_AUTHORIZED
        broker.secret_file.unlink()
        assert attempt("changed") == NOT_AUTHORIZED
    finally:
        broker.secret_file.touch(mode=0o600)
        broker.secret_file.write_text(before)
    assert attempt(before.strip()) == ACCEPTED


def test_a_refused_connection_does_not_disturb_the_rightful_one(
    broker: BrokerAddress, name: str
) -> None:
    with connected(broker, "coordinator") as coordinator, connected(broker, name) as agent:
        coordinator.subscribe(f"{ROOT}/agents/{name}/report")
        impostor = TestClient("coordinator", username="coordinator", password="guess")
        assert impostor.connect(broker) == NOT_AUTHORIZED
        impostor.close()
        agent.publish(f"{ROOT}/agents/{name}/report", b"still here")
        assert coordinator.receive().payload == b"still here"
