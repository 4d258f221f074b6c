"""Two coordinators on one PostgreSQL: one leads, the other stands by, and never both."""

import contextlib
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.bus_client import WITHIN_S, BusClient
from tests.support.fleet_process import LEASE_S, Fleet, Part, broker_for_a_fleet, plan_of
from tests.support.postgres import Cluster, Database, postgresql

ENDS_WITHIN_S = 60.0
pytestmark = pytest.mark.xdist_group("leaders")  # one cluster for them all


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with postgresql() as running:
        yield running


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Database]:
    with cluster.database() as found:
        yield found


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with broker_for_a_fleet("mosquitto", tmp_path) as where, contextlib.ExitStack() as stack:
        folder = tmp_path / "fleet"
        folder.mkdir()
        (folder / "plan.json").write_text(json.dumps(plan_of(["A"])))
        fleet = Fleet(where, folder, stack=stack)
        fleet.record.touch()
        stack.callback(fleet.show_logs)
        yield fleet
        for part in reversed(fleet.parts):
            part.end()


def start(fleet: Fleet, database: Database, name: str) -> Part:
    environment = {
        "FLEETBUS_PLAN": str(fleet.folder / "plan.json"),
        "FLEETBUS_DATA": str(fleet.folder / name),
        "FLEETBUS_BROKER": fleet.where.coordinator_url,
        "FLEETBUS_ROOT": fleet.where.root,
        "FLEETBUS_STORE": database.url,
    }
    return fleet.start(name, "coordinator", environment=environment)


def until_it_says(part: Part, words: str, client: BusClient) -> None:
    """Wait until a log has *words*; the bus is busy enough to look again and again."""
    client.wait(f"{words!r} in the log of {part.name}", lambda: words in part.said())


def term_of(client: BusClient) -> int:
    term: int = client.latest("coordinator/presence")["term"]
    return term


def test_a_fleet_runs_on_postgresql_and_the_second_takes_over_when_the_first_is_killed(
    fleet: Fleet, database: Database
) -> None:
    client = fleet.client("ops")
    first = start(fleet, database, "first")
    client.wait_for("coordinator/presence", state="online")
    fleet.start_agent("A")
    client.wait_for("registry/A", status="idle")
    second = start(fleet, database, "second")
    until_it_says(second, "another coordinator leads this store; standing by", client)
    done = client.create("a", args={"seconds": 0.1})
    client.wait_for(f"tasks/{done}", status="completed")
    running = client.create("b", args={"seconds": 2.0})
    client.wait_for(f"tasks/{running}", status="running")
    term = term_of(client)
    first.kill()
    client.wait(
        "the second to lead",
        lambda: (
            term_of(client) == term + 1
            and client.latest("coordinator/presence")["state"] == "online"
        ),
        LEASE_S * 4 + WITHIN_S,
    )
    client.wait_for(f"tasks/{running}", LEASE_S * 4 + WITHIN_S, status="completed")
    assert client.ask("get", task=done)["data"]["status"] == "completed"
    last = client.create("c", args={"seconds": 0.1})
    client.wait_for(f"tasks/{last}", status="completed")
    for task in (done, running, last):
        assert len(fleet.runs_of(task)) == 1


def test_one_that_stands_still_is_replaced_and_ends_when_it_wakes_without_another_word(
    fleet: Fleet, database: Database
) -> None:
    client = fleet.client("ops")
    first = start(fleet, database, "first")
    client.wait_for("coordinator/presence", state="online")
    fleet.start_agent("A")
    client.wait_for("registry/A", status="idle")
    old = term_of(client)
    second = start(fleet, database, "second")
    until_it_says(second, "standing by", client)
    stopped_ms = time.time_ns() // 1_000_000
    first.process.send_signal(signal.SIGSTOP)
    client.wait("the second to lead", lambda: term_of(client) == old + 1, WITHIN_S)
    watcher = fleet.client("coordinator-watcher")
    client.create("asked while it slept")  # the first will read it when it wakes
    first.process.send_signal(signal.SIGCONT)
    assert first.process.wait(ENDS_WITHIN_S) == 1
    task = client.create("a", args={"seconds": 0.1})
    client.wait_for(f"tasks/{task}", LEASE_S * 4 + WITHIN_S, status="completed")
    said = [heard for heard in watcher.heard if heard.payload and not heard.retain]
    is_of_old = [heard for heard in said if heard.document.get("term") == old]
    # Its last will, written before, may have come, and what it was saying when it was stopped.
    late = [heard for heard in is_of_old if heard.document["ts_ms"] >= stopped_ms]
    assert late == []
    assert [heard for heard in said if heard.topic.startswith("inbox/")]
    client.wait("the second's presence to stand", lambda: term_of(client) == old + 1)
    assert second.process.poll() is None


def test_a_lost_connection_is_made_again_and_the_lead_is_kept(
    fleet: Fleet, database: Database
) -> None:
    client = fleet.client("ops")
    first = start(fleet, database, "first")
    client.wait_for("coordinator/presence", state="online")
    term = term_of(client)
    for n in range(3):
        database.disconnect_all()
        request = {"request_id": f"r{n}", "spec": {"name": "a", "mode": "quest"}}
        reply = client.ask("create", **request)
        while not reply["ok"]:
            assert reply["code"] == "store_unavailable"
            client.wait_for("coordinator/presence", state="online")
            mark = len(client.heard)
            reply = client.ask("create", **request)
            assert len(client.heard) > mark
    assert term_of(client) == term
    assert first.process.poll() is None
    assert len(client.ask("get")["data"]["tasks"]) == 3


def test_a_database_that_cannot_be_reached_is_named_at_the_start(
    fleet: Fleet, database: Database
) -> None:
    elsewhere = Database(database.cluster, "nowhere")
    coordinator = start(fleet, elsewhere, "first")
    assert coordinator.process.wait(ENDS_WITHIN_S) == 1
    assert "the store cannot be opened" in coordinator.said()
    assert 'database "nowhere" does not exist' in coordinator.said()
