"""Last wills and ends of connections on the embedded broker."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from tests.support.brokers import BrokerAddress
from tests.support.mqtt import ACCEPTED, NOT_AUTHORIZED, Received, TestClient, connected

ROOT: Final = "fleet/v1"
LOST: Final = b'{"state":"lost"}'

VICTIM: Final = """
import sys, threading
from tests.support.mqtt import TestClient
from tests.support.brokers import BrokerAddress

port, name, keepalive = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
client = TestClient(
    name,
    username=name,
    will=(f"fleet/v1/agents/{name}/presence", b'{"state":"lost"}'),
    keepalive=keepalive,
)
client.connect(BrokerAddress("127.0.0.1", port, None, "", None, None))
print("connected", flush=True)
threading.Event().wait()
"""


def start_victim(broker: BrokerAddress, name: str, keepalive: int = 60) -> subprocess.Popen[str]:
    victim = subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(broker.port), name, str(keepalive)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert victim.stdout is not None
    assert victim.stdout.readline() == "connected\n"
    return victim


@pytest.mark.parametrize(
    ("topic", "answer"),
    [
        ("agents/{self}/presence", ACCEPTED),
        ("agents/{self}/report", NOT_AUTHORIZED),
        ("agents/another/presence", NOT_AUTHORIZED),
        ("coordinator/presence", NOT_AUTHORIZED),
        ("submit/{self}", NOT_AUTHORIZED),
        ("inbox/another/desired", NOT_AUTHORIZED),
    ],
)
def test_an_agent_whose_will_is_not_its_presence_does_not_get_in(
    broker: BrokerAddress, name: str, topic: str, answer: str
) -> None:
    will = (f"{ROOT}/{topic.format(self=name)}", LOST)
    client = TestClient(name, username=name, will=will)
    assert client.connect(broker) == answer
    client.close()


def test_an_observer_may_have_no_will(broker: BrokerAddress) -> None:
    client = TestClient(will=(f"{ROOT}/events", b"boo"))
    assert client.connect(broker) == NOT_AUTHORIZED
    client.close()


def test_the_coordinators_will_is_its_presence(broker: BrokerAddress) -> None:
    with connected(broker, "coordinator", will=(f"{ROOT}/coordinator/presence", b"offline")):
        pass
    with pytest.raises(ConnectionRefusedError):  # noqa: SIM117  # two steps, one refused
        with connected(broker, "coordinator", will=(f"{ROOT}/events", b"offline")):
            pass


def test_the_will_of_a_killed_client_is_known_within_a_second(
    broker: BrokerAddress, name: str
) -> None:
    topic = f"{ROOT}/agents/{name}/presence"
    with connected(broker) as observer:
        observer.subscribe(topic)
        with start_victim(broker, name) as victim:
            victim.kill()
            assert observer.receive(within_s=1) == Received(topic, LOST, retain=False)
    with connected(broker) as late:
        late.subscribe(topic)
        assert late.receive() == Received(topic, LOST, retain=True)


def test_a_frozen_client_is_given_up_after_one_and_a_half_keepalives(
    broker: BrokerAddress, name: str
) -> None:
    topic = f"{ROOT}/agents/{name}/presence"
    with connected(broker) as observer:
        observer.subscribe(topic)
        with start_victim(broker, name, keepalive=1) as victim:
            os.kill(victim.pid, signal.SIGSTOP)
            frozen = time.monotonic()
            try:
                assert observer.receive().payload == LOST
                assert time.monotonic() - frozen < 3
            finally:
                victim.kill()


def test_a_forged_figure_is_dropped_and_its_sender_served_on(
    broker: BrokerAddress, name: str
) -> None:
    figure = "$SYS/broker/uptime"
    with connected(broker) as observer, connected(broker, name) as agent:
        assert observer.subscribe(figure) == 1
        assert observer.receive().payload.endswith(b" seconds")
        agent.publish(figure, b"forged", retain=True)
        assert agent.subscribe(figure) == 1
        assert agent.receive().payload.endswith(b" seconds")
        observer.subscribe(f"{ROOT}/agents/{name}/report")
        agent.publish(f"{ROOT}/agents/{name}/report", b"last")
        heard = observer.receive_until(b"last")
    assert all(message.payload.endswith(b" seconds") for message in heard)


def test_a_clean_goodbye_leaves_no_will(broker: BrokerAddress, name: str) -> None:
    topic = f"{ROOT}/agents/{name}/presence"
    with connected(broker, "coordinator") as coordinator, connected(broker) as observer:
        observer.subscribe(topic)
        with connected(broker, name, will=(topic, LOST)):
            pass
        coordinator.publish(topic, b"last")
        assert observer.receive_until(b"last") == []


def test_a_second_connection_of_the_same_name_ends_the_first_and_works(
    broker: BrokerAddress, name: str
) -> None:
    inbox = f"{ROOT}/inbox/{name}/desired"
    first = TestClient(name, username=name)
    assert first.connect(broker) == ACCEPTED
    assert first.subscribe(inbox) == 1
    with connected(broker, name) as second, connected(broker, "coordinator") as coordinator:
        assert first.disconnected.wait(5)
        assert second.subscribe(inbox) == 1
        coordinator.publish(inbox, b"order")
        assert second.receive().payload == b"order"
    first.close()
