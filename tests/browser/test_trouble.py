"""Text that others supply is never markup, and the page says when it knows no better."""

from collections.abc import Callable

import httpx2
from playwright.sync_api import Browser, expect

from tests.support.browser import Watched, watched_page
from tests.support.control_room import control_room, wait_until
from tests.support.fleet_process import Fleet

MARKUP = '<img src=x onerror="window.owned=1"><script>window.owned=1</script><b>bold</b>'


def test_stored_markup_is_shown_as_it_is_and_never_runs(
    screen: Watched, admin: httpx2.Client
) -> None:
    page = screen.page
    name = f"{MARKUP[:100]} task"
    task = admin.post(
        "/tasks",
        json={
            "name": name,
            "mode": "quest",
            "args": {"fail": MARKUP},
            "metadata": {MARKUP: MARKUP},
        },
    ).json()["id"]
    admin.post("/agents/Main/actions", json={"verb": "maintenance", "reason": MARKUP, "for_s": 600})
    wait_until(lambda: admin.get(f"/tasks/{task}").json()["status"] in {"failed", "pending"})
    for path in ("/", "/fleet", "/agents/Main", "/tasks", f"/tasks/{task}", "/events", "/timeline"):
        screen.open(path)
        expect(page.locator(".freshness")).to_have_text("Live")
        assert page.evaluate("() => window.owned") is None, path
        assert page.locator("main img, main b:text-is('bold'), main script").count() == 0, path
    screen.open(f"/tasks/{task}")
    expect(page.get_by_role("heading", name="onerror")).to_be_visible()
    admin.post("/agents/Main/actions", json={"verb": "return", "reason": "tidy up"})
    admin.post(f"/tasks/{task}/actions", json={"verb": "cancel", "reason": "tidy up"})


def test_a_page_without_its_server_says_so_and_greys_its_values(
    browser: Browser, fleet: Fleet, link: Callable[[], str]
) -> None:
    with control_room(fleet) as own, watched_page(browser, own.address) as watched:
        page = watched.page
        page.goto(f"{own.address}/api/orchestrator/signin?link={link()}")
        expect(page.locator(".freshness")).to_have_text("Live")
        expect(page.locator(".tile").first).to_be_visible()
        own.part.kill()
        expect(page.locator(".freshness")).to_have_text("Disconnected")
        expect(page.get_by_role("alert")).to_contain_text("Disconnected")
        assert page.locator(".shell").get_attribute("data-stale") == "true"
        expect(page.locator(".tile").first).to_be_visible()


def test_a_coordinator_that_is_gone_is_told_on_the_page(
    screen: Watched, fleet: Fleet, admin: httpx2.Client
) -> None:
    page = screen.page
    screen.open("/")
    fleet.part("coordinator").kill()
    expect(page.get_by_role("alert")).to_contain_text("coordinator is gone")
    fleet.start_coordinator()
    expect(page.get_by_role("alert")).to_have_count(0, timeout=30_000)
    wait_until(lambda: admin.get("/agents/Main").json()["status"] == "idle")
    screen.complaints.clear()  # what was asked meanwhile was refused, as it should be
