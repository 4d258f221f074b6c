"""Decisions rest on the state, the event and the time, and on nothing else.

Each random history is written down, event by event with its instant, and told again to a fresh
core: it must decide the same, byte for byte, and end with the same records, also when it begins
from what a store remembers. And time that passes with nothing due changes nothing.
"""

import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from coordinator.core.events import Ticked
from coordinator.core.instant import Instant
from coordinator.core.policy import Cap, FailureCooldown
from coordinator.core.records import agent_record, mark_record
from coordinator.core.step import step
from tests.property.core_machine import EFFORT, LONG, CoreMachine
from tests.property.recorded_fleet import RecordedFleet, records, replay
from tests.property.test_core_rules import RulesMachine
from tests.support.fleet import Fleet

ROOT = Path(__file__).parents[2]
LASTING = ("desired_mode", "forgotten_epoch", "verb", "cooldowns", "resting_until_ms")
"""What must survive of an agent whatever happens; the rest it says anew when it is heard."""


class ReplayedMachine(CoreMachine):
    """Histories under a plan with limits."""

    new_fleet: ClassVar[type[Fleet]] = RecordedFleet

    @invariant()
    def nothing_happens_when_nothing_is_due(self) -> None:
        """I14: no event, no change."""
        fleet = self.fleet
        due_ms = fleet.state.timers.next_in_ms(fleet.now)
        if due_ms == 0:
            return
        spare_ms = 3_600_000 if due_ms is None else due_ms - 1
        later = Instant(fleet.now.wall_ms + spare_ms, fleet.now.mono_ms + spare_ms)
        before = records(fleet.state)
        assert step(fleet.state, Ticked(), later) == []
        assert records(fleet.state) == before

    @invariant()
    def what_is_stored_of_agents_and_marks_is_what_is_so(self) -> None:
        """I10: a coordinator that begins from its store knows all that lasts."""
        state = self.fleet.state
        for name, row in self.fleet.stored_agents.items():
            stored, real = json.loads(row), json.loads(json.dumps(agent_record(state.agents[name])))
            for key in LASTING:
                assert stored[key] == real[key], f"{name}: {key} is not stored"
        for (kind, key), row in self.fleet.stored_marks.items():
            if kind != "usage":  # a new period is stored with the first thing it counts
                assert json.loads(row) == json.loads(json.dumps(mark_record(state, kind, key)))

    def teardown(self) -> None:
        super().teardown()
        assert isinstance(self.fleet, RecordedFleet)
        assert records(replay(self.fleet.log)) == records(self.fleet.state)


class ReplayedRulesMachine(ReplayedMachine, RulesMachine):
    """Histories under a plan with some of everything, and operators at work."""


@pytest.mark.parametrize("machine", [ReplayedMachine, ReplayedRulesMachine])
def test_the_same_events_at_the_same_times_bring_the_same_decisions_and_records(
    machine: type[ReplayedMachine],
) -> None:
    effort = settings(EFFORT, max_examples=1000 if LONG else 60)
    run_state_machine_as_test(machine, settings=effort)


def scripted(seed: int) -> RecordedFleet:
    """Let a fleet live through a few hours that depend on *seed* alone."""
    dice = random.Random(seed)
    fleet = RecordedFleet(
        {"global": 5, "mode:quest": 3},
        caps=(Cap("mode:combat", "day", 12), Cap("agent:a1", "day", 4)),
        failure_cooldowns=(FailureCooldown("f", 2, 60_000, 600_000, 240_000),),
    )
    for n in range(6):
        fleet.agent(f"a{n}", "quest", "combat", "trading", f"rare{n % 2}", heartbeat_ms=60_000)
    for n in range(120):
        spec = {"mode": dice.choice(["quest", "combat"]), "priority": dice.choice(["high", "low"])}
        fleet.create(f"t{n % 7}", capabilities=[f"rare{n % 2}", "trading"], **spec)
        for task in dice.sample(fleet.running(), k=min(2, len(fleet.running()))):
            (fleet.finish if dice.random() < 0.7 else fleet.fail)(task)
        fleet.pass_time(dice.choice([0, 1, 45]))
        if n in {40, 80}:
            fleet.restart_coordinator()
    return fleet


def digest(seed: int) -> str:
    fleet = scripted(seed)
    decided = "\n".join(decided for _, decided in fleet.log)
    return hashlib.sha256(f"{decided}\n{records(fleet.state)}".encode()).hexdigest()


def test_another_process_with_other_hashes_decides_the_same_byte_for_byte() -> None:
    asked = "from tests.property.test_core_replay import digest; print(digest(7))"
    said = {
        subprocess.run(
            [sys.executable, "-c", asked],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(said) == 1


def test_a_scripted_history_is_long_enough_to_mean_something() -> None:
    fleet = scripted(7)
    told = "\n".join(decided for _, decided in fleet.log)

    assert replay(fleet.log).term == 3
    for word in ("FAILURE_COOLDOWN", "cap:agent:a1:day", '"completed"', '"failed"'):
        assert word in told, word
