"""What ``fleetbus up`` decides: what to start, when it is ready, and when to start it again."""

import json
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from coordinator.cli.fleet_state import FleetState
from coordinator.cli.up import ports
from coordinator.cli.up.parts import Kind, agent_parts, broker_part, coordinator_part
from coordinator.cli.up.process import how_it_ended
from coordinator.cli.up.readiness import Before, BrokerPorts, broker_ports
from coordinator.cli.up.restarts import OF_AN_AGENT, OF_THE_CORE, Restarts
from coordinator.plan.load import parse
from coordinator.plan.schema import FleetPlan
from coordinator.settings import CoordinatorSettings
from protocol.messages import CoordinatorPresence, Presence
from protocol.topics import Topics
from protocol.vocabulary import CoordinatorState, PresenceState
from tests.support.brokers import HOST, free_port

SETTINGS = CoordinatorSettings(plan=Path("p.json"), data=Path("d"), mqtt_port=1999, http_port=81)


def plan(**agent: Any) -> FleetPlan:
    given = {"name": "Main", "auto_start": True, **agent}
    return parse(json.dumps({"fleet_name": "f", "agents": [given]}).encode())


def presence(boot: str, state: PresenceState = PresenceState.ONLINE) -> Presence:
    return Presence(ts_ms=0, agent="Main", boot=boot * 32, epoch=1, conn=1, seq=1, state=state)


def coordinator(term: int, state: CoordinatorState) -> CoordinatorPresence:
    return CoordinatorPresence(ts_ms=0, coord="c", term=term, state=state)


def test_each_end_doubles_the_wait_up_to_the_longest() -> None:
    policy = Restarts(limit=10, window_s=1000, first_s=1, longest_s=5)
    ends = [100.0, 110.0, 120.0, 130.0]
    waits = [policy.next_start(ends[: n + 1]) for n in range(4)]
    assert waits == [101, 112, 124, 135]


def test_ends_outside_the_window_are_forgotten() -> None:
    policy = Restarts(limit=2, window_s=60, first_s=1, longest_s=30)
    assert policy.next_start([0, 1, 2, 500]) == 501


def test_too_many_ends_within_the_window_are_the_last() -> None:
    policy = Restarts(limit=2, window_s=60, first_s=1, longest_s=30)
    assert policy.next_start([0, 1]) is not None
    assert policy.next_start([0, 1, 2]) is None


def test_an_agent_is_given_more_chances_than_the_core() -> None:
    assert OF_AN_AGENT.limit > OF_THE_CORE.limit


def test_the_parts_are_told_where_everything_is() -> None:
    broker = broker_part(SETTINGS).command
    assert broker[:3] == (sys.executable, "-m", "broker")
    assert broker[broker.index("--mqtt-port") + 1] == "1999"
    assert broker[broker.index("--secret-file") + 1] == str(Path("d/coordinator.secret"))
    own = coordinator_part(SETTINGS).command
    assert own[own.index("--data") + 1] == "d"
    assert own[own.index("--mqtt-port") + 1] == "1999"


def test_only_agents_that_the_plan_starts_here_are_started() -> None:
    assert agent_parts(SETTINGS, plan(auto_start=False)) == []


def test_a_ready_made_agent_is_told_what_the_plan_says_of_it() -> None:
    (part,) = agent_parts(
        SETTINGS,
        plan(
            capabilities=["quest", "combat"],
            slots=2,
            machine_id="M",
            window_id="W",
            heartbeat_interval=3,
            config_path="not/here.json",
        ),
    )
    words = " ".join(part.command[1:])
    assert words.startswith("-m agent_client Main --capability quest --capability combat")
    assert "--slots 2 --broker mqtt://127.0.0.1:1999 --root fleet" in words
    assert "--machine-id M --window-id W --heartbeat 3" in words
    assert "--config" not in words


def test_a_bot_of_the_plans_own_is_run_with_the_bus_in_its_environment() -> None:
    (part,) = agent_parts(SETTINGS, plan(command=["./bot", "--fast"]))
    assert part.command == ("./bot", "--fast")
    assert part.environment == {
        "FLEETBUS_AGENT": "Main",
        "FLEETBUS_BROKER": "mqtt://127.0.0.1:1999",
        "FLEETBUS_BROKER_PROFILE": "embedded",
        "FLEETBUS_ROOT": "fleet",
    }


def test_no_password_stands_on_a_command_line_and_none_is_given_to_agents() -> None:
    settings = CoordinatorSettings(broker="mqtt://boss:hunter2@host:1")
    own, agent = coordinator_part(settings), agent_parts(settings, plan())[0]
    assert "hunter2" not in " ".join((*own.command, *agent.command))
    assert own.environment["FLEETBUS_BROKER"] == "mqtt://boss:hunter2@host:1"
    assert agent.environment["FLEETBUS_BROKER"] == "mqtt://host:1"


def test_an_agent_named_broker_has_a_log_of_its_own() -> None:
    (agent,) = agent_parts(SETTINGS, plan(name="broker"))
    assert agent.kind is Kind.AGENT
    assert agent.log_name != broker_part(SETTINGS).log_name
    assert agent.title != broker_part(SETTINGS).title


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


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (3, "ended with exit status 3"),
        (-9, "was killed by SIGKILL"),
        (-250, "was killed by signal 250"),
    ],
)
def test_an_exit_status_is_told_in_words(status: int, said: str) -> None:
    assert how_it_ended(status) == said
