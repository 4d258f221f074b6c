"""Bots that are killed and come back with their state directory, in a fleet of real processes."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.bus_client import BusClient
from tests.support.fleet_process import (
    Fleet,
    Part,
    broker_for_a_fleet,
    brokers_to_test,
    machine_now,
    plan_of,
    running_fleet,
)

LONG_LEASE_S: Final = 600.0
"""Whoever had to wait for it would be noticed."""
AT_ONCE_S: Final = 60.0


@pytest.fixture(params=brokers_to_test())
def fleet(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fleet]:
    leases = {"heartbeat": 0.3, "lease_s": LONG_LEASE_S, "margin_s": 2.0}
    plan = plan_of(["bot-1"], leases=leases)
    words = ["--state-dir", str(tmp_path / "state")]
    with (
        broker_for_a_fleet(request.param, tmp_path) as where,
        running_fleet(where, tmp_path / "fleet", ["bot-1"], plan, words) as fleet,
    ):
        yield fleet


def start_again(fleet: Fleet) -> Part:
    return fleet.start_agent("bot-1", "--state-dir", str(fleet.folder.parent / "state"))


def wait_until_recorded(client: BusClient, fleet: Fleet, task: str, *, ended: bool) -> None:
    """Wait until the record tells of *task*; the bus is no help while its coordinator is dead."""
    deadline = time.monotonic() + AT_ONCE_S
    while time.monotonic() < deadline:
        if any((run.end is not None) == ended for run in fleet.runs_of(task)):
            return
        time.sleep(0.01)
    raise TimeoutError(f"{task} was not recorded: {fleet.record.read_text()}")


def journal_of(fleet: Fleet) -> list[dict[str, Any]]:
    lines = (fleet.folder.parent / "state" / "bot-1.journal").read_text().splitlines()
    return [json.loads(line[9:]) for line in lines]


def test_a_result_that_was_not_reported_before_a_crash_is_reported_after_it(fleet: Fleet) -> None:
    client = fleet.client("me")
    task = client.create("quest-1", args={"sleep": 2.0})
    wait_until_recorded(client, fleet, task, ended=False)
    fleet.part("coordinator").kill()
    wait_until_recorded(client, fleet, task, ended=True)
    deadline = time.monotonic() + AT_ONCE_S
    while not any(line.get("event") == "succeeded" for line in journal_of(fleet)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    fleet.part("bot-1").kill()
    fleet.start_coordinator()
    start_again(fleet)
    client.wait_for(f"tasks/{task}", AT_ONCE_S, status="completed", attempt=1)
    client.wait_for("agents/bot-1/heartbeat", AT_ONCE_S, outbox=0, holding=[])
    assert len(fleet.runs_of(task)) == 1


def test_work_that_a_crash_cut_off_is_given_out_again_at_once(fleet: Fleet) -> None:
    client = fleet.client("me")
    task = client.create("quest-1", args={"sleep": 4.0})  # long enough to be killed meanwhile
    client.wait_for(f"tasks/{task}", status="running", phase="running")
    first = client.latest("agents/bot-1/presence")
    fleet.part("bot-1").kill()
    killed = machine_now()
    start_again(fleet)
    client.wait_for(f"tasks/{task}", AT_ONCE_S, status="completed")
    cut, whole = fleet.runs_of(task)
    assert (cut.end, whole.fence > cut.fence) == (None, True)
    assert whole.begin - killed < AT_ONCE_S
    second = client.latest("agents/bot-1/presence")
    assert "prev_boot" not in first
    assert second["prev_boot"] == first["boot"]


def test_a_second_instance_refuses_and_the_first_goes_on(fleet: Fleet) -> None:
    client = fleet.client("me")
    first = fleet.part("bot-1")
    second = start_again(fleet)
    assert second.process.wait(AT_ONCE_S) == 1
    assert "'bot-1' runs already" in second.said()
    assert f"process {first.process.pid} holds" in second.said()
    task = client.create("quest-1")
    client.wait_for(f"tasks/{task}", status="completed")


def test_a_name_is_free_again_when_its_bot_has_ended_in_peace(fleet: Fleet) -> None:
    client = fleet.client("me")
    assert fleet.part("bot-1").stop() == 0
    start_again(fleet)
    client.wait_for("registry/bot-1", status="idle")
    task = client.create("quest-1")
    client.wait_for(f"tasks/{task}", status="completed")


def test_a_damaged_journal_does_not_keep_a_bot_from_working(fleet: Fleet) -> None:
    client = fleet.client("me")
    task = client.create("quest-1")
    client.wait_for(f"tasks/{task}", status="completed")
    fleet.part("bot-1").process.send_signal(signal.SIGKILL)
    fleet.part("bot-1").process.wait()
    journal = fleet.folder.parent / "state" / "bot-1.journal"
    journal.write_bytes(b"\x00nonsense\n" + journal.read_bytes())
    again = start_again(fleet)
    client.wait("the new boot", lambda: "cannot be believed" in again.said())
    task = client.create("quest-2")
    client.wait_for(f"tasks/{task}", status="completed")
