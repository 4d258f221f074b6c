"""What anybody sees of a working fleet with a plain MQTT client."""

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.conftest import AGENTS
from tests.support.bus_client import BusClient, Heard
from tests.support.fleet_process import CAPABILITIES, HEARTBEAT_S, Fleet

COORDINATOR_ENVELOPE = {"v", "ts_ms", "coord", "term"}
AGENT_ENVELOPE = {"v", "ts_ms", "agent", "boot", "epoch", "conn", "seq"}


@pytest.fixture
def latecomer(shared: Fleet) -> Iterator[BusClient]:
    """Somebody who looks at a fleet that has been there for a while."""
    with BusClient(shared.where) as client:
        yield client


def mosquitto_sub(fleet: Fleet, *words: str) -> list[tuple[str, dict[str, Any]]]:
    """Listen with mosquitto's own client, and return what it printed, line by line."""
    printed = subprocess.run(
        ["mosquitto_sub", "-h", fleet.where.host, "-p", str(fleet.where.port), "-W", "5", "-v"]
        + [word.replace("<base>", fleet.where.base) for word in words],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = [line.split(" ", 1) for line in printed.splitlines()]
    return [(topic.removeprefix(f"{fleet.where.base}/"), json.loads(text)) for topic, text in lines]


def test_an_agents_retained_statements_reach_whoever_comes_late(
    shared: Fleet, latecomer: BusClient
) -> None:
    for name in AGENTS:
        for channel in ("presence", "info", "heartbeat", "metrics"):
            said = latecomer.wait_for(f"agents/{name}/{channel}", agent=name, v="1.0")
            assert said.keys() >= AGENT_ENVELOPE
            assert re.fullmatch("[0-9a-f]{32}", said["boot"])
            assert latecomer.on(f"agents/{name}/{channel}")[0].retain


def test_presence_says_that_an_agent_is_there(latecomer: BusClient) -> None:
    assert latecomer.wait_for("agents/Main/presence")["state"] == "online"


def test_info_says_what_an_agent_is(latecomer: BusClient) -> None:
    info = latecomer.wait_for("agents/Main/info")
    assert info["capabilities"] == list(CAPABILITIES)
    assert info["slots"] == 1
    assert {"pause", "cancel", "progress"} <= set(info["features"])
    assert info["heartbeat_s"] == HEARTBEAT_S
    assert info["machine_id"]
    assert info["window_id"] == "default"
    assert info["client"]["lang"] == "python"
    assert info["proto"] == {"min": "1.0", "max": "1.0"}


def test_heartbeats_come_at_their_interval_and_count_up(latecomer: BusClient) -> None:
    topic = "agents/Main/heartbeat"
    latecomer.wait("four heartbeats", lambda: len(_live(latecomer, topic)) >= 4)
    first, *_, last = _live(latecomer, topic)[:4]
    assert [last.document["seq"] - first.document["seq"], last.document["holding"]] == [3, []]
    assert first.document["interval_s"] == HEARTBEAT_S
    assert first.document["slots_free"] == 1
    assert 2 * HEARTBEAT_S < last.at - first.at < 3 * HEARTBEAT_S + 2


def _live(client: BusClient, topic: str) -> list[Heard]:
    return [heard for heard in client.on(topic) if not heard.retain]


def test_metrics_have_the_known_names_and_units(latecomer: BusClient) -> None:
    numbers = latecomer.wait_for("agents/Main/metrics")["m"]
    assert 0 <= numbers["cpu_usage"] <= 100
    assert 0 < numbers["memory_usage"] <= 100
    assert numbers["process_rss_bytes"] > 1_000_000


def test_desired_grants_as_of_a_heartbeat_of_this_boot(latecomer: BusClient) -> None:
    boot = latecomer.wait_for("agents/Main/presence")["boot"]
    desired = latecomer.wait_for("inbox/Main/desired", for_boot=boot)
    assert desired.keys() >= COORDINATOR_ENVELOPE | {"rev", "as_of", "report_ack", "tasks"}
    assert desired["mode"] == "active"
    assert latecomer.on("inbox/Main/desired")[0].retain


def test_every_heartbeat_is_answered_with_a_lease(latecomer: BusClient) -> None:
    boot = latecomer.wait_for("agents/Main/presence")["boot"]
    lease = latecomer.wait_for("inbox/Main/lease", boot=boot, granted=[])
    beat = latecomer.wait_for("agents/Main/heartbeat", seq=lease["as_of"] + 1)
    latecomer.wait_for("inbox/Main/lease", as_of=beat["seq"])
    assert not any(heard.retain for heard in latecomer.on("inbox/Main/lease"))


def test_the_registry_is_the_coordinators_view_of_each_agent(latecomer: BusClient) -> None:
    for name in AGENTS:
        card = latecomer.wait_for(f"registry/{name}", agent=name, status="idle", suspect=False)
        assert card.keys() >= COORDINATOR_ENVELOPE | {"health", "reasons", "errors_today"}
        assert card["capabilities"] == sorted(CAPABILITIES)
        assert card["holds"] == []
        assert card["epoch"] == latecomer.wait_for(f"agents/{name}/presence")["epoch"]
        assert card["last_heartbeat_ms"] > 0


def test_the_summary_tells_the_limits_and_who_is_there(latecomer: BusClient) -> None:
    summary = latecomer.wait_for("coordinator/summary", online_agents=len(AGENTS))
    assert summary["fleet_name"] == "Test fleet"
    assert summary["limits"]["global"]["max"] == 3
    assert summary["limits"]["mode:combat"]["max"] == 2


def test_a_task_shows_its_way_from_running_to_its_end(operator: BusClient) -> None:
    task = operator.create("seen", args={"sleep": 0.3}, agent="Main")
    running = operator.wait_for(f"tasks/{task}", status="running", phase="running")
    assert (running["agent"], running["attempt"], running["mode"]) == ("Main", 1, "quest")
    operator.wait_until_said("registry/Main", status="busy", holds=[task])
    ended = operator.wait_for(f"tasks/{task}", status="completed")
    assert ended["result"]["took_s"] >= 0.3
    assert ended["created_ms"] <= ended["started_ms"] <= ended["completed_ms"]
    operator.wait_for("registry/Main", status="idle", holds=[])
    with BusClient(operator.where) as latecomer:
        assert latecomer.wait_for(f"tasks/{task}") == ended
        assert latecomer.on(f"tasks/{task}")[0].retain


def test_the_assignment_of_a_task_is_in_desired_and_its_hold_in_the_heartbeat(
    operator: BusClient,
) -> None:
    task = operator.create("held", args={"sleep": 1.5}, agent="Heals", priority="high")
    desired = operator.wait(
        "an assignment",
        lambda: next(
            (
                heard.document
                for heard in operator.on("inbox/Heals/desired")
                if task in [held["task"] for held in heard.document["tasks"]]
            ),
            None,
        ),
    )
    assert desired is not None
    (assignment,) = desired["tasks"]
    assert assignment["args"] == {"sleep": 1.5}
    assert (assignment["fence"], assignment["want"]) == (1, "run")
    assert assignment["lease_s"] > assignment["margin_s"] > 0
    beat = operator.wait(
        "a heartbeat that lists it",
        lambda: next(
            (
                heard.document
                for heard in operator.on("agents/Heals/heartbeat")
                for held in heard.document["holding"]
                if held["task"] == task and held["phase"] == "running"
            ),
            None,
        ),
    )
    assert beat is not None
    assert beat["slots_free"] == 0
    operator.wait_for(f"tasks/{task}", status="completed")
    reports = [heard.document for heard in operator.on("agents/Heals/report")]
    # What is not acknowledged soon is said again, under its number.
    told = {report["seq"]: report["event"] for report in reports if report["task"] == task}
    assert [event for event in told.values() if event != "progress"] == ["started", "succeeded"]


def test_mosquittos_client_prints_the_fleet_as_lines_that_a_person_can_read(shared: Fleet) -> None:
    lines = mosquitto_sub(shared, "-t", "<base>/registry/#", "-C", str(len(AGENTS)))
    assert sorted(topic for topic, _ in lines) == sorted(f"registry/{name}" for name in AGENTS)
    assert {card["status"] for _, card in lines} == {"idle"}

    lines = mosquitto_sub(shared, "-t", "<base>/agents/+/presence", "-C", str(len(AGENTS)))
    assert {(said["agent"], said["state"]) for _, said in lines} == {(n, "online") for n in AGENTS}

    ((topic, said),) = mosquitto_sub(shared, "-t", "<base>/coordinator/presence", "-C", "1")
    assert (topic, said["state"]) == ("coordinator/presence", "online")


def test_mosquittos_client_sees_agents_live(shared: Fleet) -> None:
    lines = mosquitto_sub(shared, "-t", "<base>/agents/+/heartbeat", "-R", "-C", "8")
    assert {said["agent"] for _, said in lines} == set(AGENTS)
