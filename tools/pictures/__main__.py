"""Take the pictures of the control room in docs/images: ``python -m tools.pictures``.

Everything in them is real: the example plan, six agents as processes that work for some minutes,
and for the heatmap a thousand agents that speak the whole protocol. Only the plan's time zone is
not the example's: in it the morning is half over, whenever the pictures are taken.
"""

import base64
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from playwright.sync_api import Browser, Page

from benchmarks.dashboard.large_fleet import large_fleet, sign_in_link
from tests.support.browser import Watched, chromium, watched_page
from tests.support.control_room import ControlRoom, control_room, wait_until
from tests.support.fleet_process import Fleet, broker_for_a_fleet
from tools.pictures.bot import HEARTBEAT_S

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "docs" / "images"
PLAN: Final = ROOT / "config" / "fleet_plan.json"
MORNING_H: Final = 10
CONTINENTS: Final = ("Africa/", "America/", "Asia/", "Australia/", "Europe/", "Pacific/")
WIDE: Final = (1440, 900)
TALL: Final = (1440, 1100)
PHONE: Final = (390, 844)
QUALITY: Final = 82
LARGE: Final = 1_000
WITHIN_S: Final = 400.0
LOOKS_AFTER_S: Final = 25.0
"""How long what runs in the pictures has been running."""
SETTLES_MS: Final = 1_500
"""How long bars and numbers of a view may still move."""

STEPS: Final = {
    "quest": ["taking the quest", "on the way to the cantina", "talking", "on the way back"],
    "combat": ["buffing", "on the way to the lair", "fighting", "looting"],
    "crafting": ["gathering parts", "at the bench", "testing"],
    "farming": ["surveying", "placing harvesters", "harvesting"],
    "exploration": ["riding out", "mapping the swamp", "riding home"],
    "trading": ["reading prices", "selling"],
    "medic_follow": ["following Main"],
}
SHORT: Final = (
    *(("Daily quest run", "quest", 9), ("Map the swamp", "exploration", 12)),
    *(("Craft stimpacks", "crafting", 7), ("Harvest ore", "farming", 11)),
    *(("Sell loot", "trading", 5), ("Follow Main", "medic_follow", 8)),
)
"""What is done before the pictures are taken, several times: name, mode and seconds."""
ROUNDS: Final = 5
FAILS: Final = ("Harvest ore", 3)
LONG: Final = (
    *(("Clear the den", "combat", "Heals", 130), ("Clear the nest", "combat", "Farmer", 320)),
    *(("Craft armour", "crafting", "Crafter", 90),),
)
"""What runs in the pictures: name, mode, agent and seconds."""
WAITING: Final[tuple[dict[str, Any], ...]] = (
    {"name": "Clear the lair", "mode": "combat", "priority": "high"},
    {"name": "Clear the bunker", "mode": "combat"},
    {"name": "Clear the tower", "mode": "combat", "priority": "low"},
    {"name": "Craft a speeder", "mode": "crafting"},
    {"name": "Craft stimpacks 6", "mode": "crafting"},
    {"name": "Duel in the arena", "mode": "pvp"},
    {"name": "Night watch", "mode": "quest", "constraints": {"time_window": "night_shift"}},
    {"name": "Harvest at night", "mode": "farming", "constraints": {"time_window": "night_shift"}},
    {"name": "Fly to the moon", "mode": "piloting"},
)
EXPLAINED: Final = "Clear the lair"


def main() -> int:
    """Take them all, and say which."""
    with chromium() as browser:
        with _small_fleet() as room, _page(browser, room, WIDE) as watched:
            _take(watched, "/", "now")
            _take(watched, "/timeline", "timeline", closer=7)
            _take(watched, "/plan", "plan")
            with room.client("read") as client:
                tasks = client.get("/tasks", params={"status": "pending"}).json()["items"]
            task = next(task["id"] for task in tasks if task["name"] == EXPLAINED)
            watched.page.set_viewport_size({"width": TALL[0], "height": TALL[1]})
            _take(watched, f"/tasks/{task}", "why")
            watched.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
            _take(watched, f"/tasks/{task}", "phone")
        with (
            large_fleet("embedded", LARGE, LARGE, 20.0) as room,
            _page(browser, room, WIDE) as page,
        ):
            _take(page, "/fleet", "heatmap")
    return 0


@contextmanager
def _small_fleet() -> Iterator[ControlRoom]:
    """Run the example's fleet until it has done some work, and more waits."""
    plan = json.loads(PLAN.read_text("utf-8"))
    plan["timezone"] = _zone_where_it_is_morning()
    plan["leases"] = {"heartbeat": HEARTBEAT_S, "lease_s": 6.0, "margin_s": 1.0}
    for agent in plan["agents"]:
        agent["heartbeat_interval"] = HEARTBEAT_S
    with tempfile.TemporaryDirectory(prefix="fleetbus-pictures-") as place:
        folder = Path(place)
        (folder / "plan.json").write_text(json.dumps(plan))
        with broker_for_a_fleet("embedded", folder) as where:
            fleet = Fleet(where, folder)
            try:
                fleet.start_coordinator()
                for agent in plan["agents"]:
                    words = agent["machine_id"], agent["window_id"], *agent["capabilities"]
                    environment = {"FLEETBUS_BROKER": where.url, "FLEETBUS_ROOT": where.root}
                    name = agent["name"]
                    fleet.start(name, "tools.pictures.bot", name, *words, environment=environment)
                with control_room(fleet) as room:
                    _work(room)
                    fleet.part("Scout").kill()
                    _until(
                        room, lambda numbers: numbers["online_agents"] == len(plan["agents"]) - 1
                    )
                    yield room
            except BaseException:
                fleet.show_logs()
                raise
            finally:
                for part in reversed(fleet.parts):
                    part.end()


def _work(room: ControlRoom) -> None:
    with room.client("admin") as client:
        plan = client.get("/fleet-plan")
        newer = plan.json()["plan"] | {"version": "1.0.1"}
        match = {"If-Match": plan.headers["ETag"]}
        client.put("/fleet-plan", json=newer, headers=match).raise_for_status()
        short = [
            _spec(f"{name} {n}", mode, seconds + n, fails=(name, n) == FAILS)
            for n in range(1, ROUNDS + 1)
            for name, mode, seconds in SHORT
        ]
        client.post("/tasks/bulk", json={"tasks": short}).raise_for_status()
        _until(
            room,
            lambda numbers: numbers["completed_tasks"] + numbers["failed_tasks"] == len(short),
        )
        long = [
            {
                **_spec(name, mode, seconds),
                "agent_name": agent,
                "estimated_duration_s": seconds,
            }
            for name, mode, agent, seconds in LONG
        ]
        client.post("/tasks/bulk", json={"tasks": long}).raise_for_status()
        _until(room, lambda numbers: numbers["running_tasks"] == len(long))
        waiting = [_spec(one["name"], one["mode"], 600) | one for one in WAITING]
        client.post("/tasks/bulk", json={"tasks": waiting}).raise_for_status()
        time.sleep(LOOKS_AFTER_S)


def _spec(name: str, mode: str, seconds: float, *, fails: bool = False) -> dict[str, Any]:
    args = {"seconds": seconds, "steps": STEPS.get(mode, ["at work"])}
    if fails:
        args["fail"] = "ambushed"
    return {"name": name, "mode": mode, "args": args, "max_attempts": 1}


def _until(room: ControlRoom, holds: Callable[[dict[str, int]], bool]) -> None:
    with room.client("read") as client:
        wait_until(lambda: holds(client.get("/summary").json()), within_s=WITHIN_S)


def _zone_where_it_is_morning() -> str:
    now_s = time.time_ns() / 1e9
    return next(
        zone
        for zone in sorted(available_timezones())
        if zone.startswith(CONTINENTS)
        and datetime.fromtimestamp(now_s, ZoneInfo(zone)).hour == MORNING_H
    )


@contextmanager
def _page(browser: Browser, room: ControlRoom, size: tuple[int, int]) -> Iterator[Watched]:
    viewport = {"width": size[0], "height": size[1]}
    link = sign_in_link(room)
    with watched_page(
        browser, room.address, link=link, viewport=viewport, color_scheme="dark"
    ) as watched:
        yield watched
        if watched.complaints:
            sys.exit("\n".join(watched.complaints))


def _take(watched: Watched, path: str, name: str, closer: int = 0) -> None:
    watched.open(path)
    for _ in range(closer):
        watched.page.get_by_label("Closer").click()
    watched.page.wait_for_timeout(SETTLES_MS)
    file = FOLDER / f"{name}.webp"
    file.write_bytes(_webp(watched.page))
    sys.stdout.write(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1024} KiB\n")


def _webp(page: Page) -> bytes:
    """Have Chromium encode what it shows; Playwright itself knows PNG and JPEG only."""
    session = page.context.new_cdp_session(page)
    shot = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    return base64.b64decode(shot["data"])


if __name__ == "__main__":
    sys.exit(main())
