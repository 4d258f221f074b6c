"""The control room of a real fleet: what it shows, creates and streams."""

from typing import Any

import httpx2
import pytest

from tests.support.control_room import ControlRoom, frames, wait_until
from tests.support.fleet_process import Fleet

pytestmark = pytest.mark.xdist_group("http")


def created(client: httpx2.Client, **fields: Any) -> dict[str, Any]:
    answer = client.post("/tasks", json={"name": "a task", "mode": "quest", **fields})
    assert answer.status_code == 201, answer.text
    task: dict[str, Any] = answer.json()
    return task


def test_the_summary_counts_the_agents_that_the_fleet_has(admin: httpx2.Client) -> None:
    summary: dict[str, Any] = {}

    def agrees_with_the_list() -> bool:
        summary.update(admin.get("/summary").json())
        listed = [agent["status"] for agent in admin.get("/agents").json()["items"]]
        there = [status for status in listed if status not in {"offline", "error"}]
        return (summary["total_agents"], summary["online_agents"]) == (len(listed), len(there))

    # It is told once a second, and other tests have agents of their own that come and go.
    wait_until(agrees_with_the_list)
    assert summary["online_agents"] >= 3
    assert summary["coordinator"]["state"] == "online"
    assert summary["bus"] is True
    assert summary["stale"] is False


def test_a_created_task_is_stored_run_and_shown_as_completed(admin: httpx2.Client) -> None:
    task = created(admin, name="one quest", args={"run_s": 0.05})
    assert admin.get(f"/tasks/{task['id']}").json()["created_by"].startswith("a-admin via ")
    wait_until(lambda: admin.get(f"/tasks/{task['id']}").json()["status"] == "completed")
    listed = admin.get("/tasks", params={"q": "one quest"}).json()
    assert [one["id"] for one in listed["items"]] == [task["id"]]
    story = admin.get(f"/tasks/{task['id']}/story").json()
    assert [attempt["outcome"] for attempt in story["attempts"]] == ["succeeded"]


def test_the_stream_begins_with_a_snapshot_and_tells_what_becomes_of_a_task(
    room: ControlRoom, admin: httpx2.Client
) -> None:
    with admin.stream("GET", "/stream", params={"views": "summary,agents,tasks"}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        heard = frames(response)
        first = next(heard)
        assert first.event == "snapshot"
        assert {agent["name"] for agent in first.data["views"]["agents"]} == {
            "Main",
            "Heals",
            "Scout",
        }
        task = created(admin, name="streamed", args={"run_s": 0.3})
        numbers = [first.data["seq"]]
        seen: dict[str, Any] = {}
        for frame in heard:
            if frame.event != "delta":
                continue
            numbers.append(frame.data["seq"])
            for row in frame.data.get("tasks", {}).get("upsert", ()):
                if row["id"] == task["id"]:
                    seen |= row
            if seen.get("status") == "completed":
                break
        assert numbers == sorted(set(numbers))
        assert seen["name"] == "streamed"


def test_the_control_room_of_a_fleet_leaves_no_secret_in_its_log(
    room: ControlRoom, fleet: Fleet
) -> None:
    said = room.part.said()
    for secret in (*room.secrets.values(), fleet.where.coordinator_password):
        assert not secret or secret not in said
