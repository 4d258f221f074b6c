"""How quick the page is: first load, frames of the heatmap with 10,000 agents, response to acts.

The built pages run in Debian's Chromium without a graphics card. The server is left out: answers
come from memory, and the stream is made inside the page, so that what is timed is the page alone.
Run ``make dashboard`` first, then ``python -m benchmarks.dashboard``.
"""

import gzip
import json
import mimetypes
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, Page, Route

from tests.support.browser import chromium

ADDRESS: Final = "http://dashboard.test"
STATIC: Final = Path(__file__).parents[2] / "coordinator" / "http" / "static"
SCENE: Final = (Path(__file__).parent / "scene.js").read_text()
PLAN: Final = json.loads((Path(__file__).parents[2] / "config" / "fleet_plan.json").read_text())
TASKS: Final = 100_000
FRAMES: Final = """seconds => new Promise(done => {
  const gaps = []; let before = performance.now(); const end = before + seconds * 1000;
  const step = now => { gaps.push(now - before); before = now;
    now < end ? requestAnimationFrame(step) : done(gaps.slice(1)); };
  requestAnimationFrame(step); })"""


def task(index: int) -> dict[str, Any]:
    return {
        "id": f"t-{index}", "name": f"Daily quest run {index}", "mode": "quest",
        "agent_name": None, "priority": "normal", "status": "pending", "phase": "ready",
        "attempt": 0, "fence": 0, "pct": None, "step": None,
        "created_at": "2026-11-26T06:00:00.000Z", "scheduled_for": None, "started_at": None,
        "completed_at": None, "estimated_duration_s": None, "actual_duration_s": None,
        "constraints": {}, "anti_pattern_rules": [], "daily_cap": None, "weekly_cap": None,
        "current_daily_count": None, "current_weekly_count": None, "error_count": 0,
        "last_error": None, "error_code": None, "blocked_by": ["AGENT_BUSY"], "result": None,
        "metadata": {}, "args": {}, "depends_on": [], "expires_at": None, "created_by": None,
        "parent": None,
    }  # fmt: skip


def api(path: str, query: dict[str, list[str]]) -> object:
    """Answer what the page asks."""
    page: dict[str, Any] = {"items": [], "next_cursor": None, "total": 0, "stale": False}
    match path.removeprefix("/api/orchestrator/").split("/"):
        case ["session"]:
            return {"name": "bench", "scope": "admin", "expires": None}
        case ["tasks"]:
            first = int(query.get("cursor", ["0"])[0])
            items = [task(index) for index in range(first, first + 200)]
            return page | {"items": items, "next_cursor": str(first + 200), "total": TASKS}
        case ["tasks", name]:
            return task(int(name.removeprefix("t-")))
        case ["tasks", _, "story"]:
            return {"task": "", "attempts": [], "events": []}
        case ["tasks", _, "why"] | ["why"]:
            headline = {"code": "AGENT_BUSY", "text": "every agent is busy"}
            agents = {"total": 1000, "free": 0, "not_free": {}}
            head = {"since_ms": 0, "headline": headline}
            return {"as_of": None, "answer": {**head, "blocked": [], "agents": agents}}
        case ["fleet-plan"]:
            return {"version": 1, "at": "2026-11-26T06:00:00.000Z", "author": "a", "comment": "",
                    "rollback_of": None, "in_force": 1, "plan": PLAN}  # fmt: skip
        case ["fleet-plan", "check"]:
            return {"ok": True, "version": 1, "problems": []}
        case ["limits"]:
            return {"limits": [], "caps": [], "fleet_pause": None, "stale": False}
        case ["schedules"]:
            return []
        case _:
            return page


def serve(route: Route) -> None:
    """Answer from memory and from the built files, compressed as the server does it."""
    parts = urlsplit(route.request.url)
    if parts.path.startswith("/api/"):
        route.fulfill(json=api(parts.path, parse_qs(parts.query)))
        return
    file = STATIC / parts.path.lstrip("/")
    file = file if file.is_file() else STATIC / "index.html"
    route.fulfill(
        body=file.read_bytes(), content_type=mimetypes.guess_type(file.name)[0] or "text/plain"
    )


def opened(browser: Browser, agents: int, changed: int) -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    scene = json.dumps({"agents": agents, "changed": changed})
    page.add_init_script(f"window.__scene = {scene};\n{SCENE}")
    page.route("**/*", serve)
    return page


def first_load(browser: Browser) -> float:
    """Return the kilobytes that the first view loads, compressed."""
    page = opened(browser, 10, 1)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    page.goto(ADDRESS)
    page.get_by_role("heading", name="Now", exact=True).wait_for()
    page.wait_for_timeout(500)
    files = [STATIC / (path.lstrip("/") or "index.html") for path in set(asked)]
    page.context.close()
    return sum(len(gzip.compress(file.read_bytes(), 9)) for file in files if file.is_file()) / 1024


def heatmap(browser: Browser) -> tuple[float, float]:
    """Return frames per second, and the longest gap that one in twenty exceeds, in ms."""
    page = opened(browser, 10_000, 500)
    page.goto(f"{ADDRESS}/fleet")
    canvas = page.locator(".heat canvas")
    canvas.wait_for()
    canvas.hover(position={"x": 300, "y": 300})
    gaps = sorted(page.evaluate(FRAMES, 5))
    page.context.close()
    return 1000 * len(gaps) / sum(gaps), gaps[int(len(gaps) * 0.95)]


def acts(browser: Browser) -> list[float]:
    """Do what people do with 1,000 agents and 100,000 tasks; return ms from each act to paint."""
    page = opened(browser, 1_000, 100)
    page.goto(ADDRESS)
    page.locator(".tile").first.wait_for()
    for name in ("Fleet", "Tasks", "Timeline", "Plan", "Limits & caps", "Events", "Now", "Tasks"):
        page.locator(".places").get_by_role("link", name=name).click()
        page.wait_for_timeout(150)
    page.locator("tr[data-row]").first.wait_for()
    for key in ["j"] * 12 + ["x", "j", "x", "k"]:
        page.keyboard.press(key)
        page.wait_for_timeout(30)
    for name in ("pending", "running", "pending", "running"):
        page.locator(".filters").get_by_role("button", name=name).click()
        page.wait_for_timeout(100)
    page.get_by_role("searchbox").click()
    page.keyboard.type("quest", delay=40)
    for _ in range(20):  # until some thousands of rows are there
        page.locator(".data-table").evaluate("one => one.scrollTo(0, one.scrollHeight)")
        page.wait_for_timeout(60)
    page.get_by_label("Select every row that is loaded").click()
    page.wait_for_timeout(100)
    page.get_by_role("button", name="Clear").click()
    page.keyboard.press("Control+k")
    page.wait_for_timeout(300)
    page.keyboard.type("bot-00", delay=40)
    page.keyboard.press("Escape")
    page.locator(".topbar").get_by_role("button", name="Task", exact=True).click()
    page.wait_for_timeout(200)
    page.keyboard.type("A new one", delay=30)
    page.keyboard.press("Escape")
    page.wait_for_timeout(500)
    seen: dict[int, float] = {}
    for interaction, took_ms in page.evaluate("() => window.__acts"):
        seen[interaction] = max(seen.get(interaction, 0.0), took_ms)
    page.context.close()
    return sorted(seen.values())


def main() -> None:
    with chromium() as browser:
        load_kb = first_load(browser)
        frames, gap_ms = heatmap(browser)
        took = acts(browser)
    p95 = took[int(len(took) * 0.95)]
    print(f"first load, compressed      {load_kb:7.1f} KB      target <= 250")
    print(
        f"heatmap, 10,000 agents      {frames:7.1f} frames/s target >= 50 (p95 gap {gap_ms:.1f} ms)"
    )
    print(f"acts, 1,000 agents, 100,000 tasks: {len(took)} acts took 16 ms or longer")
    median = took[len(took) // 2]
    print(f"  p50 {median:.0f} ms, p95 {p95:.0f} ms (target <= 100), most {took[-1]:.0f} ms")


if __name__ == "__main__":
    main()
