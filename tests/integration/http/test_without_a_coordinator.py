"""A control room whose coordinator is gone says so, shows what was known, and changes nothing."""

from pathlib import Path

import pytest

from tests.support.control_room import control_room, wait_until
from tests.support.fleet_process import (
    broker_for_a_fleet,
    brokers_to_test,
    plan_of,
    running_fleet,
)

pytestmark = pytest.mark.xdist_group("http-alone")


def test_reads_answer_from_what_was_known_and_writes_say_who_is_missing(tmp_path: Path) -> None:
    later = {"name": "n", "mode": "quest", "scheduled_for": "2100-01-01T00:00:00Z"}
    with (
        broker_for_a_fleet(brokers_to_test()[0], tmp_path) as where,
        running_fleet(where, tmp_path / "fleet", ["Main"], plan_of(["Main"])) as fleet,
        control_room(fleet) as room,
        room.client("admin") as client,
    ):
        task = client.post("/tasks", json=later).json()["id"]
        fleet.part("coordinator").stop()
        wait_until(lambda: client.get("/summary").json()["stale"])
        assert client.get("/summary").json()["coordinator"]["state"] == "offline"
        assert client.get("/agents").json()["stale"] is True
        listed = client.get("/tasks").json()
        assert listed["stale"] is True
        assert [one["id"] for one in listed["items"]] == [task]
        assert client.get(f"/tasks/{task}").json()["status"] == "pending"
        assert client.get("/health").json()["status"] == "down"
        assert client.get(f"{room.address}/readyz").status_code == 503
        assert client.get(f"{room.address}/healthz").status_code == 200
        refused = client.post("/tasks", json=later)
        assert refused.status_code == 503
        assert refused.headers["retry-after"]
        assert refused.json()["code"] == "coordinator_silent"
        assert "fleetbus up" in refused.json()["detail"]
        fleet.start_coordinator()
        wait_until(lambda: client.get(f"{room.address}/readyz").status_code == 200)
        assert client.post("/tasks", json=later).status_code == 201
