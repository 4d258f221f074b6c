"""One fleet with a control room, which calm tests share; a test leaves it as it found it."""

from collections.abc import Iterator
from typing import Final

import httpx2
import pytest

from tests.support.control_room import ControlRoom, control_room, wait_until
from tests.support.fleet_process import (
    Fleet,
    broker_for_a_fleet,
    brokers_to_test,
    plan_of,
    running_fleet,
)

AGENTS: Final = ("Main", "Heals", "Scout")
LIMITS: Final = {"max_concurrent_agents": 3, "max_concurrent_combat": 2}


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Run three agents under limits, on the first of the brokers that are tested."""
    folder = tmp_path_factory.mktemp("http")
    windows = {"peak_hours": {"start_time": "00:00", "end_time": "24:00"}}
    plan = plan_of(AGENTS, global_constraints=LIMITS, schedule_windows=windows)
    with (
        broker_for_a_fleet(brokers_to_test()[0], folder) as where,
        running_fleet(where, folder / "fleet", AGENTS, plan) as fleet,
    ):
        yield fleet


@pytest.fixture(scope="session")
def room(fleet: Fleet) -> Iterator[ControlRoom]:
    """Run a control room beside the shared fleet, and wait until it knows all agents."""
    with control_room(fleet) as room:
        with room.client() as client:
            wait_until(lambda: client.get("/summary").json()["online_agents"] == len(AGENTS))
        yield room


@pytest.fixture
def admin(room: ControlRoom) -> Iterator[httpx2.Client]:
    """Somebody who may do everything."""
    with room.client("admin") as client:
        yield client
