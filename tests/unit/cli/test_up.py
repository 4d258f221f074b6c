"""What ``fleetbus up`` decides: what to start, when it is ready, and when to start it again."""

import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from coordinator.cli.fleet_state import FleetState
from coordinator.cli.up import ports
from coordinator.cli.up.hosted import AgentsSeen
from coordinator.cli.up.parts import broker_part, coordinator_part, host_part
from coordinator.cli.up.readiness import Before, BrokerPorts, broker_ports
from coordinator.settings import CoordinatorSettings
from protocol.messages import CoordinatorPresence, Presence
from protocol.topics import Topics
from protocol.vocabulary import CoordinatorState, PresenceState
from tests.support.brokers import HOST, free_port

SETTINGS = CoordinatorSettings(plan=Path("p.json"), data=Path("d"), mqtt_port=1999, http_port=81)


def presence(boot: str, state: PresenceState = PresenceState.ONLINE) -> Presence:
    return Presence(ts_ms=0, agent="Main", boot=boot * 32, epoch=1, conn=1, seq=1, state=state)


def coordinator(term: int, state: CoordinatorState) -> CoordinatorPresence:
    return CoordinatorPresence(ts_ms=0, coord="c", term=term, state=state)


def test_the_parts_are_told_where_everything_is() -> None:
    broker = broker_part(SETTINGS).command
    assert broker[:3] == (sys.executable, "-m", "broker")
    assert broker[broker.index("--mqtt-port") + 1] == "1999"
    assert broker[broker.index("--secret-file") + 1] == str(Path("d/coordinator.secret"))
    own = coordinator_part(SETTINGS).command
    assert own[own.index("--data") + 1] == "d"
    assert own[own.index("--mqtt-port") + 1] == "1999"


def test_the_host_plays_for_every_machine_and_keeps_its_things_in_the_data_directory() -> None:
    command = host_part(SETTINGS).command
    assert command[:3] == (sys.executable, "-m", "agent_client.host")
    words = " ".join(command)
    assert "--stand-in --broker mqtt://127.0.0.1:1999 --root fleet --state-dir d" in words


def test_no_password_stands_on_a_command_line_and_none_is_given_to_agents() -> None:
    settings = CoordinatorSettings(broker="mqtt://boss:hunter2@host:1")
    own, host = coordinator_part(settings), host_part(settings)
    assert "hunter2" not in " ".join((*own.command, *host.command))
    assert own.environment["FLEETBUS_BROKER"] == "mqtt://boss:hunter2@host:1"
    assert "mqtt://host:1" in host.command
    assert "hunter2" not in str(host.environment)


def hosted(state: str, **more: Any) -> list[dict[str, Any]]:
    return [{"agent": "Main", "state": state, **more}]


def test_what_the_host_writes_down_is_told_once() -> None:
    seen, logs = AgentsSeen(), Path("logs")
    assert seen.look(hosted("running", pid=7), logs) == ["✔ agent Main runs (pid 7)"]
    assert seen.running == {"Main": 7}
    assert seen.look(hosted("running", pid=7), logs) == []
    waiting = hosted("waiting", exit="was killed by SIGKILL")
    (line,) = seen.look(waiting, logs)
    assert "agent Main was killed by SIGKILL; starting it again soon" in line
    assert seen.look(waiting, logs) == []
    (line,) = seen.look(hosted("running", pid=8, restarts=1), logs)
    assert "agent Main runs again (pid 8)" in line
    lines = seen.look(hosted("error", exit="gave up", last_lines=["\x1b[31mno game"]), logs)
    assert lines[-1] == "  [31mno game"
    assert seen.ailing == {"Main"}


def test_the_broker_is_ready_when_it_says_its_ports() -> None:
    assert broker_ports(["warming up", "{not json"]) is None
    assert broker_ports(["x", '{"mqtt_port": 5, "ws_port": 6}']) == BrokerPorts(5, 6)


@pytest.mark.parametrize(
    ("said", "up"),
    [
        (coordinator(3, CoordinatorState.ONLINE), False),
        (coordinator(4, CoordinatorState.OFFLINE), False),
        (coordinator(4, CoordinatorState.RECOVERING), True),
        (coordinator(4, CoordinatorState.ONLINE), True),
    ],
)
def test_a_coordinator_of_an_earlier_life_is_not_taken_for_the_one_just_started(
    said: CoordinatorPresence, up: bool
) -> None:
    state = FleetState(Topics())
    state.coordinator = coordinator(3, CoordinatorState.ONLINE)
    before = Before.of(state)
    state.coordinator = said
    assert before.coordinator_is_up(state) is up


@pytest.mark.parametrize(
    ("said", "up"),
    [
        (presence("a"), False),
        (presence("b", PresenceState.LOST), False),
        (presence("b"), True),
    ],
)
def test_an_agent_of_an_earlier_life_is_not_taken_for_the_one_just_started(
    said: Presence, up: bool
) -> None:
    state = FleetState(Topics())
    state.presences["Main"] = presence("a")
    before = Before.of(state)
    state.presences["Main"] = said
    assert before.agent_is_up(state, "Main") is up


def test_a_taken_port_is_named_with_its_flag() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ports.PortTaken, match=f"--ws-port {port}: .*the port is in use"):
            ports.usable("--ws-port", HOST, port)
        assert ports.answers(HOST, port)
    free = free_port()
    assert ports.usable("--ws-port", HOST, free) == free
    assert ports.usable("--ws-port", HOST, 0) > 0
