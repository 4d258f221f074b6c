"""Every view opens without a complaint, and axe finds no serious fault in it."""

from typing import Final

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import Watched, watched_page
from tests.support.control_room import ControlRoom, wait_until

VIEWS: Final = {
    "now": "/",
    "fleet": "/fleet",
    "agent": "/agents/Main",
    "tasks": "/tasks",
    "timeline": "/timeline",
    "plan": "/plan",
    "limits": "/limits",
    "reliability": "/reliability",
    "events": "/events",
    "alerts": "/alerts",
}


@pytest.fixture(scope="module", autouse=True)
def some_tasks(room: ControlRoom) -> str:
    """Leave tasks of several kinds behind, so that views have something to show."""
    with room.client("admin") as admin:
        ids = [
            admin.post("/tasks", json=spec).json()["id"]
            for spec in (
                {"name": "a quick one", "mode": "quest", "args": {"seconds": 0.01}},
                {"name": "one that fails", "mode": "quest", "args": {"fail": "no_luck"}},
                {"name": "one that nobody can do", "mode": "swimming"},
                {"name": "one for later", "mode": "quest", "scheduled_for": "2090-01-01T00:00:00Z"},
            )
        ]
        wait_until(lambda: admin.get(f"/tasks/{ids[0]}").json()["status"] == "completed")
    return str(ids[2])


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_opens_without_a_complaint_and_without_a_serious_fault(
    screen: Watched, view: str
) -> None:
    screen.open(VIEWS[view])
    expect(screen.page.locator(".freshness")).to_have_text("Live")
    expect(screen.page.locator("main [role=status]")).to_have_count(0)
    assert screen.faults() == []


def test_the_page_of_a_waiting_task_says_why_and_has_no_serious_fault(
    screen: Watched, some_tasks: str
) -> None:
    screen.open(f"/tasks/{some_tasks}")
    expect(screen.page.locator(".headline")).to_contain_text("agent can do it")
    assert screen.faults() == []


@pytest.mark.parametrize("view", ["now", "tasks", "plan"])
def test_a_view_is_as_good_in_the_light_and_on_a_phone(
    browser: Browser, room: ControlRoom, link: object, view: str
) -> None:
    assert callable(link)
    phone = {"width": 390, "height": 844}
    with watched_page(
        browser, room.address, link=link(), viewport=phone, color_scheme="light"
    ) as watched:
        watched.open(VIEWS[view])
        expect(watched.page.locator(".freshness")).to_have_text("Live")
        assert watched.faults() == []
        wide = watched.page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= phone["width"]
        assert watched.complaints == []


def test_dialogs_have_no_serious_fault(screen: Watched, admin: httpx2.Client) -> None:
    screen.open("/tasks")
    screen.page.keyboard.press("c")
    expect(screen.page.get_by_role("dialog", name="Create a task")).to_be_visible()
    assert screen.faults() == []
    screen.page.keyboard.press("Escape")
    expect(screen.page.get_by_role("dialog")).to_have_count(0)
    screen.page.keyboard.press("?")
    expect(screen.page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    assert screen.faults() == []
