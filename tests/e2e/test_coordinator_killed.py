"""Fleets under load whose coordinators are killed 50 times, judged by what their agents really did.

The brokers that are tested share the kills; ``FLEETBUS_TEST_BROKER=mosquitto`` gives it them all.
"""

import random
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from coordinator.shell.crash import VARIABLE, CrashPoint
from tests.support.books import read_books
from tests.support.chance import chance
from tests.support.coordinator_nursery import Child, Nursery, nursery
from tests.support.fleet_process import (
    Fleet,
    broker_for_a_fleet,
    brokers_to_test,
    plan_of,
    running_fleet,
)
from tests.support.ground_truth import most_at_once, overlaps, runs_by_task
from tests.support.load import Load

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="holds processes by descriptors")

KILLS: Final = 50 // len(brokers_to_test())
AGENTS: Final = ("A", "B", "C", "D", "E")
LIMITS: Final = {"max_concurrent_agents": 3, "max_concurrent_combat": 1}
LEASES: Final = {"heartbeat": 0.3, "lease_s": 6.0, "margin_s": 1.0}
LOOK_EVERY_S: Final = 0.02
LONGEST_LIFE_S: Final = 6.0
ALL_OVER_WITHIN_S: Final = 60.0
POINTS: Final = {
    CrashPoint.BEFORE_COMMIT: 24,
    CrashPoint.AFTER_COMMIT: 24,
    CrashPoint.AFTER_PUBLISH: 24,
    CrashPoint.BEFORE_COMMITS_NOTED: 1,
}
"""Where a coordinator may die by itself, and the latest time of passing there at which it does."""


class Reaper:
    """Starts coordinators and sees to it that none gets old."""

    def __init__(self, fleet: Fleet, nursery: Nursery, lots: random.Random) -> None:
        self.deaths: list[str] = []
        self._fleet = fleet
        self._nursery = nursery
        self._lots = lots

    def start(self, **variables: str) -> Child:
        return self._nursery.start(self._fleet.coordinator_environment | variables)

    def one_life(self, load: Load) -> None:
        """Let one coordinator live until it is killed; half of them die at a named point."""
        if self._lots.random() < 0.5:
            point = self._lots.choice(list(POINTS))
            times = self._lots.randint(1, POINTS[point])
            dies_at = f"{point}:{times}"
            coordinator, dies_in_s = self.start(**{VARIABLE: dies_at}), LONGEST_LIFE_S
        else:
            # Before it is on the bus, while it recovers, or at work.
            dies_in_s = self._lots.uniform(0.0, 1.2)
            dies_at = f"after {dies_in_s:.3f} s"
            coordinator = self.start()
        deadline = time.monotonic() + dies_in_s
        while time.monotonic() < deadline and not coordinator.has_ended(LOOK_EVERY_S):
            load.look()
            load.ask(time.monotonic())
        coordinator.kill()
        self.deaths.append(dies_at)


@pytest.mark.parametrize("kind", brokers_to_test())
def test_a_coordinator_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing(
    kind: str, tmp_path: Path
) -> None:
    lots = chance()
    folder = tmp_path / "fleet"
    plan = plan_of(AGENTS, leases=LEASES, global_constraints=LIMITS)
    with (
        broker_for_a_fleet(kind, tmp_path) as where,
        nursery(tmp_path / "coordinators.log") as cradle,
        running_fleet(where, folder, AGENTS, plan) as fleet,
    ):
        fleet.part("coordinator").kill()
        load = Load(fleet.client("load"), lots, at_once=15)
        reaper = Reaper(fleet, cradle, lots)
        for _ in range(KILLS):
            reaper.one_life(load)
        last = reaper.start()
        try:
            deadline = time.monotonic() + ALL_OVER_WITHIN_S
            while not load.is_over:
                assert time.monotonic() < deadline, f"open for ever: {load.open}"
                load.look()
                load.insist(time.monotonic())
                last.has_ended(LOOK_EVERY_S)
        finally:
            last.kill()
        runs = fleet.runs()
        books = read_books(folder / "data")

    print(f"{len(load.accepted)} tasks, {len(runs)} runs, died {reaper.deaths}")  # noqa: T201 -- what was shown
    tasks = set(load.accepted.values())
    assert len(tasks) == len(load.accepted) > KILLS
    assert load.refused == []
    assert set(books.statuses) == tasks
    assert set(books.statuses.values()) == {"completed"}
    assert [task for task in tasks if books.outcomes[task]["succeeded"] != 1] == []
    assert set(runs_by_task(runs)) == tasks
    assert [run for run in runs if run.end is None] == []
    assert list(overlaps(runs)) == []
    assert most_at_once(runs) <= LIMITS["max_concurrent_agents"]
    combat = [run for run in runs if run.mode == "combat"]
    assert most_at_once(combat) <= LIMITS["max_concurrent_combat"]
