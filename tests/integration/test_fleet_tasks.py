"""What clients ask of a working fleet, and what becomes of it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.bus_client import WITHIN_S, BusClient
from tests.support.fleet_process import Fleet
from tests.support.ground_truth import most_at_once

COMMON = {"name", "mode", "status", "phase", "attempt", "priority", "result"}


def mosquitto_rr(fleet: Fleet, client: str, request: dict[str, Any]) -> dict[str, Any]:
    """Ask with mosquitto's own client, and return the answer that it printed."""
    there = ["-h", fleet.where.host, "-p", str(fleet.where.port), "-V", "mqttv311", "-W", "10"]
    topic = ["-t", f"{fleet.where.base}/submit/{client}"]
    answer = ["-e", f"{fleet.where.base}/replies/{client}"]
    said = ["-i", client, "-u", client, *topic, *answer, "-m", json.dumps(request)]
    command = ["mosquitto_rr", *there, *said]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    reply: dict[str, Any] = json.loads(printed)
    return reply


def test_a_task_submitted_with_mosquittos_client_is_answered_and_runs(
    shared: Fleet, operator: BusClient
) -> None:
    spec = {"name": "hello", "mode": "quest", "args": {"seconds": 0}}
    request = {"request_id": "1", "op": "create", "spec": spec}
    reply = mosquitto_rr(shared, "person", request)
    assert reply["ok"], reply
    assert reply["request_id"] == "1"
    operator.wait_for(f"tasks/{reply['task']}", status="completed", name="hello")
    assert [run.end is not None for run in shared.runs_of(reply["task"])] == [True]


def test_a_task_published_with_mosquittos_client_is_answered_to_its_sender(
    shared: Fleet, operator: BusClient
) -> None:
    request = {"request_id": "a1", "op": "create", "spec": {"name": "published", "mode": "quest"}}
    there = ["-h", shared.where.host, "-p", str(shared.where.port), "-i", "poster", "-u", "poster"]
    said = ["-q", "1", "-t", f"{shared.where.base}/submit/poster", "-m", json.dumps(request)]
    subprocess.run(["mosquitto_pub", *there, *said], check=True, timeout=WITHIN_S)

    def card() -> dict[str, Any] | None:
        cards = [heard.document for heard in operator.heard if heard.topic[:6] == "tasks/"]
        return next((card for card in cards if card.get("name") == "published"), None)

    seen = operator.wait("the card of the published task", card)
    assert seen is not None
    operator.wait_for(f"tasks/{seen['task']}", status="completed")
    # The same request again brings the same answer, so the first one was given to its sender.
    assert mosquitto_rr(shared, "poster", request)["task"] == seen["task"]


def test_the_command_line_gets_the_same_as_a_plain_client(
    shared: Fleet, operator: BusClient, tmp_path: Path
) -> None:
    clean = {key: value for key, value in os.environ.items() if key[:9] != "FLEETBUS_"}
    here = {"PYTHONPATH": str(Path(__file__).parents[2]), "FLEETBUS_ROOT": shared.where.root}
    added = ["task", "add", "--name", "same", "--mode", "quest", "--args", '{"seconds": 0}']
    how = ["--wait", "--json", "--broker", shared.where.url]
    printed = subprocess.run(
        [sys.executable, "-m", "coordinator.cli", *added, *how],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        timeout=WITHIN_S,
        env=clean | here,
    ).stdout
    from_command = json.loads(printed)
    task = operator.create("same", args={"seconds": 0})
    from_client = operator.wait_for(f"tasks/{task}", status="completed")
    for said in (from_command, from_client):
        del said["result"]["took_s"], said["result"]["sha256"]
    assert {key: from_command[key] for key in COMMON} == {key: from_client[key] for key in COMMON}


def test_a_repeated_request_is_answered_the_same_and_done_once(
    shared: Fleet, operator: BusClient
) -> None:
    spec = {"name": "once", "mode": "quest", "args": {"seconds": 0}}
    first = operator.ask("create", request_id="twice", spec=spec)
    operator.wait_for(f"tasks/{first['task']}", status="completed")
    assert operator.ask("create", request_id="twice", spec=spec) == first
    other = operator.ask("create", request_id="twice", spec=spec | {"name": "other"})
    assert (other["ok"], other["code"]) == (False, "request_id_reused")
    assert len(shared.runs_of(first["task"])) == 1


def test_two_clients_may_use_the_same_request_id(shared: Fleet, operator: BusClient) -> None:
    spec = {"name": "mine", "mode": "quest", "args": {"seconds": 0}}
    with BusClient(shared.where, f"{operator.name}-too") as other:
        tasks = {
            client.ask("create", request_id="1", spec=spec)["task"] for client in (operator, other)
        }
    assert len(tasks) == 2


@pytest.mark.parametrize(
    ("op", "fields", "code"),
    [
        ("get", {"task": "nobody-knows-it"}, "not_found"),
        ("cancel", {"task": "nobody-knows-it"}, "not_found"),
        ("create", {}, "bad_request"),
        ("pause", {}, "bad_request"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_with_the_reason(
    operator: BusClient, op: str, fields: dict[str, Any], code: str
) -> None:
    reply = operator.ask(op, **fields)
    assert not reply["ok"]
    assert code == reply["code"]
    assert reply["message"]


def test_a_running_task_that_is_cancelled_stops(shared: Fleet, operator: BusClient) -> None:
    task = operator.create("long", args={"sleep": 60})
    operator.wait_for(f"tasks/{task}", phase="running")
    assert operator.ask("cancel", task=task)["ok"]
    operator.wait_for(f"tasks/{task}", status="cancelled")
    (run,) = shared.runs_of(task)
    assert run.end is not None


def test_a_waiting_task_that_is_cancelled_never_begins(shared: Fleet, operator: BusClient) -> None:
    front = [operator.create("front", args={"sleep": 1}, agent="Main")]
    waiting = operator.create("behind", agent="Main")
    assert operator.ask("cancel", task=waiting)["ok"]
    document = operator.ask("get", task=waiting)["data"]
    assert document["status"] == "cancelled"
    for task in front:
        operator.wait_for(f"tasks/{task}", status="completed")
    assert shared.runs_of(waiting) == []


def test_a_running_task_rests_while_it_is_paused_and_goes_on_when_resumed(
    operator: BusClient,
) -> None:
    task = operator.create("rests", args={"sleep": 4}, agent="Scout")
    operator.wait_for(f"tasks/{task}", phase="running")
    assert operator.ask("pause", task=task)["ok"]
    operator.wait_for(f"tasks/{task}", status="paused", phase="paused_running")
    seen = len(operator.on("agents/Scout/heartbeat"))
    beats = operator.wait("five beats", lambda: operator.on("agents/Scout/heartbeat")[seen + 5 :])
    assert [held["phase"] for held in beats[-1].document["holding"]] == ["paused"]
    assert operator.latest(f"tasks/{task}")["status"] == "paused"
    assert operator.ask("resume", task=task)["ok"]
    operator.wait_for(f"tasks/{task}", status="running")
    operator.wait_for(f"tasks/{task}", status="completed")


def test_a_task_that_fails_for_good_says_why(operator: BusClient) -> None:
    task = operator.create("fails", args={"fail": "no_luck"}, max_attempts=1)
    ended = operator.wait_for(f"tasks/{task}", status="failed")
    assert ended["error"]["code"] == "no_luck"
    assert ended["attempt"] == 1


def test_a_task_that_fails_is_tried_again(shared: Fleet, operator: BusClient) -> None:
    task = operator.create("fails twice", args={"fail": "bad_luck"}, max_attempts=2)
    ended = operator.wait_for(f"tasks/{task}", status="failed")
    assert ended["attempt"] == 2
    first, second = shared.runs_of(task)
    assert first.end is not None
    assert first.end < second.begin


def test_no_limit_is_ever_exceeded_and_every_task_completes(
    shared: Fleet, operator: BusClient
) -> None:
    kinds = [("quest", 0.02), ("combat", 0.03), ("combat", 0.01), ("quest", 0.0)]
    tasks = set()
    for n in range(200):
        mode, seconds = kinds[n % len(kinds)]
        priority = ("low", "normal", "high")[n % 3]
        tasks.add(operator.create(f"{mode} {n}", mode, args={"sleep": seconds}, priority=priority))

    def completed() -> bool:
        cards = [operator.latest(f"tasks/{task}") for task in tasks]
        return all(card.get("status") == "completed" for card in cards)

    operator.wait("all 200 completed", completed, 40)
    runs = [run for run in shared.runs() if run.task in tasks]
    assert len(runs) == len({run.task for run in runs}) == 200
    assert all(run.end is not None for run in runs)
    assert most_at_once(runs) == 3
    assert most_at_once([run for run in runs if run.mode == "combat"]) == 2
    assert len({run.agent for run in runs}) == 4
