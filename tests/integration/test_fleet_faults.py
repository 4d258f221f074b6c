"""What a fleet does when its parts die, come back, or are cut off."""

import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.integration.conftest import NewFleet
from tests.support.brokers import chosen_brokers, embedded_broker, mosquitto_broker
from tests.support.bus_client import BusClient, Where
from tests.support.faulty_link import FaultyLink, Weather
from tests.support.fleet_process import (
    HEARTBEAT_S,
    LEASE_S,
    MARGIN_S,
    machine_now,
    plan_of,
    running_fleet,
    wait_until_idle,
)

LONG_LEASES = {"heartbeat": HEARTBEAT_S, "lease_s": 30.0, "margin_s": MARGIN_S}


def wait_until_completed(client: BusClient, tasks: Sequence[str], within_s: float = 30.0) -> None:
    def completed() -> bool:
        return all(client.latest(f"tasks/{task}").get("status") == "completed" for task in tasks)

    client.wait(f"{len(tasks)} completed tasks", completed, within_s)


def test_a_killed_agent_is_lost_and_suspect_before_its_lease_is_over(new_fleet: NewFleet) -> None:
    with new_fleet("Alpha", "Beta") as fleet:
        observer = fleet.client()
        observer.wait_for("registry/Alpha", status="idle", suspect=False)
        boot = observer.wait_for("agents/Alpha/presence")["boot"]
        fleet.part("Alpha").kill()
        said = observer.wait_until_said("agents/Alpha/presence", state="lost")
        assert said["boot"] == boot
        assert observer.wait_until_said("registry/Alpha", suspect=True)["status"] == "idle"
        observer.wait_for("registry/Alpha", LEASE_S + 10, status="offline")
        assert observer.latest("registry/Beta")["suspect"] is False


def test_the_task_of_a_killed_agent_runs_again_elsewhere_once_its_lease_is_over(
    new_fleet: NewFleet,
) -> None:
    with new_fleet("Alpha", "Beta") as fleet:
        operator = fleet.client("operator")
        task = operator.create("survives", args={"sleep": 4}, max_attempts=3)
        agent = operator.wait_for(f"tasks/{task}", phase="running")["agent"]
        fleet.part(agent).kill()
        killed_at = machine_now()
        operator.wait_for(f"tasks/{task}", status="completed")
        first, second = fleet.runs_of(task)
        assert {first.agent, second.agent} == {"Alpha", "Beta"}
        assert first.end is None
        # The lease was renewed a heartbeat before the kill at the earliest.
        assert second.begin - killed_at > LEASE_S - 2 * HEARTBEAT_S
        assert second.fence > first.fence


def test_an_agent_that_is_cut_off_stops_before_its_task_begins_elsewhere(
    new_fleet: NewFleet, where: Where
) -> None:
    with new_fleet("Beta") as fleet, FaultyLink(where.host, where.port) as link:
        operator = fleet.client("operator")
        fleet.start_agent("Alpha", broker=link.url)
        wait_until_idle(operator, ["Alpha", "Beta"])
        operator.ask("cordon", agent="Beta", reason="so that Alpha gets it")
        task = operator.create("moves", args={"sleep": 5}, max_attempts=3)
        operator.wait_for(f"tasks/{task}", phase="running", agent="Alpha")
        operator.ask("return", agent="Beta")
        link.turn(Weather.HALF_OPEN)
        operator.wait_for(f"tasks/{task}", phase="running", agent="Beta")
        link.turn(Weather.FAIR)
        operator.wait_for(f"tasks/{task}", status="completed")
        first, second = fleet.runs_of(task)
        assert (first.agent, second.agent) == ("Alpha", "Beta")
        assert first.end is not None
        assert first.end < second.begin
        operator.wait_for("registry/Alpha", status="idle", suspect=False)


def test_a_killed_coordinator_comes_back_and_every_task_ends_once(new_fleet: NewFleet) -> None:
    with new_fleet("Alpha", "Beta", "Gamma", leases=LONG_LEASES) as fleet:
        operator = fleet.client("operator")
        tasks = [operator.create(f"task {n}", args={"sleep": 0.2}) for n in range(20)]
        wait_until_completed(operator, tasks[:5])
        fleet.part("coordinator").kill()
        operator.wait_for("coordinator/presence", state="offline")
        fleet.start_coordinator()
        again = operator.wait_for("coordinator/presence", state="online", term=2)
        wait_until_completed(operator, tasks)
        runs = fleet.runs()
        assert sorted(run.task for run in runs) == sorted(tasks)
        assert all(run.end is not None for run in runs)
        summary = operator.wait_for("coordinator/summary", term=again["term"], completed_tasks=20)
        assert summary["total_tasks"] == 20


def test_a_new_term_answers_an_old_request_as_the_old_one_did(new_fleet: NewFleet) -> None:
    with new_fleet("Alpha") as fleet:
        operator = fleet.client("operator")
        spec = {"name": "once", "mode": "quest", "args": {"seconds": 0}}
        first = operator.ask("create", request_id="r1", spec=spec)
        operator.wait_for(f"tasks/{first['task']}", status="completed")
        fleet.part("coordinator").kill()
        fleet.start_coordinator()
        operator.wait_for("coordinator/presence", state="online", term=2)
        assert operator.ask("create", request_id="r1", spec=spec) == first
        operator.wait_for(f"tasks/{operator.create('next')}", status="completed")
        assert len(fleet.runs_of(first["task"])) == 1


def test_a_coordinator_that_is_stopped_says_goodbye_and_leaves_work_alone(
    new_fleet: NewFleet,
) -> None:
    with new_fleet("Alpha", leases=LONG_LEASES) as fleet:
        operator = fleet.client("operator")
        task = operator.create("goes on", args={"sleep": 1})
        operator.wait_for(f"tasks/{task}", phase="running")
        assert fleet.part("coordinator").stop() == 0
        operator.wait_for("coordinator/presence", state="offline")
        fleet.start_coordinator()
        operator.wait_for(f"tasks/{task}", status="completed")
        (run,) = fleet.runs_of(task)
        assert run.fence == 1


def test_an_agent_that_is_stopped_finishes_its_task_and_says_goodbye(new_fleet: NewFleet) -> None:
    with new_fleet("Alpha", "Beta") as fleet:
        operator = fleet.client("operator")
        task = operator.create("finishes", args={"sleep": 2})
        agent = operator.wait_for(f"tasks/{task}", phase="running")["agent"]
        assert fleet.part(agent).stop() == 0
        said = operator.wait_for(f"agents/{agent}/presence", state="offline")
        assert said["reason"] == "stopped"
        states = [heard.document["state"] for heard in operator.on(f"agents/{agent}/presence")]
        assert "lost" not in states
        assert "draining" in states
        operator.wait_for(f"registry/{agent}", status="offline")
        operator.wait_for(f"tasks/{task}", status="completed", attempt=1)


def test_the_second_process_of_a_name_takes_over_and_the_first_one_ends_with_the_reason(
    new_fleet: NewFleet,
) -> None:
    with new_fleet("Alpha") as fleet:
        operator = fleet.client("operator")
        before = operator.wait_for("registry/Alpha", status="idle")
        first = fleet.part("Alpha")
        fleet.start_agent("Alpha", "--machine-id", "elsewhere", "--window-id", "other")
        after = operator.wait_for("registry/Alpha", machine_id="elsewhere", status="idle")
        assert first.process.wait(10) == 1
        assert "Alpha" in first.said()
        assert "elsewhere" in first.said()
        assert after["epoch"] > before["epoch"]
        task = operator.create("on the second")
        operator.wait_for(f"tasks/{task}", status="completed")
        operator.wait_for("agents/Alpha/presence", state="online")
        assert fleet.part("Alpha").process.poll() is None


def test_an_agent_that_was_frozen_past_its_lease_has_lost_its_task(new_fleet: NewFleet) -> None:
    with new_fleet("Alpha", "Beta") as fleet:
        operator = fleet.client("operator")
        task = operator.create("long enough", args={"sleep": 4})
        agent = operator.wait_for(f"tasks/{task}", phase="running")["agent"]
        frozen = fleet.part(agent).process
        os.kill(frozen.pid, signal.SIGSTOP)
        operator.wait_for(f"registry/{agent}", suspect=True)
        ended = operator.wait_for(f"tasks/{task}", status="completed")
        assert ended["agent"] != agent
        os.kill(frozen.pid, signal.SIGCONT)
        operator.wait_for(f"registry/{agent}", status="idle", suspect=False)
        assert operator.ask("get", task=task)["data"]["agent"] != agent


@pytest.mark.parametrize("kind", chosen_brokers())
def test_a_fleet_recovers_when_its_broker_dies_and_has_forgotten_everything(
    tmp_path: Path, kind: str
) -> None:
    names = ("Alpha", "Beta")
    start = {"embedded": embedded_broker, "mosquitto": mosquitto_broker}[kind]
    with contextlib.ExitStack() as stack:
        with contextlib.ExitStack() as first_life:
            broker = first_life.enter_context(start(tmp_path))
            where = Where(broker.host, broker.port, "fleet", broker.coordinator_password)
            plan = plan_of(names, leases=LONG_LEASES)
            fleet = stack.enter_context(running_fleet(where, tmp_path / "fleet", names, plan))
            with BusClient(where, "operator") as operator:
                task = operator.create("outlives the broker", args={"sleep": 2})
                operator.wait_for(f"tasks/{task}", phase="running")
            broker.process.kill()
            broker.process.wait()
        stack.enter_context(start(tmp_path, mqtt_port=where.port))
        with BusClient(where, "operator") as operator:
            operator.wait_for("coordinator/presence", state="online", term=1)
            for name in names:
                for channel in ("presence", "info", "heartbeat", "metrics"):
                    operator.wait_for(f"agents/{name}/{channel}", agent=name)
                operator.wait_for(f"inbox/{name}/desired")
            operator.wait_for(f"tasks/{task}", status="completed", attempt=1)
            wait_until_idle(operator, names)
            again = operator.create("after it")
            operator.wait_for(f"tasks/{again}", status="completed")
        assert [run.fence for run in fleet.runs_of(task)] == [1]
