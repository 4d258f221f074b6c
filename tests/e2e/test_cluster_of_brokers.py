"""A fleet under load on a cluster of three NATS servers, of which one after the other is killed.

It is judged by what its agents really did.
"""

import re
import time
from pathlib import Path
from typing import Final

import pytest

from tests.support.books import read_books
from tests.support.brokers import HOST
from tests.support.bus_client import Where
from tests.support.chance import chance
from tests.support.fleet_process import plan_of, running_fleet, wait_until_idle
from tests.support.load import Load
from tests.support.nats_cluster import nats_cluster
from tests.support.verdict import faults

AGENTS: Final = {"A": 0, "B": 2, "C": 2, "D": 2}
"""Each with the node where it is at first; the load comes in at node 0, which lives."""
COORDINATOR: Final = (1, 0, 2)
"""The nodes that the coordinator tries in turn; nobody else is at the first one."""
KILLED: Final = {1: "coordinator", 2: "B"}
"""These nodes, in turn, and who was there and has to move."""
LOSS: Final = r"at mqtt://127.0.0.1:{0} was lost|not connected to mqtt://127.0.0.1:{0}"
LIMITS: Final = {"max_concurrent_agents": 3, "max_concurrent_combat": 1}
LEASES: Final = {"heartbeat": 0.3, "lease_s": 6.0, "margin_s": 1.0}
TASKS_BETWEEN_FAULTS: Final = 30
LOOK_EVERY_S: Final = 0.02
GOES_ON_WITHIN_S: Final = 90.0

pytestmark = pytest.mark.long


def test_a_cluster_whose_nodes_are_killed_under_load_loses_no_task_and_doubles_none(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "fleet"
    plan = plan_of(list(AGENTS), leases=LEASES, global_constraints=LIMITS)
    with nats_cluster(tmp_path) as cluster:

        def at(*nodes: int) -> Where:
            port, *more = (cluster.ports[node] for node in nodes)
            return Where(HOST, port, "fleet", profile="nats", more_ports=tuple(more))

        there = at(*COORDINATOR).coordinator_url
        with running_fleet(at(0), folder, (), plan, coordinator_at=there) as fleet:
            for name, node in AGENTS.items():
                fleet.start_agent(name, broker=at(node, (node + 1) % 3, (node + 2) % 3).url)
            watcher = fleet.client(comes_back=True)
            wait_until_idle(watcher, list(AGENTS))
            load = Load(fleet.client("load", comes_back=True), chance(), at_once=12)
            work(load)
            for node in KILLED:
                cluster.kill(node)
                work(load)
                cluster.start(node)
                cluster.wait_until_it_answers(node)
                work(load)
            finish(load)
            wait_until_idle(watcher, list(AGENTS))
            runs = fleet.runs()
            for node, moved in KILLED.items():
                losses = re.findall(LOSS.format(cluster.ports[node]), fleet.part(moved).said())
                assert losses, f"{moved} was not at node {node}"
            books = read_books(folder / "data")

    print(f"{len(load.accepted)} tasks, {len(runs)} runs")  # noqa: T201 -- what was shown
    assert len(load.accepted) >= 5 * TASKS_BETWEEN_FAULTS
    assert list(faults(load, runs, books, LIMITS)) == []


def work(load: Load) -> None:
    """Let more tasks be accepted; some of them end later."""
    deadline = time.monotonic() + GOES_ON_WITHIN_S
    wanted = len(load.accepted) + TASKS_BETWEEN_FAULTS
    while len(load.accepted) < wanted:
        assert time.monotonic() < deadline, f"{len(load.accepted)} of {wanted}; open: {load.open}"
        load.look()
        load.ask(time.monotonic())
        time.sleep(LOOK_EVERY_S)


def finish(load: Load) -> None:
    """Let everything end that was accepted."""
    deadline = time.monotonic() + GOES_ON_WITHIN_S
    while not load.is_over:
        assert time.monotonic() < deadline, f"open for ever: {load.open}"
        load.look()
        load.insist(time.monotonic())
        load.ask_after(time.monotonic())
        time.sleep(LOOK_EVERY_S)
