"""The embedded broker as a process: its listeners, its refusals to start, and its end."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from broker.engine import Ports
from broker.errors import BadSetting, CannotListen, Exposed
from broker.exposure import check
from broker.server import serve
from broker.settings import BrokerSettings
from protocol.errors import BadName
from tests.support.brokers import BrokerAddress, embedded_broker, free_port, mosquitto_broker
from tests.support.mqtt import connected


def run_broker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "broker", *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        cwd=Path(__file__).parents[2],
    )


def test_both_listeners_serve_the_same_bus(broker: BrokerAddress, name: str) -> None:
    topic = f"fleet/v1/agents/{name}/report"
    with (
        connected(broker, "coordinator", transport="websockets") as coordinator,
        connected(broker, name) as agent,
        connected(broker, transport="websockets") as observer,
    ):
        assert coordinator.subscribe("fleet/v1/#") == 1
        assert observer.subscribe("fleet/v1/submit/#") == 0x80
        agent.publish(topic, b"over tcp")
        assert coordinator.receive().payload == b"over tcp"


@pytest.mark.parametrize("option", ["--mqtt-port", "--ws-port"])
def test_a_port_in_use_is_named_with_its_option(option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = {"--mqtt-port": "0", "--ws-port": "0", option: str(port)}
        ended = run_broker(*(part for pair in ports.items() for part in pair))
    assert ended.returncode == 1
    assert f"port {port}: the port is in use" in ended.stderr
    assert option in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_address_beyond_this_machine_ends_with_what_to_do_instead() -> None:
    ended = run_broker("--host", "0.0.0.0", "--mqtt-port", "0", "--ws-port", "0")
    assert ended.returncode == 2
    assert "'0.0.0.0'" in ended.stderr
    assert "fleetbus enroll" in ended.stderr
    assert "fleetbus certs" in ended.stderr


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.5", "10.0.0.1", "fe80::1", "example.org", "", "localhost."]
)
def test_other_machines_are_not_served_without_credentials(host: str) -> None:
    with pytest.raises(Exposed, match="--insecure-network"):
        check(BrokerSettings(host=host), enrolled=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_any_loopback_address_will_do(host: str) -> None:
    assert check(BrokerSettings(host=host), enrolled=False) is None


def test_ipv6_is_served() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "broker", "--host", "::1", "--mqtt-port", "0", "--ws-port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        ports = json.loads(process.stdout.readline())
        for port in (ports["mqtt_port"], ports["ws_port"]):
            socket.create_connection(("::1", port), timeout=5).close()
        process.terminate()


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"mqtt_port": 65536}, BadSetting),
        ({"ws_port": -1}, BadSetting),
        ({"mqtt_port": 4000, "ws_port": 4000}, BadSetting),
        ({"root": "a b"}, BadName),
    ],
)
def test_a_setting_out_of_range_is_refused_at_birth(
    wrong: dict[str, int], error: type[Exception]
) -> None:
    with pytest.raises(error):
        BrokerSettings(**wrong)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_within_two_seconds_with_clients_connected(
    tmp_path: Path, new_name: Callable[[], str], stop: signal.Signals
) -> None:
    with (
        embedded_broker(tmp_path) as broker,
        connected(broker, new_name()),
        connected(broker, transport="websockets"),
        socket.create_connection((broker.host, broker.port)),  # one that never says anything
    ):
        asked = time.monotonic()
        broker.process.send_signal(stop)
        assert broker.process.wait(5) == 0
        assert time.monotonic() - asked < 2
    assert (tmp_path / "broker.log").read_text() == ""


def test_it_can_be_started_again_on_the_same_port_at_once(tmp_path: Path, name: str) -> None:
    with embedded_broker(tmp_path) as broker:
        port = broker.port
        with connected(broker, name):
            pass
    with embedded_broker(tmp_path, mqtt_port=port) as broker, connected(broker, name):
        assert broker.port == port


def test_another_root_is_another_fleet(tmp_path: Path, name: str) -> None:
    with embedded_broker(tmp_path, root="site/north") as broker, connected(broker, name) as client:
        assert client.subscribe(f"site/north/v1/inbox/{name}/#") == 1
        assert client.subscribe(f"fleet/v1/inbox/{name}/#") == 0x80


def test_garbage_ends_only_its_own_connection(broker: BrokerAddress, name: str) -> None:
    with socket.create_connection((broker.host, broker.port), timeout=5) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        stranger.shutdown(socket.SHUT_WR)
        assert stranger.recv(1) == b""
    with connected(broker, name) as client:
        assert client.subscribe(f"fleet/v1/inbox/{name}/#") == 1


async def test_a_stranger_who_says_nothing_is_shown_out() -> None:
    stop, ready = asyncio.Event(), asyncio.Event()
    ports: list[Ports] = []
    settings = BrokerSettings(mqtt_port=0, ws_port=None, connect_within=timedelta(seconds=0.1))
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(settings, ready=ready.set, stop=stop, bound=ports.append))
        await ready.wait()
        reader, writer = await asyncio.open_connection("127.0.0.1", ports[0].mqtt)
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        stop.set()
    assert ports[0].ws is None


async def test_a_port_that_is_taken_is_an_error_to_whoever_awaits_the_broker() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = BrokerSettings(mqtt_port=taken.getsockname()[1], ws_port=0)
        with pytest.raises(CannotListen, match="--mqtt-port"):
            await serve(settings, ready=lambda: None, stop=asyncio.Event())


def test_refusals_are_logged_once_and_say_what_would_be_right(tmp_path: Path, name: str) -> None:
    with embedded_broker(tmp_path) as broker:
        with connected(broker, name) as agent:
            for _ in range(20):
                agent.publish("fleet/v1/events", b"forged")
        broker.secret_file.unlink()
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError), connected(broker, "coordinator"):
                pass
    log = (tmp_path / "broker.log").read_text()
    assert log.count("'fleet/v1/events'") == 1
    assert log.count(str(broker.secret_file)) >= 1
    assert log.count("refused 1 connection(s) of 'coordinator'") == 1


def test_mosquitto_serves_the_same_clients(tmp_path: Path, name: str) -> None:
    with (
        mosquitto_broker(tmp_path, mqtt_port=free_port()) as broker,
        connected(broker, name) as agent,
        connected(broker) as observer,
    ):
        assert observer.subscribe("fleet/v1/#") == 1
        agent.publish(f"fleet/v1/agents/{name}/report", b"heard")
        assert observer.receive().payload == b"heard"
