"""Whole fleets on each of the brokers: one that calm tests share, and new ones to be harmed."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.bus_client import BusClient, Where
from tests.support.fleet_process import (
    Fleet,
    broker_for_a_fleet,
    brokers_to_test,
    plan_of,
    running_fleet,
)

AGENTS: Final = ("Main", "Heals", "Scout", "Trader")
LIMITS: Final = {"max_concurrent_agents": 3, "max_concurrent_combat": 2}

NewFleet = Callable[..., AbstractContextManager[Fleet]]

# One worker runs all tests of the shared fleet of one broker, so that it is started once.
_KINDS = [pytest.param(kind, marks=pytest.mark.xdist_group(kind)) for kind in brokers_to_test()]


@pytest.fixture(scope="session", params=_KINDS)
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """Four agents under limits; a test leaves it as it found it: all idle."""
    folder = tmp_path_factory.mktemp(f"shared-{request.param}")
    plan = plan_of(AGENTS, global_constraints=LIMITS)
    with (
        broker_for_a_fleet(request.param, folder) as where,
        running_fleet(where, folder / "fleet", AGENTS, plan) as fleet,
    ):
        yield fleet


@pytest.fixture
def operator(shared: Fleet, request: pytest.FixtureRequest) -> Iterator[BusClient]:
    """A client of the shared fleet whose name no other test has."""
    name = f"op-{abs(hash(request.node.nodeid)):x}"
    with BusClient(shared.where, name) as client:
        yield client


@pytest.fixture(params=brokers_to_test())
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Where]:
    """A broker for one test."""
    with broker_for_a_fleet(request.param, tmp_path) as address:
        yield address


@pytest.fixture
def new_fleet(where: Where, tmp_path: Path) -> NewFleet:
    """Make ``new_fleet("A", "B", **plan)`` run a fleet of these agents for this test alone."""

    @contextlib.contextmanager
    def start(*agents: str, **plan: Any) -> Iterator[Fleet]:
        with running_fleet(where, tmp_path / "fleet", agents, plan_of(agents, **plan)) as fleet:
            yield fleet

    return start
