"""What an operator types, on a real fleet: seen in the registry, and taken back."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from coordinator.cli.app import app
from tests.support.bus_client import BusClient
from tests.support.fleet_process import Fleet, broker_for_a_fleet, plan_of, running_fleet

NAME = "Main"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    place = tmp_path_factory.mktemp("verbs")
    with (
        broker_for_a_fleet("embedded", place) as where,
        running_fleet(where, place / "fleet", [NAME], plan_of([NAME])) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def watcher(fleet: Fleet) -> Iterator[BusClient]:
    with BusClient(fleet.where) as client:
        yield client


def run(fleet: Fleet, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*words, "--broker", fleet.where.url])
    return result.exit_code, result.output


@pytest.mark.parametrize("verb", ["cordon", "drain", "maintenance"])
def test_an_agent_is_kept_from_work_and_given_back(
    fleet: Fleet, watcher: BusClient, verb: str
) -> None:
    status, said = run(fleet, "agents", verb, NAME, "--for", "30m", "--reason", "a new card")
    assert (status, "✔" in said) == (0, True), said
    card = watcher.wait("the verb on the card", lambda: _operated(watcher, verb))
    assert card["operator"]["reason"] == "a new card"
    assert run(fleet, "agents", "return", NAME)[0] == 0
    watcher.wait("the card without it", lambda: "operator" not in _card(watcher))


def test_a_fleet_is_paused_and_goes_on(fleet: Fleet, watcher: BusClient) -> None:
    assert run(fleet, "fleet", "pause", "--for", "90s", "--reason", "patch day")[0] == 0
    status, said = run(fleet, "task", "add", "--name", "late", "--mode", "quest", "--json")
    assert status == 0, said
    task = json.loads(said)["task"]
    assert "FLEET_PAUSED" in run(fleet, "task", "why", task, "--json")[1]
    assert run(fleet, "fleet", "resume")[0] == 0
    watcher.wait_for(f"tasks/{task}", status="completed")
    status, said = run(fleet, "fleet", "resume")
    assert (status, "not paused" in said) == (1, True), said


def test_a_limit_is_held_and_released(fleet: Fleet) -> None:
    assert run(fleet, "fleet", "hold", "mode:quest", "--forever", "--json") == (
        0,
        '{\n  "op": "hold",\n  "key": "mode:quest",\n  "forever": true\n}\n',
    )
    assert run(fleet, "fleet", "release", "mode:quest")[0] == 0
    status, said = run(fleet, "fleet", "hold", "quest")
    assert (status, "mode:<mode>" in said) == (1, True), said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("agents", "cordon", "Nobody"), "Nobody"),
        (("agents", "cordon", NAME, "--for", "soon"), "90s, 30m, 2h or 1d"),
        (("agents", "cordon", NAME, "--for", "0s"), "90s, 30m, 2h or 1d"),
        (("agents", "drain", NAME, "--for", "1h", "--forever"), "choose one"),
        (("fleet", "reset-budget"), "not used up"),
    ],
)
def test_nonsense_is_answered_with_what_would_be_right(
    fleet: Fleet, words: tuple[str, ...], told: str
) -> None:
    status, said = run(fleet, *words)
    assert status != 0
    assert told in said


def test_an_agent_that_will_not_come_back_is_forgotten(fleet: Fleet, watcher: BusClient) -> None:
    fleet.part(NAME).stop()
    watcher.wait_for(f"registry/{NAME}", status="offline")
    assert run(fleet, "agents", "forget", NAME)[0] == 0
    watcher.wait("the card to go", lambda: not _card(watcher))


def _card(watcher: BusClient) -> dict[str, Any]:
    return watcher.latest(f"registry/{NAME}")


def _operated(watcher: BusClient, verb: str) -> dict[str, Any]:
    card = _card(watcher)
    return card if card.get("operator", {}).get("verb") == verb else {}
