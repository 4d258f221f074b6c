"""A whole fleet on NATS with its profile, and one whose broker has several servers."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.support.brokers import embedded_broker, free_port, nats_broker
from tests.support.bus_client import BusClient, Where
from tests.support.fleet_process import (
    HEARTBEAT_S,
    LEASE_S,
    MARGIN_S,
    Fleet,
    plan_of,
    running_fleet,
    wait_until_idle,
)
from tests.support.ground_truth import most_at_once

NAMES = ("Alpha", "Beta")
LONG_LEASES = {"heartbeat": HEARTBEAT_S, "lease_s": 30.0, "margin_s": MARGIN_S}


@contextlib.contextmanager
def fleet_on_nats(folder: Path) -> Iterator[Fleet]:
    with nats_broker(folder) as broker:
        where = Where(broker.host, broker.port, "fleet", profile="nats")
        plan = plan_of(NAMES, global_constraints={"max_concurrent_agents": 1})
        with running_fleet(where, folder / "fleet", NAMES, plan) as fleet:
            yield fleet


def completed(client: BusClient, tasks: Sequence[str]) -> None:
    client.wait(
        f"{len(tasks)} completed tasks",
        lambda: all(client.latest(f"tasks/{one}").get("status") == "completed" for one in tasks),
        30.0,
    )


def test_a_fleet_on_nats_works_within_its_limits_and_outlives_a_killed_agent(
    tmp_path: Path,
) -> None:
    with fleet_on_nats(tmp_path) as fleet:
        operator = fleet.client("operator")
        tasks = [operator.create(f"many-{n}", args={"seconds": 0.02}) for n in range(10)]
        completed(operator, tasks)
        assert most_at_once(fleet.runs()) == 1
        assert {len(fleet.runs_of(task)) for task in tasks} == {1}

        task = operator.create("survives", args={"sleep": 2}, max_attempts=3)
        agent = operator.wait_for(f"tasks/{task}", phase="running")["agent"]
        fleet.part(agent).kill()
        operator.wait_for(f"agents/{agent}/presence", 3.0, state="lost")
        operator.wait_for(f"tasks/{task}", LEASE_S + 15, status="completed")
        first, second = fleet.runs_of(task)
        assert {first.agent, second.agent} == set(NAMES)
        fleet.start_agent(agent)
        wait_until_idle(operator, NAMES)


def test_a_killed_coordinator_comes_back_on_nats_and_every_task_ends_once(tmp_path: Path) -> None:
    with fleet_on_nats(tmp_path) as fleet:
        operator = fleet.client("operator")
        tasks = [operator.create(f"many-{n}", args={"sleep": 0.3}) for n in range(4)]
        operator.wait_for(f"tasks/{tasks[0]}", phase="running")
        fleet.part("coordinator").kill()
        fleet.start_coordinator()
        operator.wait_for("coordinator/presence", state="online", term=2)
        completed(operator, tasks)
        assert all(len(fleet.runs_of(task)) == 1 for task in tasks)


def test_a_fleet_moves_on_to_the_next_server_of_its_broker(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        first, second = [stack.enter_context(embedded_broker(tmp_path)) for _ in range(2)]
        # Nobody listens at the very first: whoever starts must not stay there either.
        more = (first.port, second.port)
        nobody = Where(
            first.host, free_port(), "fleet", first.coordinator_password, more_ports=more
        )
        here, there = (
            Where(one.host, one.port, "fleet", one.coordinator_password) for one in (first, second)
        )
        plan = plan_of(NAMES, leases=LONG_LEASES)
        stack.enter_context(running_fleet(nobody, tmp_path / "fleet", NAMES, plan, watched_at=here))
        with BusClient(here, "operator") as operator:
            task = operator.create("outlives its server", args={"sleep": 2})
            operator.wait_for(f"tasks/{task}", phase="running")
        first.process.kill()
        first.process.wait()
        with BusClient(there, "operator") as operator:
            operator.wait_for("coordinator/presence", state="online", term=1)
            operator.wait_for(f"tasks/{task}", status="completed", attempt=1)
            wait_until_idle(operator, NAMES)
