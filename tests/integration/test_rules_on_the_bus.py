"""Rules of the plan on a real bus: a daily cap, a window, a failure cooldown, maintenance.

(Limits per mode are in ``test_fleet_tasks.py`` and ``test_plan_life.py``.)
"""

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from tests.integration.conftest import NewFleet
from tests.support.bus_client import BusClient, Where
from tests.support.fleet_process import Fleet, broker_for_a_fleet, brokers_to_test

MOVABLE: Final = "tests.support.movable_coordinator"
NOON: Final = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
"""Of a day that the movable clock may show, whenever these tests run."""
AT_ONCE: Final = {"seconds": 0}


@pytest.fixture(params=brokers_to_test()[:1])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Where]:
    """One broker: what is told here depends on none."""
    with broker_for_a_fleet(request.param, tmp_path) as address:
        yield address


def move_clock(fleet: Fleet, client: BusClient, *times: datetime) -> None:
    """Let the coordinator go on with its clock at the first of *times*; see ``set_clock``."""
    fleet.part("coordinator").stop()
    fleet.start_coordinator(MOVABLE, *(str(int(when.timestamp() * 1000)) for when in times))
    client.wait_for("coordinator/presence", state="online", term=2)


def set_clock(fleet: Fleet) -> None:
    """Set the coordinator's clock to the next of its times."""
    fleet.part("coordinator").process.send_signal(signal.SIGUSR1)


def blocked_by(client: BusClient, task: str) -> list[str]:
    document = client.ask("get", task=task)["data"]
    assert document["status"] == "pending", document
    codes: list[str] = document["blocked_by"]
    return codes


def completed(client: BusClient, task: str) -> dict[str, Any]:
    return client.wait_for(f"tasks/{task}", status="completed")


def test_of_a_task_with_a_daily_cap_of_three_the_fourth_waits_for_the_next_day(
    new_fleet: NewFleet,
) -> None:
    with new_fleet("A", "B") as fleet:
        client = fleet.client("ops")
        midnight = NOON + timedelta(hours=12)
        move_clock(fleet, client, NOON, midnight)
        tasks = [client.create("Daily Quest Run", daily_cap=3, args=AT_ONCE) for _ in range(4)]
        for task in tasks[:3]:
            completed(client, task)
        assert blocked_by(client, tasks[3]) == ["CAP_REACHED"]
        headline = client.ask("why", task=tasks[3])["data"]["headline"]
        assert headline["code"] == "CAP_REACHED"
        assert [len(fleet.runs_of(task)) for task in tasks] == [1, 1, 1, 0]

        set_clock(fleet)
        completed(client, tasks[3])


def test_a_task_starts_when_its_window_opens(new_fleet: NewFleet) -> None:
    windows = {"afternoon": {"start_time": "12:00", "end_time": "18:00"}}
    with new_fleet("A", schedule_windows=windows) as fleet:
        client = fleet.client("ops")
        move_clock(fleet, client, NOON - timedelta(minutes=10), NOON - timedelta(seconds=1))
        named = {"time_window": "afternoon"}
        waiting = client.create("later", args=AT_ONCE, constraints=named)
        completed(client, client.create("whenever", args=AT_ONCE))
        assert blocked_by(client, waiting) == ["OUTSIDE_WINDOW"]

        set_clock(fleet)
        started_ms = completed(client, waiting)["started_ms"]
        assert started_ms >= NOON.timestamp() * 1000


def test_an_agent_that_has_failed_too_often_leaves_its_work_to_others_for_a_while(
    new_fleet: NewFleet,
) -> None:
    rules = {"failing": {"type": "recent_failure", "timeout": "1h", "max_failures": 2}}
    with new_fleet("A", "B", anti_pattern_rules=rules) as fleet:
        client = fleet.client("ops")
        move_clock(fleet, client, NOON, NOON + timedelta(hours=1, seconds=10))
        for _ in range(2):
            task = client.create("fails", agent="A", args={"fail": "no_luck"}, max_attempts=1)
            client.wait_for(f"tasks/{task}", status="failed")
        only_a = client.create("only A", agent="A", args=AT_ONCE)
        anybody = [client.create(f"anybody {n}", args=AT_ONCE) for n in range(3)]
        for task in anybody:
            completed(client, task)
        assert {run.agent for task in anybody for run in fleet.runs_of(task)} == {"B"}
        assert blocked_by(client, only_a) == ["FAILURE_COOLDOWN"]

        set_clock(fleet)
        completed(client, only_a)


def test_an_agent_in_maintenance_does_maintenance_only_until_that_expires(
    new_fleet: NewFleet,
) -> None:
    with new_fleet("A") as fleet:
        client = fleet.client("ops")
        move_clock(fleet, client, NOON, NOON + timedelta(minutes=30))
        asked = {"agent": "A", "for_s": 1800.0, "reason": "new disk"}
        assert client.ask("maintenance", **asked)["ok"]
        client.wait_for("registry/A", status="maintenance")
        usual = client.create("usual", args=AT_ONCE, priority="critical")
        upkeep = client.create("upkeep", args=AT_ONCE, priority="maintenance")
        completed(client, upkeep)
        assert blocked_by(client, usual) == ["CORDONED"]

        set_clock(fleet)
        completed(client, usual)
        client.wait_for("registry/A", status="idle")
        (run,) = fleet.runs_of(usual)
        assert run.agent == "A"
