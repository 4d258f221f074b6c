"""What a person does in the page happens in the fleet, and the page shows it without a reload."""

import re
import time
from collections.abc import Callable
from typing import Any, Final

import httpx2
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import Watched, watched_page
from tests.support.control_room import ControlRoom, wait_until
from tests.support.fleet_process import Fleet

NO_RELOAD: Final = "() => { window.reloaded = false }"


def create(admin: httpx2.Client, **spec: Any) -> str:
    answer = admin.post("/tasks", json={"mode": "quest", **spec})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def row(page: Page, name: str) -> Any:
    return page.locator("tr[data-row]", has_text=name)


def confirm(page: Page, button: str, reason: str = "because of the test") -> None:
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_role("button", name=button, exact=True).click()
    expect(dialog).to_have_count(0)


def test_a_task_created_in_the_page_runs_and_its_row_turns_completed_without_a_reload(
    screen: Watched,
) -> None:
    page = screen.page
    screen.open("/tasks")
    page.evaluate(NO_RELOAD)
    page.get_by_role("button", name="Task", exact=True).click()
    dialog = page.get_by_role("dialog", name="Create a task")
    dialog.get_by_label("Name").fill("Fetch the sword")
    dialog.get_by_label("Mode").fill("quest")
    dialog.get_by_text("More: agent").click()
    dialog.get_by_label("Arguments").fill('{"seconds": 0.3}')
    dialog.get_by_role("button", name="Create", exact=True).click()
    expect(row(page, "Fetch the sword").locator(".badge")).to_have_text("completed")
    assert page.evaluate("() => window.reloaded") is False


def test_a_refused_task_says_beside_the_field_what_would_be_right(screen: Watched) -> None:
    page = screen.page
    screen.open("/tasks")
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name="Create a task")
    dialog.get_by_label("Name").fill("Nonsense")
    dialog.get_by_label("Mode").fill("NOT A MODE!")
    dialog.get_by_role("button", name="Create", exact=True).click()
    expect(dialog.get_by_label("Mode")).to_have_attribute("aria-invalid", "true")
    screen.complaints.clear()  # the browser complains of every 422


def test_a_running_task_is_paused_resumed_and_cancelled_from_its_page(
    screen: Watched, admin: httpx2.Client
) -> None:
    page = screen.page
    task = create(admin, name="A long one", args={"sleep": 60})
    screen.open(f"/tasks/{task}")
    status = page.locator(".view-head .badge").first
    expect(status).to_have_text("running")
    page.get_by_role("button", name="Pause", exact=True).click()
    confirm(page, "Pause the task")
    expect(status).to_have_text("paused")
    page.get_by_role("button", name="Resume", exact=True).click()
    confirm(page, "Resume the task")
    expect(status).to_have_text("running")
    page.get_by_role("button", name="Cancel", exact=True).click()
    confirm(page, "Cancel the task")
    expect(status).to_have_text("cancelled")


def test_what_would_start_a_task_is_done_from_its_page(
    screen: Watched, admin: httpx2.Client
) -> None:
    page = screen.page
    spec = {"mode": "combat", "args": {"sleep": 60}}
    first = create(admin, name="Clear the den", **spec)
    task = create(admin, name="Clear the lair", **spec)
    screen.open(f"/tasks/{task}")
    ways = page.get_by_label("What would start it")
    raised = ways.get_by_role("listitem").filter(has_text="raise the limit mode:combat 1 → 2")
    expect(raised.get_by_role("link", name="Open the plan")).to_be_visible()
    cancelled = ways.get_by_role("listitem").filter(has_text=f"cancel {first} (Clear the den)")
    cancelled.get_by_role("button", name="Do it …").click()
    confirm(page, "Do it")
    expect(page.locator(".view-head .badge").first).to_have_text("running")
    assert admin.get(f"/tasks/{first}").json()["status"] == "cancelled"
    answer = admin.post(f"/tasks/{task}/actions", json={"verb": "cancel", "reason": "seen"})
    assert answer.is_success, answer.text
    wait_until(lambda: admin.get(f"/tasks/{task}").json()["status"] == "cancelled")


def test_many_tasks_are_cancelled_at_once_after_a_preview(
    screen: Watched, admin: httpx2.Client
) -> None:
    page = screen.page
    for number in range(5):
        create(admin, name=f"bulk {number}", scheduled_for="2090-01-01T00:00:00Z")
    screen.open("/tasks?q=bulk&status=pending")
    expect(page.locator("tr[data-row]")).to_have_count(5)
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_role("region", name="Selected tasks")).to_contain_text("1 selected")
    page.get_by_label("Select every row that is loaded").check()
    page.get_by_role("button", name="Cancel …").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("5 tasks would be cancelled")
    confirm(page, "Cancel 5 tasks")
    wait_until(
        lambda: (
            admin.get("/tasks", params={"q": "bulk", "status": "cancelled"}).json()["total"] == 5
        )
    )


def test_a_filter_is_saved_under_a_name_and_kept_in_the_address(screen: Watched) -> None:
    page = screen.page
    screen.open("/tasks")
    page.get_by_role("button", name=re.compile("^failed")).click()
    page.get_by_label("Priority").select_option("high")
    expect(page).to_have_url(re.compile(r"status=failed.*priority=high"))
    page.get_by_role("button", name="Save filter").click()
    page.get_by_label("Name of the filter").fill("urgent failures")
    page.get_by_role("button", name="Save", exact=True).click()
    page.reload()
    expect(page.get_by_label("Saved filters")).to_have_value("urgent failures")


def test_an_agent_is_cordoned_and_returned_with_a_reason_that_is_shown(screen: Watched) -> None:
    page = screen.page
    screen.open("/agents/Scout")
    page.get_by_role("button", name="Cordon").click()
    confirm(page, "Cordon", "new boots")
    expect(page.locator(".operator-line")).to_contain_text("new boots")
    page.get_by_role("button", name="Return to service").click()
    confirm(page, "Return to service")
    expect(page.locator(".operator-line")).to_have_count(0)


def test_several_agents_are_put_into_maintenance_together(
    screen: Watched, admin: httpx2.Client
) -> None:
    page = screen.page
    screen.open("/fleet")
    for name in ("Main", "Heals"):
        page.get_by_label(f"Select {name}").check()
    page.get_by_role("button", name="Maintenance").click()
    confirm(page, "Maintenance")
    expect(page.locator(".agent-card .badge", has_text="maintenance")).not_to_have_count(0)
    for name in ("Main", "Heals"):
        assert admin.get(f"/agents/{name}").json()["operator"]["verb"] == "maintenance"
        admin.post(f"/agents/{name}/actions", json={"verb": "return", "reason": "tidy up"})


def test_an_agent_is_registered_and_unregistered_in_the_page(
    screen: Watched, admin: httpx2.Client
) -> None:
    page = screen.page
    screen.open("/fleet")
    page.get_by_role("button", name="Register an agent").click()
    dialog = page.get_by_role("dialog", name="Register an agent")
    for label, text in (
        ("Name", "Guest"),
        ("Machine", "LAPTOP"),
        ("Window", "W1"),
        ("Capabilities", "dancing, cooking"),
    ):
        dialog.get_by_label(label).fill(text)
    dialog.get_by_role("button", name="Register", exact=True).click()
    expect(page.get_by_role("heading", name="Guest")).to_be_visible()
    expect(page.locator(".chip", has_text="dancing")).to_be_visible()
    page.get_by_role("button", name="Unregister").click()
    confirm(page, "Unregister")
    wait_until(lambda: admin.get("/agents/Guest").status_code == 404)
    screen.complaints.clear()  # the page asks once more for what it has just taken away


def test_a_limit_is_held_and_released_and_the_fleet_paused_and_resumed(screen: Watched) -> None:
    page = screen.page
    screen.open("/limits")
    page.get_by_role("button", name="Hold combat").click()
    confirm(page, "Hold")
    page.get_by_role("button", name="Release combat").click()
    confirm(page, "Release")
    expect(page.get_by_role("button", name="Hold combat")).to_be_visible()
    screen.open("/")
    page.get_by_role("button", name="Pause the fleet").click()
    confirm(page, "Pause")
    page.get_by_role("button", name="Resume the fleet").click()
    confirm(page, "Resume")
    expect(page.get_by_role("button", name="Pause the fleet")).to_be_visible()


def test_a_plan_is_changed_in_the_form_checked_in_place_applied_and_rolled_back(
    screen: Watched, admin: httpx2.Client
) -> None:
    page = screen.page
    before = admin.get("/fleet-plan").json()["version"]
    screen.open("/plan")
    limit = page.get_by_label("Max concurrent agents")
    limit.fill("-1")
    problems = page.get_by_role("list", name="Problems")
    expect(problems).to_contain_text("global_constraints.max_concurrent_agents")
    expect(page.get_by_role("button", name="Apply …")).to_be_disabled()
    limit.fill("2")
    expect(page.locator(".json-editor")).to_contain_text('"max_concurrent_agents": 2')
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("dialog")).to_contain_text("global_constraints.max_concurrent_agents")
    expect(page.get_by_role("dialog")).to_contain_text("would start")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Apply …").click()
    page.get_by_label("Comment").fill("two at once")
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.locator(".view-head")).to_contain_text(f"v{before + 1}")
    page.get_by_role("radio", name="History").click()
    line = page.get_by_role("row").filter(has_text=f"v{before}").last
    line.get_by_role("button", name="Roll back to it").click()
    confirm(page, "Roll back")
    expect(page.locator(".view-head")).to_contain_text(f"v{before + 2}")
    wait_until(
        lambda: (
            admin.get("/fleet-plan").json()["plan"]["global_constraints"]["max_concurrent_agents"]
            == 3
        )
    )


def test_a_killed_agent_is_shown_suspect_within_a_second(screen: Watched, fleet: Fleet) -> None:
    page = screen.page
    screen.open("/fleet")
    badge = page.locator("[data-agent=Heals] header .badge")
    expect(badge).to_have_text("idle")
    page.evaluate(
        """() => {
          const badge = document.querySelector('[data-agent=Heals] header .badge');
          window.suspectAt = new Promise((done) => {
            new MutationObserver((_, watch) => {
              const text = document.querySelector('[data-agent=Heals] header .badge').textContent;
              if (!/suspect|offline/.test(text)) return;
              watch.disconnect();
              done(Date.now());
            }).observe(document.body, {subtree: true, childList: true, characterData: true});
          });
        }"""
    )
    killed_ms = time.time() * 1000
    fleet.part("Heals").kill()
    seen_ms = page.evaluate("() => window.suspectAt")
    fleet.start_agent("Heals")
    expect(badge).to_have_text("idle")
    assert seen_ms - killed_ms < 1000


def test_whoever_may_only_look_finds_every_act_closed(browser: Browser, room: ControlRoom) -> None:
    with watched_page(browser, room.address) as watched:
        page = watched.page
        page.goto(room.address)
        page.get_by_label("Token").fill("fb_no_such")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("no such token")).to_be_visible()
        page.get_by_label("Token").fill(room.secrets["read"])
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Now", exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="Task", exact=True)).to_be_disabled()
        expect(page.get_by_role("button", name="Pause the fleet")).to_be_disabled()
        page.goto(f"{room.address}/agents/Main")
        expect(page.get_by_role("button", name="Cordon")).to_be_disabled()
        page.get_by_role("button", name="You", exact=True).click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_keyboard_goes_everywhere(screen: Watched) -> None:
    page = screen.page
    screen.open("/")
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page.get_by_role("heading", name="Tasks")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Control+k")
    page.get_by_placeholder("A view, an agent").fill("Scou")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Scout")).to_be_visible()


def test_with_an_interval_values_are_taken_then_and_their_age_is_told(
    screen: Watched, link: Callable[[], str]
) -> None:
    page = screen.page
    screen.open("/")
    page.get_by_label("Refresh interval").select_option("10 s")
    expect(page.locator(".freshness")).to_contain_text("s old")
    page.get_by_role("button", name="Refresh now").click()
    page.get_by_label("Refresh interval").select_option("live")
    expect(page.locator(".freshness")).to_have_text("Live")
