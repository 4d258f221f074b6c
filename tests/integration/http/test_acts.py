"""What people do over HTTP, done by the coordinator of a real fleet."""

import secrets
from typing import Any

import httpx2
import pytest

from tests.support.control_room import ControlRoom, wait_until

pytestmark = pytest.mark.xdist_group("http")


def created(client: httpx2.Client, **fields: Any) -> dict[str, Any]:
    answer = client.post("/tasks", json={"name": "a task", "mode": "quest", **fields})
    assert answer.status_code == 201, answer.text
    task: dict[str, Any] = answer.json()
    return task


def later(client: httpx2.Client, **fields: Any) -> dict[str, Any]:
    return created(client, scheduled_for="2100-01-01T00:00:00Z", **fields)


def act(client: httpx2.Client, path: str, verb: str, **more: Any) -> httpx2.Response:
    return client.post(f"{path}/actions", json={"verb": verb, "reason": "a test", **more})


def test_the_same_idempotency_key_creates_once_and_refuses_another_body(
    admin: httpx2.Client, room: ControlRoom
) -> None:
    key = {"Idempotency-Key": secrets.token_hex(8)}
    body = {"name": "once", "mode": "quest", "scheduled_for": "2100-01-01T00:00:00Z"}
    first, again = (admin.post("/tasks", json=body, headers=key).json() for _ in range(2))
    assert first["id"] == again["id"]
    other = admin.post("/tasks", json=body | {"name": "other"}, headers=key)
    assert other.status_code == 422
    assert other.json()["code"] == "idempotency_key_reused"
    with room.client("operate") as somebody_else:
        assert somebody_else.post("/tasks", json=body, headers=key).json()["id"] != first["id"]


def test_bulk_creation_stores_the_good_ones_and_names_the_others(admin: httpx2.Client) -> None:
    name = f"bulk-{secrets.token_hex(4)}"
    tasks: list[dict[str, Any]] = [{} for _ in range(1500)]
    tasks[7] = {"priority": "urgent"}
    tasks[9] = {"constraints": {"time_window": "nowhere"}}
    tasks[11] = {"agent": "Main"}
    body = {
        "defaults": {"name": name, "mode": "quest", "scheduled_for": "2100-01-01T00:00:00Z"},
        "tasks": tasks,
    }
    key = {"Idempotency-Key": name}
    answer = admin.post("/tasks/bulk", json=body, headers=key).json()
    assert answer["created"] == 1497
    faults = {one["index"]: one["errors"][0]["path"] for one in answer["refused"]}
    assert faults == {
        7: "body.tasks.7.priority",
        9: "body.tasks.9.constraints.time_window",
        11: "body.tasks.11.agent",
    }
    assert answer["ids"][7] is None
    assert admin.post("/tasks/bulk", json=body, headers=key).json()["ids"] == answer["ids"]
    assert admin.get("/tasks", params={"name": name}).json()["total"] == 1497

    dry = {"verb": "cancel", "filter": {"name": name}, "reason": "enough", "dry_run": True}
    looked = admin.post("/tasks/actions", json=dry).json()
    assert (looked["matched"], looked["done"], looked["first"]) == (1497, 1497, [name])
    assert admin.get("/tasks", params={"name": name, "status": "pending"}).json()["total"] == 1497
    done = admin.post("/tasks/actions", json=dry | {"dry_run": False}).json()
    assert (done["done"], done["refused"]) == (1497, [])
    again = admin.post("/tasks/actions", json=dry).json()
    assert (again["done"], again["skipped"]) == (0, 1497)


@pytest.mark.parametrize("value", [2**60, -(2**60), "a\x00b", [[[[0]] * 2] * 2], None])
def test_what_the_bus_would_drop_is_refused_at_once_with_words(
    admin: httpx2.Client, value: Any
) -> None:
    nested: Any = value
    if value is None:
        for _ in range(40):
            nested = [nested]
    fine = isinstance(value, list)
    task = {"name": "n", "mode": "quest", "args": {"x": nested}}
    task |= {"scheduled_for": "2100-01-01T00:00:00Z"}
    answer = admin.post("/tasks", json=task)
    assert answer.status_code == (201 if fine else 422), answer.text
    bulk = admin.post("/tasks/bulk", json={"tasks": [task, {**task, "args": {}}]}).json()
    assert bulk["created"] == (2 if fine else 1)
    assert [one["index"] for one in bulk["refused"]] == ([] if fine else [0])


def test_pages_follow_each_other_without_gap_or_repetition_in_every_order(
    admin: httpx2.Client,
) -> None:
    name = f"page-{secrets.token_hex(4)}"
    rows = [{"priority": p, "mode": m} for p in ("critical", "low", "high") for m in ("b", "a")]
    body = {
        "defaults": {"name": name, "scheduled_for": "2100-01-01T00:00:00Z"},
        "tasks": rows * 4,
    }
    made = set(admin.post("/tasks/bulk", json=body).json()["ids"])
    for sort in ("created_at", "-created_at", "-priority", "mode", "-name", "status", "id"):
        seen: list[str] = []
        cursor = None
        while True:
            query = {"name": name, "sort": sort, "limit": 7, "cursor": cursor}
            page = admin.get("/tasks", params={k: v for k, v in query.items() if v}).json()
            assert page["total"] == 24
            seen += [task["id"] for task in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert len(seen) == 24, sort
        assert set(seen) == made, sort
        jumped = {"name": name, "sort": sort, "limit": 7, "offset": 10}
        page = admin.get("/tasks", params=jumped).json()
        assert [task["id"] for task in page["items"]] == seen[10:17], sort
        assert page["total"] == 24
        beyond = admin.get("/tasks", params=jumped | {"offset": 30}).json()
        assert (beyond["items"], beyond["total"]) == ([], 24)
    by_priority = admin.get("/tasks", params={"name": name, "sort": "priority"}).json()["items"]
    assert [task["priority"] for task in by_priority] == ["critical"] * 8 + ["high"] * 8 + [
        "low"
    ] * 8
    stale = admin.get("/tasks", params={"sort": "mode", "cursor": "bm9uc2Vuc2U"})
    assert stale.status_code == 422
    assert stale.json()["errors"][0]["path"] == "query.cursor"
    both = admin.get("/tasks", params={"offset": 1, "cursor": "bm9uc2Vuc2U"})
    assert both.json()["errors"][0]["path"] == "query.offset"
    admin.post("/tasks/actions", json={"verb": "cancel", "filter": {"name": name}, "reason": "x"})


def test_only_legal_moves_are_made_and_the_others_name_the_present_state(
    admin: httpx2.Client,
) -> None:
    task = later(admin)["id"]
    assert act(admin, f"/tasks/{task}", "pause").status_code == 200
    assert admin.get(f"/tasks/{task}").json()["status"] == "paused"
    refused = act(admin, f"/tasks/{task}", "pause")
    assert refused.status_code == 409
    assert "paused_pending" in refused.json()["detail"]
    assert admin.post(f"/tasks/{task}/status", json={"status": "pending"}).status_code == 200
    running = admin.post(f"/tasks/{task}/status", json={"status": "running"})
    assert running.status_code == 409
    ended = admin.post(f"/tasks/{task}/status", json={"status": "cancelled", "reason": "enough"})
    assert ended.json()["status"] == "cancelled"
    again = act(admin, f"/tasks/{task}", "retry").json()["message"]
    assert admin.get(f"/tasks/{again}").json()["parent"] == task
    act(admin, f"/tasks/{again}", "cancel")
    assert act(admin, "/tasks/nobody", "cancel").status_code == 404


def test_an_operators_verb_is_shown_on_the_card_with_who_said_it_and_taken_back(
    admin: httpx2.Client,
) -> None:
    assert act(admin, "/agents/Scout", "cordon", for_s=60).status_code == 200
    wait_until(lambda: admin.get("/agents/Scout").json()["operator"] is not None)
    said = admin.get("/agents/Scout").json()["operator"]
    assert (said["verb"], said["reason"]) == ("cordon", "a test")
    assert said["actor"].startswith("a-admin via ")
    idle = admin.get("/agents/Scout/why-idle").json()
    assert idle["answer"]["headline"]["code"] == "CORDONED"
    assert act(admin, "/agents/Scout", "return").status_code == 200
    wait_until(lambda: admin.get("/agents/Scout").json()["operator"] is None)
    nobody = act(admin, "/agents/Scout", "restart")
    assert (nobody.status_code, nobody.json()["code"]) == (409, "conflict")
    assert "no host is there" in nobody.json()["detail"]
    events = admin.get("/events", params={"subject": "Scout", "kind": "operator"}).json()
    assert any("cordon Scout: a test" in event["text"] for event in events["items"])


def test_a_held_limit_and_a_paused_fleet_are_shown_with_what_they_hold_back(
    admin: httpx2.Client,
) -> None:
    assert act(admin, "/limits/mode:combat", "hold").status_code == 200
    task = created(admin, mode="combat")["id"]
    assert admin.get(f"/tasks/{task}").json()["blocked_by"] == ["MODE_LIMIT"]
    why = admin.get(f"/tasks/{task}/why").json()["answer"]
    assert why["headline"]["code"] == "MODE_LIMIT"
    waiting = admin.get("/tasks", params={"blocked_by": "MODE_LIMIT"}).json()
    assert [one["id"] for one in waiting["items"]] == [task]
    limits = {one["key"]: one for one in admin.get("/limits").json()["limits"]}
    assert limits["mode:combat"]["held"]["reason"] == "a test"
    assert limits["mode:combat"]["queued_behind"] == 1
    assert act(admin, "/fleet", "pause", forever=True).status_code == 200
    assert admin.get("/limits").json()["fleet_pause"]["until"] is None
    assert act(admin, "/limits/mode:combat", "release").status_code == 200
    assert act(admin, "/fleet", "resume").status_code == 200
    wait_until(lambda: admin.get(f"/tasks/{task}").json()["status"] == "completed")
    assert act(admin, "/fleet", "resume").status_code == 409
    assert act(admin, "/limits/nonsense", "hold").status_code == 422


def test_the_plan_is_changed_only_from_the_version_in_force(
    admin: httpx2.Client, room: ControlRoom
) -> None:
    shown = admin.get("/fleet-plan")
    tag, plan = shown.headers["etag"], shown.json()["plan"]
    assert admin.get("/fleet-plan", headers={"If-None-Match": tag}).status_code == 304
    plan["description"] = "changed"
    assert admin.put("/fleet-plan", json=plan).status_code == 428
    assert admin.put("/fleet-plan", json=plan, headers={"If-Match": '"v0"'}).status_code == 412
    with room.client("operate") as operator:
        headers = {"If-Match": tag}
        assert operator.put("/fleet-plan", json=plan, headers=headers).status_code == 403
    wrong = admin.put(
        "/fleet-plan", json=plan | {"timezone": "Mars/Olympus"}, headers={"If-Match": tag}
    )
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["path"] == "body.timezone"
    diff = admin.post("/fleet-plan/diff", json={"plan": plan}).json()
    assert [change["path"] for change in diff["changes"]] == ["description"]
    check = admin.post("/fleet-plan/check", json={"plan": {"fleet_nam": "x"}}).json()
    assert not check["ok"]
    done = admin.put(
        "/fleet-plan", params={"comment": "a test"}, json=plan, headers={"If-Match": tag}
    )
    assert done.status_code == 200
    assert done.headers["etag"] != tag
    assert admin.put("/fleet-plan", json=plan, headers={"If-Match": tag}).status_code == 412
    newest = admin.get("/fleet-plan/history").json()["items"][0]
    assert newest["author"].startswith("a-admin via ")
    assert newest["comment"] == "a test"
    version = int(tag.strip('"v'))
    back = admin.post("/fleet-plan/rollback", json={"version": version, "comment": "back"})
    assert back.status_code == 200
    assert admin.get(f"/fleet-plan/versions/{version}").json()["version"] == version
    preview = admin.post("/fleet-plan/preview", json={"days": 0.1}).json()
    assert preview["is_of_plan_in_force"]
    assert "properties" in admin.get("/fleet-plan/schema").json()


def test_text_that_looks_like_markup_is_stored_and_answered_as_text(admin: httpx2.Client) -> None:
    for payload in (
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "'\"><svg/onload=alert(1)>",
        "{{7*7}}${7*7}",
        "=cmd|' /C calc'!A0",
    ):
        task = later(admin, name=payload, metadata={"note": payload})
        answer = admin.get(f"/tasks/{task['id']}")
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.json()["name"] == answer.json()["metadata"]["note"] == payload
        found = admin.get("/tasks", params={"q": payload}).json()
        assert [one["id"] for one in found["items"]] == [task["id"]]
        refused = admin.get(f"/agents/{payload.replace('/', '')}")
        assert refused.status_code in {404, 422}
        assert refused.headers["content-type"] == "application/problem+json"
        act(admin, f"/tasks/{task['id']}", "cancel")


def test_an_http_agent_hears_that_its_task_is_cancelled_and_says_that_it_stopped(
    admin: httpx2.Client,
) -> None:
    body = {"name": "Hand", "machine_id": "m", "window_id": "w", "capabilities": ["quest"]}
    assert admin.post("/agents", json=body).status_code == 201
    assert admin.get("/agents/Hand/next").json() is None
    task = created(admin, agent_name="Hand", args={"n": 1})["id"]
    offered = admin.get("/agents/Hand/next", params={"wait_s": 5}).json()
    assert (offered["id"], offered["args"]) == (task, {"n": 1})
    early = admin.post(f"/tasks/{task}/status", json={"status": "completed"})
    assert early.status_code == 409
    running = admin.post(f"/tasks/{task}/status", json={"status": "running"}).json()
    assert (running["status"], running["agent_name"]) == ("running", "Hand")
    admin.post(f"/tasks/{task}/status", json={"status": "running", "pct": 40, "step": "half"})
    wait_until(lambda: admin.get(f"/tasks/{task}").json()["pct"] == 40)
    assert act(admin, f"/tasks/{task}", "cancel").status_code == 200

    def hears_cancel() -> bool:
        beat = admin.post("/agents/Hand/heartbeat", json={"metrics": {"cpu_usage": 5}}).json()
        return [held["want"] for held in beat["holds"]] == ["cancel"]

    wait_until(hears_cancel)
    stopped = admin.post(f"/tasks/{task}/status", json={"status": "cancelled"}).json()
    assert stopped["status"] == "cancelled"
    assert admin.get("/agents/Hand").json()["performance_metrics"] == {"cpu_usage": 5.0}
    admin.post("/agents/Hand/heartbeat", json={"status": "offline"})
    wait_until(lambda: admin.get("/agents/Hand").json()["status"] == "offline")
    # Once the numbers have told that it left, nothing but forgetting it changes them.
    wait_until(lambda: admin.get("/summary").json()["agents_by_status"]["offline"] == 1)
    known = admin.get("/summary").json()["total_agents"]
    assert admin.delete("/agents/Hand").status_code == 200
    wait_until(lambda: admin.get("/agents/Hand").status_code == 404)
    wait_until(lambda: admin.get("/summary").json()["total_agents"] == known - 1)
