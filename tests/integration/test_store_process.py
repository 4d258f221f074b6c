"""A coordinator as a process whose store is harmed, filled, copied, and put back."""

import json
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.bus_client import WITHIN_S, Where
from tests.support.fleet_process import (
    LEASE_S,
    MARGIN_S,
    Fleet,
    Part,
    broker_for_a_fleet,
    plan_of,
    running_fleet,
)
from tests.support.stored_fleet import store_a_fleet

ENDS_WITHIN_S = 60.0


@pytest.fixture
def where(tmp_path: Path) -> Iterator[Where]:
    with broker_for_a_fleet("embedded", tmp_path) as address:
        yield address


@pytest.fixture
def lone(where: Where, tmp_path: Path) -> Iterator[Fleet]:
    """A fleet of no agents, whose coordinator the test starts."""
    folder = tmp_path / "fleet"
    folder.mkdir()
    (folder / "plan.json").write_text(json.dumps(plan_of(["Main"])))
    fleet = Fleet(where, folder)
    with ExitStack() as stack:
        fleet.stack = stack
        stack.callback(fleet.show_logs)
        yield fleet
        for part in reversed(fleet.parts):
            part.end()


def data_of(fleet: Fleet) -> Path:
    return fleet.folder / "data"


def start(fleet: Fleet, **variables: str) -> Part:
    environment = {
        "FLEETBUS_PLAN": str(fleet.folder / "plan.json"),
        "FLEETBUS_DATA": str(data_of(fleet)),
        "FLEETBUS_BROKER": fleet.where.coordinator_url,
        "FLEETBUS_ROOT": fleet.where.root,
        **variables,
    }
    return fleet.start("coordinator", "coordinator", environment=environment)


def command(line: str) -> str:
    """Run a command that somebody was told to run; it must succeed."""
    words = shlex.split(line)
    assert words[0] == "fleetbus"
    done = subprocess.run(
        [sys.executable, "-m", "coordinator.cli", *words[1:]],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_with_a_damaged_store_it_stays_up_says_what_to_do_and_touches_nothing(lone: Fleet) -> None:
    data = data_of(lone)
    store_a_fleet(data, 3)
    (data / "fleet.commits").write_text("99")
    before = (data / "fleet.db").read_bytes()
    coordinator = start(lone)
    client = lone.client("ops")
    safe = client.wait_for("coordinator/presence", state="safe")
    assert "it counts 2 commits, and 99 were promised" in safe["reason"]
    listed = client.ask("get")
    assert listed["ok"]
    assert [task["task"] for task in listed["data"]["tasks"]] == ["t0000", "t0001", "t0002"]
    for op, asked in [("create", {"spec": {"name": "x", "mode": "quest"}}), ("plan", {})]:
        refused = client.ask(op, **asked)
        assert (refused["ok"], refused["code"]) == (False, "safe_mode")
    assert client.ask("cancel", task="t0001")["code"] == "safe_mode"
    assert coordinator.stop() == 0
    assert (data / "fleet.db").read_bytes() == before

    told = refused["data"]["command"]
    assert told == f"fleetbus restore --as-is --data {data}"
    assert "3 tasks" in command(told)
    client.forget()
    start(lone)
    client.wait_for("coordinator/presence", LEASE_S * 4 + WITHIN_S, state="online")
    assert client.ask("get", task="t0000")["data"]["status"] == "pending"
    assert client.create("new")


def test_the_newest_copy_that_is_whole_is_what_it_advises(lone: Fleet) -> None:
    data = data_of(lone)
    store_a_fleet(data, 5)
    command(f"fleetbus backup --data {data}")
    command(f"fleetbus backup --data {data}")
    copies = sorted((data / "backups").glob("*.db"))
    copies[1].write_bytes(b"torn")
    with (data / "fleet.db").open("r+b") as spoilt:
        spoilt.seek(4096 * 2)
        spoilt.write(b"\xff" * 4096)
    start(lone)
    client = lone.client("ops")
    safe = client.wait_for("coordinator/presence", state="safe")
    told = f"fleetbus restore {copies[0]} --data {data}"
    assert safe["reason"].endswith(told)
    lone.part("coordinator").stop()
    command(told)
    start(lone)
    client.forget()
    client.wait_for("coordinator/presence", LEASE_S * 4 + WITHIN_S, state="online")
    assert len(client.ask("get")["data"]["tasks"]) == 5


def test_a_record_that_makes_no_sense_is_damage_and_no_crash(lone: Fleet) -> None:
    data = data_of(lone)
    store_a_fleet(data, 3)
    with closing(sqlite3.connect(data / "fleet.db")) as connection, connection:
        harm = "replace(doc, 'phase', 'phrase')"
        connection.execute(f"UPDATE tasks SET doc = {harm} WHERE id = 't0000'")  # noqa: S608 -- ours
    start(lone)
    client = lone.client("ops")
    safe = client.wait_for("coordinator/presence", state="safe")
    assert "a record of the store makes no sense (KeyError: 'phase')" in safe["reason"]
    assert [task["task"] for task in client.ask("get")["data"]["tasks"]] == ["t0001", "t0002"]
    lone.part("coordinator").stop()
    told = f"fleetbus restore --as-is --data {data}"
    assert safe["reason"].endswith(told)
    assert "is left out: tasks: t0000" in command(told)


def test_a_store_that_knows_fewer_terms_than_the_broker_is_not_gone_on_with(lone: Fleet) -> None:
    before = {"v": "1.0", "ts_ms": 1, "coord": "one-before", "term": 50, "state": "offline"}
    one_before = lone.client("coordinator-before")
    one_before.say("coordinator/presence", json.dumps(before).encode(), retain=True)
    one_before.wait_for("coordinator/presence", term=50)
    for _ in range(2):  # also when a supervisor starts it again
        ended = start(lone)
        assert ended.process.wait(ENDS_WITHIN_S) == 1
        assert "one-before coordinated this fleet until term 50; this store knows" in ended.said()
    client = lone.client("ops")
    assert client.wait_for("coordinator/presence", state="offline")["term"] == 50
    command(f"fleetbus restore --empty --data {data_of(lone)}")
    start(lone)
    assert client.wait_for("coordinator/presence", state="recovering")["term"] > 50


def test_one_that_is_strict_ends_instead(lone: Fleet) -> None:
    store_a_fleet(data_of(lone))
    (data_of(lone) / "fleet.commits").write_text("99")
    coordinator = start(lone, FLEETBUS_STRICT="true")
    assert coordinator.process.wait(ENDS_WITHIN_S) == 1
    assert f"fleetbus restore --as-is --data {data_of(lone)}" in coordinator.said()


def test_a_newer_schema_is_refused_without_a_write(lone: Fleet) -> None:
    data = data_of(lone)
    store_a_fleet(data)
    with closing(sqlite3.connect(data / "fleet.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = (data / "fleet.db").read_bytes()
    coordinator = start(lone)
    assert coordinator.process.wait(ENDS_WITHIN_S) == 1
    assert "schema 9999, which is newer than this fleetbus knows" in coordinator.said()
    assert (data / "fleet.db").read_bytes() == before


@pytest.mark.parametrize(
    "point", ["before_commit:5", "after_commit:5", "after_publish:8", "before_commits_noted:2"]
)
def test_killed_at_any_point_it_keeps_what_it_promised_and_a_request_is_done_once(
    lone: Fleet, point: str
) -> None:
    client = lone.client("ops")
    coordinator = start(lone, FLEETBUS_CRASH_AT=point)
    client.wait("a first word", lambda: client.on("coordinator/presence"))
    request = json.dumps(
        {"request_id": "once", "op": "create", "spec": {"name": "late", "mode": "quest"}}
    )
    for n in range(100):
        client.say("submit/ops", request.encode())
        client.say("submit/ops", request.replace("once", f"more-{n}").encode())
        try:
            coordinator.process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    assert coordinator.process.wait(ENDS_WITHIN_S) == 137
    promised = {
        heard.document["task"]
        for heard in client.on("replies/ops")
        if heard.document.get("task") is not None
    }
    client.forget()
    start(lone)
    client.wait_for("coordinator/presence", state="online")
    reply = client.ask(**json.loads(request))
    assert reply["ok"]
    again = client.ask(**json.loads(request))
    assert again["task"] == reply["task"]
    known = {task["task"] for task in client.ask("get")["data"]["tasks"]}
    assert known >= promised | {reply["task"]}


def test_copies_are_made_as_the_plan_says_and_one_can_go_back_to_each(
    where: Where, tmp_path: Path
) -> None:
    plan = plan_of(["A"], backup={"interval": 1, "keep": 2})
    with running_fleet(where, tmp_path / "fleet", ["A"], plan) as fleet:
        client = fleet.client("ops")
        task = client.create("a", args={"seconds": 0.1})
        client.wait_for(f"tasks/{task}", status="completed")

        def made() -> list[dict[str, Any]]:
            stories = [heard.document for heard in client.on("events")]
            return [story for story in stories if story["kind"] == "backup_made"][3:]

        client.wait("four copies", made)
        fleet.part("coordinator").stop()
        copies = sorted((fleet.folder / "data" / "backups").iterdir())
        assert len(copies) == 2
        command(f"fleetbus restore {copies[0]} --data {fleet.folder / 'data'}")
        client.forget()
        fleet.start_coordinator()
        client.wait_for("coordinator/presence", (LEASE_S + MARGIN_S) * 4 + WITHIN_S, state="online")
        client.wait_for("registry/A", status="idle")
        task = client.create("b", args={"seconds": 0.1})
        client.wait_for(f"tasks/{task}", status="completed")
