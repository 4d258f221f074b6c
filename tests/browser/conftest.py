"""One fleet, one control room and one browser, which all browser tests share."""

import time
from collections.abc import Callable, Iterator
from typing import Final

import httpx2
import pytest
from playwright.sync_api import Browser

from coordinator.http.auth.sessions import make_link
from tests.support.browser import Watched, chromium, watched_page
from tests.support.control_room import ControlRoom, control_room
from tests.support.fleet_process import (
    Fleet,
    broker_for_a_fleet,
    brokers_to_test,
    plan_of,
    running_fleet,
)

AGENTS: Final = ("Main", "Heals", "Scout")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keep the tests of this folder together: they share a fleet and a browser."""
    item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="package")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("browser")
    plan = plan_of(
        AGENTS,
        global_constraints={"max_concurrent_agents": 3, "max_concurrent_combat": 1},
        schedule_windows={"peak_hours": {"start_time": "09:00", "end_time": "22:00"}},
    )
    with (
        broker_for_a_fleet(brokers_to_test()[0], folder) as where,
        running_fleet(where, folder / "fleet", AGENTS, plan) as fleet,
    ):
        yield fleet


@pytest.fixture(scope="package")
def room(fleet: Fleet) -> Iterator[ControlRoom]:
    with control_room(fleet) as room:
        yield room


@pytest.fixture
def admin(room: ControlRoom) -> Iterator[httpx2.Client]:
    with room.client("admin") as client:
        yield client


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def link(room: ControlRoom) -> Callable[[], str]:
    """Make links that sign in once."""
    return lambda: make_link(room.data, int(time.time() * 1000))


@pytest.fixture
def screen(browser: Browser, room: ControlRoom, link: Callable[[], str]) -> Iterator[Watched]:
    """Somebody who may do everything, at a screen; a complaint of the page fails the test."""
    with watched_page(browser, room.address, link=link()) as watched:
        yield watched
        assert watched.complaints == []
