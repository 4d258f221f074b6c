"""What operators do over days, in the page: start and restart agents, try again, see to alerts."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect

from coordinator.http.auth.sessions import make_link
from tests.support.browser import Watched, watched_page
from tests.support.control_room import ControlRoom, control_room, wait_until
from tests.support.fleet_process import (
    HEARTBEAT_S,
    Fleet,
    broker_for_a_fleet,
    brokers_to_test,
    plan_of,
    running_fleet,
)

MACHINE: Final = "pc"
GUEST: Final = {
    "name": "Guest",
    "machine_id": MACHINE,
    "capabilities": ["quest"],
    "auto_start": False,
    "heartbeat_interval": HEARTBEAT_S,
    "command": [
        *(sys.executable, "-m", "agent_client", "Guest", "--capability", "quest"),
        *("--heartbeat", str(HEARTBEAT_S)),
    ],
}


class Taking(BaseHTTPRequestHandler):
    """Takes every message."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@contextlib.contextmanager
def receiver() -> Iterator[int]:
    """Run somebody whom alerts are sent to; yields the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def at_work(
    folder: Path, browser: Browser, **plan: Any
) -> Iterator[tuple[Fleet, ControlRoom, Watched]]:
    """Run a fleet without agents, its control room, and somebody at a screen."""
    settings = folder / "fleetbus.toml"
    settings.write_text("alerts_to_this_machine = true\n")
    with (
        broker_for_a_fleet(brokers_to_test()[0], folder) as where,
        running_fleet(where, folder / "fleet", [], plan_of([]) | plan) as fleet,
        control_room(fleet, config=settings) as room,
        watched_page(
            browser, room.address, link=make_link(room.data, int(time.time() * 1000))
        ) as watched,
    ):
        yield fleet, room, watched


def host(fleet: Fleet) -> None:
    """Run the host of the agents' machine, and wait until the coordinator has spoken to it."""
    fleet.start(
        "host",
        "agent_client.host",
        *("--machine", MACHINE, "--broker", fleet.where.url, "--root", fleet.where.root),
        *("--state-dir", str(fleet.folder / "host"), "--interval", "0.5", "--patience", "4"),
    )
    ops = fleet.client()
    ops.wait("orders for the host", lambda: ops.latest(f"hosts/host-{MACHINE}/desired"))


def act(page: Page, button: str, confirm: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("because of the test")
    dialog.get_by_role("button", name=confirm, exact=True).click()
    expect(dialog).to_have_count(0)


@pytest.mark.skipif(sys.platform != "linux", reason="platform: only Linux proves a death")
def test_an_agent_is_started_a_task_tried_again_an_alert_seen_to_and_the_agent_stopped(
    browser: Browser, tmp_path: Path
) -> None:
    alerts = {"failed": {"when": "task_failed", "severity": "critical"}}
    channels = {"hook": {"url_env": "TEST_HOOK"}}
    with receiver() as port, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_HOOK", f"json://127.0.0.1:{port}/")
        with (
            at_work(
                tmp_path,
                browser,
                agents=[GUEST],
                monitoring={"alerts": alerts},
                notifications={"channels": channels},
            ) as (fleet, room, watched),
            room.client("admin") as admin,
        ):
            page = watched.page
            host(fleet)
            watched.open("/agents/Guest")
            status = page.locator(".view-head .badge").first
            act(page, "Start", "Start")
            expect(status).to_have_text("idle")
            first = admin.get("/agents/Guest").json()["session_data"]["boot"]

            spec = {"name": "A failure", "mode": "quest", "args": {"fail": "no_luck"}}
            task = admin.post("/tasks", json=spec | {"max_attempts": 1}).json()["id"]
            watched.open(f"/tasks/{task}")
            expect(page.locator(".view-head .badge").first).to_have_text("failed")
            act(page, "Retry", "Retry the task")
            found: list[dict[str, Any]] = []

            def again() -> bool:
                found[:] = admin.get("/tasks", params={"name": "A failure"}).json()["items"]
                return any(one["parent"] == task for one in found)

            wait_until(again)

            watched.open("/alerts")
            line = page.locator(".alert-line").filter(has_text="failed").first
            line.get_by_role("button", name="Acknowledge").click()
            expect(page.locator(".alert-line").first).to_contain_text("seen to by local")
            page.get_by_role("button", name="Send a test").click()
            expect(page.locator(".toasts")).to_contain_text("hook took the test message")

            watched.open("/agents/Guest")
            act(page, "Restart", "Restart")
            wait_until(
                lambda: admin.get("/agents/Guest").json()["session_data"].get("boot") != first
            )
            expect(status).to_have_text("idle")
            act(page, "Stop", "Stop")
            expect(status).to_have_text("offline")
            assert watched.complaints == []


def test_in_safe_mode_page_and_api_say_what_is_wrong_and_what_repairs_it(
    browser: Browser, tmp_path: Path
) -> None:
    with (
        at_work(tmp_path, browser) as (fleet, room, watched),
        room.client("admin") as admin,
    ):
        later = {"name": "n", "mode": "quest", "scheduled_for": "2100-01-01T00:00:00Z"}
        assert admin.post("/tasks", json=later).status_code == 201
        watched.open("/")
        fleet.part("coordinator").stop()
        for name in ("fleet.db", "fleet.db-wal", "fleet.db-shm"):
            # Written over, never cut short: the control room maps one of them, and would be killed.
            with contextlib.suppress(FileNotFoundError), (room.data / name).open("r+b") as file:
                file.write(b"no store at all" * 10_000)
        fleet.start_coordinator()
        alert = watched.page.get_by_role("alert").first
        expect(alert).to_contain_text("safe mode", timeout=30_000)
        expect(alert).to_contain_text("fleetbus")

        health = admin.get("/health").json()
        assert (health["status"], health["store"]) == ("degraded", False)
        assert health["coordinator"]["state"] == "safe"
        assert health["store_error"]
        assert admin.get("/summary").json()["coordinator"]["reason"] in alert.inner_text()
        unread = admin.get("/tasks")
        assert (unread.status_code, unread.json()["code"]) == (503, "store_unavailable")
        refused = admin.post("/tasks", json=later)
        assert refused.status_code == 503
        assert "fleetbus" in refused.json()["detail"]
        watched.open("/tasks")
        expect(watched.page.locator("main")).to_contain_text("store")
