"""A broker that dies under load and has forgotten everything, and coordinators that stand still."""

import contextlib
import json
import signal
import time
from pathlib import Path
from typing import Final

import pytest

from tests.support.books import read_books
from tests.support.brokers import chosen_brokers, embedded_broker, mosquitto_broker
from tests.support.bus_client import BusClient, Where
from tests.support.chance import chance
from tests.support.fleet_process import (
    HEARTBEAT_S,
    Fleet,
    broker_for_a_fleet,
    brokers_to_test,
    plan_of,
    running_fleet,
    wait_until_idle,
)
from tests.support.ground_truth import most_at_once, overlaps, runs_by_task
from tests.support.load import Load

AGENTS: Final = ("A", "B", "C", "D")
LIMITS: Final = {"max_concurrent_agents": 3, "max_concurrent_combat": 1}
LONG_LEASES: Final = {"heartbeat": 1.0, "lease_s": 20.0, "margin_s": 1.0}
TASKS_BEFORE: Final = 15
WITHIN_S: Final = 60.0
DEAD: Final = frozenset({"offline", "error"})


def let_end(load: Load) -> None:
    """Ask for nothing new, and wait until everything is answered and over."""
    deadline = time.monotonic() + WITHIN_S
    while not load.is_over:
        assert time.monotonic() < deadline, f"open for ever: {load.open}"
        load.look()
        load.insist(time.monotonic())
        time.sleep(0.02)


@pytest.mark.parametrize("kind", chosen_brokers())
def test_a_broker_that_dies_under_load_and_forgets_everything_loses_no_task_and_kills_no_agent(
    tmp_path: Path, kind: str
) -> None:
    start = {"embedded": embedded_broker, "mosquitto": mosquitto_broker}[kind]
    plan = plan_of(AGENTS, leases=LONG_LEASES, global_constraints=LIMITS)
    lots = chance()
    with contextlib.ExitStack() as stack:
        with contextlib.ExitStack() as first_life:
            broker = first_life.enter_context(start(tmp_path))
            where = Where(broker.host, broker.port, "fleet", broker.coordinator_password)
            fleet = stack.enter_context(running_fleet(where, tmp_path / "fleet", AGENTS, plan))
            with BusClient(where, "load") as client:
                before = Load(client, lots, at_once=12)
                deadline = time.monotonic() + WITHIN_S
                while len(before.accepted) < TASKS_BEFORE:
                    assert time.monotonic() < deadline
                    before.look()
                    before.ask(time.monotonic())
                    time.sleep(0.02)
                broker.process.kill()
                broker.process.wait()
        stack.enter_context(start(tmp_path, mqtt_port=where.port))
        back_at = time.monotonic()
        observer = stack.enter_context(BusClient(where))
        client = stack.enter_context(BusClient(where, "load"))
        after = Load(client, lots, at_once=12, first=1_000)
        observer.wait_for("coordinator/presence", WITHIN_S, state="online", term=1)
        for name in AGENTS:
            observer.wait_for(f"registry/{name}")
        deadline = time.monotonic() + 2 * LONG_LEASES["heartbeat"]
        while time.monotonic() < deadline:
            after.look()
            after.ask(time.monotonic())
            time.sleep(0.02)
        let_end(after)
        data = tmp_path / "fleet" / "data"
        observer.wait("idle agents", lambda: all_idle(observer), WITHIN_S)
        books = read_books(data)
        runs = fleet.runs()
        dead_s = {name: dead_for_s(observer, name, back_at) for name in AGENTS}
    print(f"{len(books.statuses)} tasks, {len(runs)} runs; dead for {dead_s} s")  # noqa: T201 -- what was shown
    assert set(books.statuses) >= {*before.accepted.values(), *after.accepted.values()}
    assert set(books.statuses.values()) == {"completed"}
    assert [task for task, ends in books.outcomes.items() if ends["succeeded"] != 1] == []
    assert max(dead_s.values()) <= 2 * LONG_LEASES["heartbeat"]
    assert list(overlaps(runs)) == []
    assert set(runs_by_task(runs)) == set(books.statuses)
    assert most_at_once(runs) <= LIMITS["max_concurrent_agents"]
    combat = [run for run in runs if run.mode == "combat"]
    assert most_at_once(combat) <= LIMITS["max_concurrent_combat"]


def all_idle(observer: BusClient) -> bool:
    return all(observer.latest(f"registry/{name}").get("status") == "idle" for name in AGENTS)


def dead_for_s(observer: BusClient, agent: str, since: float) -> float:
    """Sum up for how long the coordinator's cards called *agent* dead after *since*."""
    cards = [
        heard for heard in observer.on(f"registry/{agent}") if heard.at >= since and heard.payload
    ]
    assert cards, f"nobody said anything of {agent}"
    ends = [card.at for card in cards[1:]] + [time.monotonic()]
    return sum(
        end - card.at
        for card, end in zip(cards, ends, strict=True)
        if card.document["status"] in DEAD
    )


def test_a_coordinator_that_stands_still_beyond_all_leases_judges_nobody(tmp_path: Path) -> None:
    plan = plan_of(AGENTS, global_constraints=LIMITS)
    with (
        broker_for_a_fleet(brokers_to_test()[0], tmp_path) as where,
        running_fleet(where, tmp_path / "fleet", AGENTS, plan) as fleet,
    ):
        operator = fleet.client("operator")
        coordinator = fleet.part("coordinator").process
        mark = len(operator.heard)
        coordinator.send_signal(signal.SIGSTOP)
        stopped_at = time.monotonic()
        lease_s = float(plan["leases"]["lease_s"])
        beats = {name: len(operator.on(f"agents/{name}/heartbeat")) for name in AGENTS}
        wanted = int(1.5 * lease_s / HEARTBEAT_S)
        operator.wait(
            "heartbeats for longer than any lease",
            lambda: all(
                len(operator.on(f"agents/{name}/heartbeat")) - beats[name] >= wanted
                for name in AGENTS
            ),
            WITHIN_S,
        )
        assert time.monotonic() - stopped_at > lease_s
        coordinator.send_signal(signal.SIGCONT)
        task = operator.create("after it")
        operator.wait_for(f"tasks/{task}", status="completed")
        wait_until_idle(operator, AGENTS)
        cards = [
            heard.document for heard in operator.heard[mark:] if heard.topic.startswith("registry/")
        ]
        assert [card for card in cards if card["status"] in DEAD] == []
        assert "nobody is judged for it" in fleet.part("coordinator").said()


def test_a_second_coordinator_on_the_same_directory_ends_and_names_the_first(
    tmp_path: Path,
) -> None:
    with broker_for_a_fleet("embedded", tmp_path) as where, contextlib.ExitStack() as stack:
        folder = tmp_path / "fleet"
        folder.mkdir()
        (folder / "plan.json").write_text(json.dumps(plan_of(["A"])))
        fleet = Fleet(where, folder, stack=stack)
        stack.callback(fleet.show_logs)
        try:
            first = fleet.start_coordinator()
            operator = fleet.client("operator")
            operator.wait_for("coordinator/presence", state="online", term=1)
            second = fleet.start_coordinator()
            assert second.process.wait(WITHIN_S) == 1
            assert f"another coordinator (pid {first.process.pid}) uses" in second.said()
            assert operator.ask("get")["ok"]
            assert operator.latest("coordinator/presence")["term"] == 1
        finally:
            for part in fleet.parts:
                part.end()
