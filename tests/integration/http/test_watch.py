"""The watch of a real control room: alerts that reach a receiver, figures, metrics and a report."""

import csv
import io
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.control_room import ControlRoom, control_room, frames, wait_until
from tests.support.fleet_process import (
    Fleet,
    broker_for_a_fleet,
    brokers_to_test,
    plan_of,
    running_fleet,
)

pytestmark = pytest.mark.xdist_group("http")

AGENTS = ("Main", "Heals")
CANARY = "canary-5d1c"


@pytest.fixture(scope="module")
def heard() -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Receive webhooks; a path /hangs is never answered."""
    letters: list[dict[str, Any]] = []
    release = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if "hangs" in self.path:
                release.wait(60)
            letters.append(json.loads(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.server_port, letters
    release.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def watched(
    tmp_path_factory: pytest.TempPathFactory, heard: tuple[int, list[dict[str, Any]]]
) -> Iterator[tuple[Fleet, ControlRoom]]:
    folder = tmp_path_factory.mktemp("watch")
    plan = plan_of(
        AGENTS,
        monitoring={"alerts": {"gone": {"when": "agent_offline", "severity": "critical"}}},
        notifications={
            "channels": {"hook": {"url_env": "TEST_HOOK"}, "deaf": {"url_env": "TEST_DEAF"}}
        },
        schedule_windows={"always": {"all_day": True}},
    )
    with (
        pytest.MonkeyPatch.context() as patch,
        broker_for_a_fleet(brokers_to_test()[0], folder) as where,
        running_fleet(where, folder / "fleet", AGENTS, plan) as fleet,
    ):
        patch.setenv("TEST_HOOK", f"json://127.0.0.1:{heard[0]}/{CANARY}")
        patch.setenv("TEST_DEAF", f"json://127.0.0.1:{heard[0]}/hangs/{CANARY}")
        settings = folder / "fleetbus.toml"
        settings.write_text("alerts_to_this_machine = true\nmetrics_of_agents = true\n")
        with control_room(fleet, config=settings) as room:
            yield fleet, room


@pytest.fixture
def admin(watched: tuple[Fleet, ControlRoom]) -> Iterator[httpx2.Client]:
    with watched[1].client("admin") as client:
        yield client


def channel(admin: httpx2.Client, name: str) -> dict[str, Any]:
    found = admin.get("/alerts").json()["channels"]
    status: dict[str, Any] = next(one for one in found if one["name"] == name)
    return status


def test_the_test_button_sends_and_says_what_went_wrong(
    admin: httpx2.Client, heard: tuple[int, list[dict[str, Any]]]
) -> None:
    wait_until(lambda: len(admin.get("/alerts").json()["channels"]) == 2)
    answer = admin.post("/alerts/test", json={"channel": "hook"})
    assert answer.status_code == 200, answer.text
    assert heard[1][-1]["title"] == "Test: fleetbus"

    unknown = admin.post("/alerts/test", json={"channel": "huk"})
    assert unknown.status_code == 422
    assert unknown.json()["errors"][0]["expected"] == "a channel of the plan: deaf, hook"
    deaf = admin.post("/alerts/test", json={"channel": "deaf"})
    assert deaf.status_code == 502
    assert CANARY not in deaf.text


def test_a_killed_agent_is_told_although_another_receiver_hangs(
    watched: tuple[Fleet, ControlRoom],
    admin: httpx2.Client,
    heard: tuple[int, list[dict[str, Any]]],
) -> None:
    fleet, room = watched
    with admin.stream("GET", "/stream", params={"views": "alerts"}) as response:
        stream = frames(response)
        assert next(stream).event == "snapshot"
        fleet.part("Heals").kill()
        changes = (alert for one in stream for alert in one.data.get("alerts", ()))
        told = next(alert for alert in changes if alert["rule"] == "gone")
    assert (told["title"], told["state"]) == ("Heals is lost", "open")
    wait_until(lambda: any("Heals is lost" in letter["message"] for letter in heard[1]))
    assert "Critical: gone" in {letter["title"] for letter in heard[1]}
    wait_until(lambda: channel(admin, "hook")["sent"] >= 1)

    opened = admin.get("/alerts", params={"open": True}).json()["items"]
    alert = next(one for one in opened if one["rule"] == "gone")
    with room.client("read") as reader:
        assert reader.post(f"/alerts/{alert['id']}/acknowledge", json={}).status_code == 403
    seen = admin.post(f"/alerts/{alert['id']}/acknowledge", json={}).json()
    assert (seen["state"], seen["acknowledged_by"]) == ("acknowledged", "a-admin")
    assert admin.post("/alerts/999/acknowledge", json={}).status_code == 404
    wait_until(lambda: admin.get("/alerts").json()["total"] >= 1)
    assert CANARY not in room.part.said()


def test_what_ran_is_in_analytics_timeline_and_file(admin: httpx2.Client) -> None:
    for n in range(3):
        spec = {"name": "=SUM(A1)", "mode": "quest", "args": {"run_s": 0.05}}
        assert admin.post("/tasks", json=spec | {"metadata": {"n": n}}).status_code == 201
    wait_until(lambda: admin.get("/analytics").json()["totals"]["succeeded"] >= 3)

    document = admin.get("/analytics", params={"days": 1}).json()
    assert {row["key"] for row in document["agents"]} == set(AGENTS)
    assert document["modes"][0]["key"] == "quest"
    assert admin.get("/analytics/failures").json()[0]["failed"] == 0
    rows = list(csv.DictReader(io.StringIO(admin.get("/analytics/export.csv").text)))
    assert {row["agent"] for row in rows} == set(AGENTS)

    soon = datetime.now(UTC) + timedelta(hours=1)
    timeline = admin.get("/timeline", params={"to": soon.isoformat()}).json()
    assert len(timeline["bars"]) >= 3
    assert timeline["bars"][0]["mode"] == "quest"
    assert timeline["shades"][0]["kind"] == "window"
    assert timeline["shades"][-1]["until"] > timeline["bars"][0]["offered_at"]
    who = timeline["bars"][0]["agent"]
    one = admin.get("/timeline", params={"to": soon.isoformat(), "agent": [who]}).json()
    assert {bar["agent"] for bar in one["bars"]} == {who}
    assert set(one["agents"]) == {bar["agent"] for bar in timeline["bars"]}
    wrong = admin.get("/timeline", params={"from": soon.isoformat()})
    assert wrong.status_code == 422
    assert "at most 31 days" in wrong.json()["errors"][0]["expected"]


def test_metrics_are_what_prometheus_reads(
    watched: tuple[Fleet, ControlRoom], admin: httpx2.Client
) -> None:
    room = watched[1]
    answer = httpx2.get(f"{room.address}/metrics")
    assert answer.status_code == 200
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert families["fleetbus_bus_up"].samples[0].value == 1
    states = {s.labels["state"]: s.value for s in families["fleetbus_coordinator_state"].samples}
    assert states["online"] == 1
    assert sum(states.values()) == 1
    assert "fleetbus_tasks_ended" in families
    assert "fleetbus_agent_up" in families

    proxied = httpx2.get(f"{room.address}/metrics", headers={"X-Forwarded-For": "203.0.113.9"})
    assert proxied.status_code == 401
    token = {"Authorization": f"Bearer {room.secrets['read']}", "X-Forwarded-For": "203.0.113.9"}
    assert httpx2.get(f"{room.address}/metrics", headers=token).status_code == 200


def test_figures_are_kept_and_found_again(admin: httpx2.Client) -> None:
    def online() -> list[float]:
        answer = admin.get("/fleet/metrics", params={"names": "agents_online"}).json()
        return [value for series in answer["series"] for value in series["mean"]]

    wait_until(lambda: bool(online()), 40)
    assert online()[0] >= 1
    now = time.time()
    begin = datetime.fromtimestamp(now, UTC).isoformat()
    wrong = admin.get("/fleet/metrics", params={"since": begin, "until": begin})
    assert wrong.status_code == 422


def test_the_room_begins_again_where_it_was(
    watched: tuple[Fleet, ControlRoom], admin: httpx2.Client
) -> None:
    fleet, room = watched

    def gone(client: httpx2.Client) -> list[dict[str, Any]]:
        opened = client.get("/alerts", params={"open": True}).json()["items"]
        return [alert for alert in opened if alert["rule"] == "gone"]

    fleet.part("Heals").kill()  # if no test before has done it
    wait_until(lambda: bool(gone(admin)))
    (before,) = gone(admin)
    if before["acknowledged_by"] is None:
        assert admin.post(f"/alerts/{before['id']}/acknowledge", json={}).status_code == 200
    room.part.end()
    with control_room(fleet) as again, again.client("admin") as client:
        wait_until(lambda: bool(gone(client)))
        (after,) = gone(client)
    assert after["id"] == before["id"]
    assert after["acknowledged_by"] == "a-admin"
