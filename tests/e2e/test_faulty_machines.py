"""Fleets on machines whose disk fails or whose wall clock is set while they work."""

import errno
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.books import read_books
from tests.support.bus_client import BusClient
from tests.support.faulty_machine import FaultyMachine
from tests.support.fleet_process import (
    HEARTBEAT_S,
    Fleet,
    broker_for_a_fleet,
    brokers_to_test,
    plan_of,
    running_fleet,
    wait_until_idle,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="preloads a library")

AGENTS: Final = ("A", "B")
LEASES: Final = {"heartbeat": HEARTBEAT_S, "lease_s": 30.0, "margin_s": 1.0}
DISK_FAULTS: Final = {
    ("write", errno.ENOSPC): "database or disk is full",
    ("write", errno.EIO): "disk I/O error",
    ("sync", errno.EIO): "disk I/O error",
}
DAY_S: Final = 86_400


def test_a_disk_that_is_full_or_fails_stops_nothing_that_runs_and_all_resumes_by_itself(
    tmp_path: Path,
) -> None:
    data = tmp_path / "fleet" / "data"
    machine = FaultyMachine(tmp_path / "machine", data)
    plan = plan_of(AGENTS, leases=LEASES)
    with (
        broker_for_a_fleet(brokers_to_test()[0], tmp_path) as where,
        running_fleet(
            where,
            tmp_path / "fleet",
            AGENTS,
            plan,
            ["--state-dir", str(data / "agents")],
            environment=machine.environment,
        ) as fleet,
    ):
        client = fleet.client("ops")
        tasks: list[str] = []
        for n, ((call, error), words) in enumerate(DISK_FAULTS.items()):
            tasks += one_outage(client, machine, n, (call, error), words)
        coordinator = fleet.part("coordinator")
        assert coordinator.process.poll() is None
        log = coordinator.said()
        assert log.count("nothing is assigned and no lease is granted until it can") == 3
        assert log.count("everything is stored now") == 3
        for name in AGENTS:
            statuses = {heard.document["status"] for heard in client.on(f"registry/{name}")}
            assert "offline" not in statuses
        failed = [name for name in AGENTS if "cannot be written" in fleet.part(name).said()]
        assert failed, "no agent's journal was on that disk"
        coordinator.kill()
        assert sorted(run.task for run in fleet.runs()) == sorted(tasks)
        assert {run.fence for run in fleet.runs()} == {1}
    assert read_books(data).statuses == dict.fromkeys(tasks, "completed")
    with closing(sqlite3.connect(data / "fleet.db")) as store:
        assert store.execute("PRAGMA quick_check").fetchall() == [("ok",)]


def one_outage(
    client: BusClient, machine: FaultyMachine, n: int, fault: tuple[str, int], words: str
) -> tuple[str, str]:
    """Let the disk fail while a task runs and another is asked for; return them, ended."""
    runs_on = client.create(f"runs on {n}", args={"sleep": 0.3})
    client.wait_for(f"tasks/{runs_on}", phase="running")
    machine.break_disk(*fault)
    spec = {"name": f"waits {n}", "mode": "quest", "args": {"sleep": 0}, "cancel_grace_s": 0.5}
    waits: dict[str, Any] = {"request_id": f"waits-{n}", "op": "create", "spec": spec}
    mark = len(client.heard)
    client.say("submit/ops", json.dumps(waits).encode())
    safe = client.wait_for("coordinator/presence", state="safe")
    assert words in safe["reason"]
    refused = client.ask("create", spec=spec)
    assert (refused["ok"], refused["code"]) == (False, "store_unavailable")
    assert words in refused["message"]
    assert refused["data"]["retry_after_s"] > 0
    assert client.ask("get")["ok"]
    client.wait("the end of what was running", lambda: was_reported(client, runs_on))
    said = [heard.document for heard in client.heard[mark:] if heard.topic == "replies/ops"]
    assert [reply for reply in said if reply["request_id"] == f"waits-{n}" and reply["ok"]] == []
    machine.mend_disk()
    client.wait_for("coordinator/presence", state="online")
    # It has waited with the batch that failed, or was refused because another had failed before.
    accepted = client.ask(**waits)
    assert accepted["ok"]
    for task in (runs_on, accepted["task"]):
        client.wait_for(f"tasks/{task}", status="completed", attempt=1)
    return runs_on, accepted["task"]


def was_reported(client: BusClient, task: str) -> bool:
    """Say whether the agent that had *task* has told of its end, whoever has stored that."""
    agent = client.latest(f"tasks/{task}")["agent"]
    told = [heard.document for heard in client.on(f"agents/{agent}/report")]
    return any(said["task"] == task and said["event"] == "succeeded" for said in told)


def test_a_wall_clock_that_is_set_neither_ends_a_lease_nor_makes_an_agent_dead_or_old(
    tmp_path: Path,
) -> None:
    machine = FaultyMachine(tmp_path / "machine", tmp_path / "fleet" / "data")
    plan = plan_of(AGENTS, leases=LEASES)
    with (
        broker_for_a_fleet(brokers_to_test()[0], tmp_path) as where,
        running_fleet(
            where, tmp_path / "fleet", AGENTS, plan, environment=machine.environment
        ) as fleet,
    ):
        client = fleet.client("ops")
        mark = len(client.heard)
        tasks = []
        for days in (-1, 1):
            task = client.create(f"outlasts {days} days", args={"sleep": 1.0})
            client.wait_for(f"tasks/{task}", phase="running")
            before_ms = client.latest("agents/A/heartbeat")["ts_ms"]
            machine.set_wall_clock(days * DAY_S)
            client.wait("the other time", lambda: has_jumped(client, before_ms))  # noqa: B023 -- waited for at once
            client.wait_for(f"tasks/{task}", status="completed", attempt=1)
            tasks += [task, *a_new_process_is_the_newer_one(fleet, client)]
        cards = [
            heard.document for heard in client.heard[mark:] if heard.topic.startswith("registry/")
        ]
        left = {card["agent"] for card in cards if card["status"] in {"offline", "error"}}
        assert left <= {"A"}  # that is ended and started
        runs = fleet.runs()
    assert sorted(run.task for run in runs) == sorted(tasks)
    assert {run.fence for run in runs} == {1}


def has_jumped(client: BusClient, before_ms: int) -> bool:
    """Say whether everybody's own clock is another one than it was."""
    said = (
        client.latest("agents/A/heartbeat"),
        client.latest("agents/B/heartbeat"),
        client.latest("coordinator/summary"),
    )
    return all(abs(message.get("ts_ms", before_ms) - before_ms) > DAY_S * 500 for message in said)


def a_new_process_is_the_newer_one(fleet: Fleet, client: BusClient) -> list[str]:
    """End agent A and start it anew, on the clock as it is now; return what the new one did."""
    before = client.latest("registry/A")
    assert fleet.part("A").stop() == 0
    client.wait_for("registry/A", status="offline")
    fleet.start_agent("A")
    client.wait_for("registry/A", status="idle")
    assert client.latest("registry/A")["epoch"] > before["epoch"]
    task = client.create("on the new one", agent="A")
    client.wait_for(f"tasks/{task}", status="completed", attempt=1)
    wait_until_idle(client, ["A"])
    return [task]
