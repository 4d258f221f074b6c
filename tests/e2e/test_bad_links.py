"""Fleets whose every connection loses, doubles, delays or reorders packets, or dies on one side."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support import tampering
from tests.support.books import read_books
from tests.support.bus_client import BusClient, Where
from tests.support.chance import chance
from tests.support.faulty_link import FaultyLink, Weather
from tests.support.fleet_process import (
    HEARTBEAT_S,
    broker_for_a_fleet,
    brokers_to_test,
    plan_of,
    running_fleet,
    wait_until_idle,
)
from tests.support.ground_truth import most_at_once, overlaps, runs_by_task
from tests.support.load import Load
from tests.support.tampering import Tamper

AGENTS: Final = ("A", "B", "C")
LIMITS: Final = {"max_concurrent_agents": 2}
LEASES: Final = {"heartbeat": HEARTBEAT_S, "lease_s": 6.0, "margin_s": 1.0}
TASKS: Final = 20
WITHIN_S: Final = 40.0
HALF_OPEN_S: Final = 14.0
"""Longer than a coordinator needs to find out, and shorter than the leases of that fleet."""


@pytest.fixture
def where(tmp_path: Path) -> Iterator[Where]:
    with broker_for_a_fleet(brokers_to_test()[0], tmp_path) as address:
        yield address


def create(client: BusClient, count: int, **args: Any) -> list[str]:
    return [client.create(f"task {n}", args=args, max_attempts=9) for n in range(count)]


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Look again and again: on these links the bus may never tell."""
    deadline = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < deadline, f"not within {WITHIN_S} s: {what}"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("tampers", "delay_s", "is_exact"),
    [
        pytest.param(tampering.doubles, 0.0, True, id="says everything twice"),
        pytest.param(tampering.loses_acknowledgements, 0.0, True, id="loses acknowledgements"),
        pytest.param(tampering.reorders, 0.0, True, id="reorders"),
        pytest.param(tampering.repeats_old_ones, 0.0, True, id="repeats what is old"),
        pytest.param(tampering.says_much_is_retained, 0.0, True, id="calls live words retained"),
        pytest.param(tampering.untouched, 0.15, True, id="is slow"),
        pytest.param(tampering.loses_messages, 0.0, False, id="loses messages"),
    ],
)
def test_everything_ends_once_on_a_link_that(
    where: Where,
    tmp_path: Path,
    tampers: Callable[[], Tamper],
    delay_s: float,
    is_exact: bool,
) -> None:
    folder = tmp_path / "fleet"
    plan = plan_of(AGENTS, leases=LEASES, global_constraints=LIMITS)
    with FaultyLink(where.host, where.port, tampers, delay_s=delay_s) as link:
        through = replace(where, port=link.port)
        with (
            running_fleet(through, folder, AGENTS, plan, watched_at=where) as fleet,
            BusClient(where, "operator") as operator,
        ):
            load = Load(operator, chance(), at_once=TASKS, ask_again_s=1.0)
            load.ask(time.monotonic())

            def all_are_accepted() -> bool:
                load.look()
                load.insist(time.monotonic())
                return len(load.accepted) == TASKS

            wait_until(all_are_accepted, "an answer to every request")

            def all_is_over() -> bool:
                return set(read_books(folder / "data").statuses.values()) == {"completed"}

            wait_until(all_is_over, "the end of every task")
            runs = fleet.runs()
    books = read_books(folder / "data")
    assert load.refused == []
    assert set(books.statuses) == set(load.accepted.values())
    assert [task for task, ends in books.outcomes.items() if ends["succeeded"] != 1] == []
    assert list(overlaps(runs)) == []
    assert most_at_once(runs) <= LIMITS["max_concurrent_agents"]
    if is_exact:
        assert [(task, len(own)) for task, own in runs_by_task(runs).items() if len(own) > 1] == []


def test_a_coordinator_whose_link_is_dead_on_one_side_finds_out_and_judges_nobody(
    where: Where, tmp_path: Path
) -> None:
    leases = {"heartbeat": HEARTBEAT_S, "lease_s": 2 * HALF_OPEN_S, "margin_s": 1.0}
    with (
        FaultyLink(where.host, where.port) as link,
        running_fleet(
            where,
            tmp_path / "fleet",
            AGENTS,
            plan_of(AGENTS, leases=leases),
            coordinator_at=link.url_as("coordinator", where.coordinator_password),
        ) as fleet,
    ):
        operator = fleet.client("operator")
        tasks = create(operator, 3, sleep=1.0)
        for task in tasks:
            operator.wait_for(f"tasks/{task}", phase="running")
        mark = len(operator.heard)
        link.turn(Weather.HALF_OPEN)
        log = fleet.part("coordinator")
        wait_until(
            lambda: "nothing was heard from the broker for" in log.said(), "the coordinator's doubt"
        )
        link.turn(Weather.FAIR)
        for task in tasks:
            operator.wait_for(f"tasks/{task}", WITHIN_S, status="completed", attempt=1)
        wait_until_idle(operator, AGENTS)
        said = [
            heard.document for heard in operator.heard[mark:] if heard.topic.startswith("registry/")
        ]
        assert [card for card in said if card["status"] == "offline"] == []
        assert sorted(runs_by_task(fleet.runs())) == sorted(tasks)
        assert {run.fence for run in fleet.runs()} == {1}


def test_an_agent_that_is_not_answered_connects_anew_and_loses_nothing(
    where: Where, tmp_path: Path
) -> None:
    leases = {"heartbeat": HEARTBEAT_S, "lease_s": 30.0, "margin_s": 1.0}
    with (
        FaultyLink(where.host, where.port) as link,
        running_fleet(where, tmp_path / "fleet", [], plan_of(["A"], leases=leases)) as fleet,
    ):
        agent = fleet.start_agent("A", broker=link.url)
        operator = fleet.client("operator")
        wait_until_idle(operator, ["A"])
        (task,) = create(operator, 1, sleep=1.0)
        operator.wait_for(f"tasks/{task}", phase="running")
        before = operator.latest("agents/A/presence")
        link.turn(Weather.DEAF)
        wait_until(lambda: "makes a new connection" in agent.said(), "the agent's doubt")
        operator.wait_for(f"tasks/{task}", WITHIN_S, status="completed", attempt=1)
        wait_until_idle(operator, ["A"])

        def is_connected_anew() -> bool:
            said = operator.latest("agents/A/presence")
            return bool(said["boot"] == before["boot"] and said["conn"] > before["conn"])

        operator.wait("a new connection of the same process", is_connected_anew)
        assert len(fleet.runs_of(task)) == 1
