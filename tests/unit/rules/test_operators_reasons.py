"""What operators do always names who, why and until when."""

from typing import Any

import pytest

from coordinator.core.effects import LogEvent
from tests.support.fleet import Fleet

HOUR = 3600.0


@pytest.fixture
def fleet() -> Fleet:
    fleet = Fleet()
    fleet.agent("Main", heartbeat_ms=3_600_000)
    return fleet


@pytest.mark.parametrize(
    "asked",
    [
        {"op": "cordon", "agent": "Main"},
        {"op": "drain", "agent": "Main"},
        {"op": "maintenance", "agent": "Main"},
        {"op": "pause_fleet"},
        {"op": "hold", "key": "global"},
    ],
)
def test_a_verb_is_told_with_actor_reason_and_end_and_lasts_an_hour(
    fleet: Fleet, asked: dict[str, Any]
) -> None:
    fleet.ask(**asked, reason="new disk", client="Ada")
    (told,) = fleet.said(LogEvent)
    assert told.kind == "operator"
    assert "Ada" in told.text
    assert "new disk" in told.text
    assert told.data["until_ms"] == fleet.now.wall_ms + 3_600_000

    task = fleet.create()
    fleet.pass_time(HOUR - 0.001)
    assert fleet.phase(task) == "ready"
    fleet.pass_time(0.001)
    assert fleet.holder(task) == "Main"


def test_forever_is_said_explicitly_and_is_forever(fleet: Fleet) -> None:
    fleet.ask("cordon", agent="Main", forever=True)
    task = fleet.create()
    fleet.pass_time(40 * 24 * HOUR)

    assert fleet.phase(task) == "ready"


def test_maintenance_lets_what_runs_finish_and_survives_a_restart(fleet: Fleet) -> None:
    running = fleet.create()
    fleet.ask("maintenance", agent="Main")
    assert fleet.phase(running) == "running"
    fleet.finish(running)
    waiting, upkeep = fleet.create(), fleet.create(priority="maintenance")
    fleet.restart_coordinator()
    fleet.beat("Main")

    assert fleet.running() == [upkeep]
    assert fleet.phase(waiting) == "ready"


def test_a_held_key_stops_its_own_tasks_only(fleet: Fleet) -> None:
    fleet.agent("Heals")
    fleet.ask("hold", key="key:auction")
    held, free = fleet.create(concurrency_key="auction"), fleet.create()

    assert fleet.running() == [free]
    assert fleet.phase(held) == "ready"
