"""What was lent: an agent that forgets it gets it again, and a new plan leaves its terms alone."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.bus_client import BusClient, Where
from tests.support.fleet_process import (
    HEARTBEAT_S,
    broker_for_a_fleet,
    brokers_to_test,
    machine_now,
    plan_of,
    running_fleet,
    wait_until_idle,
)

AGENTS: Final = ("A", "B", "C")
SHORT_S: Final = 5.0
LONG_S: Final = 30.0
MARGIN_S: Final = 0.3
WORKS_S: Final = 60.0
"""Longer than it takes to change the plan under the work."""


@pytest.fixture
def where(tmp_path: Path) -> Iterator[Where]:
    with broker_for_a_fleet(brokers_to_test()[0], tmp_path) as address:
        yield address


def plan_with(lease_s: float) -> dict[str, Any]:
    leases = {"heartbeat": HEARTBEAT_S, "lease_s": lease_s, "margin_s": MARGIN_S}
    return plan_of(AGENTS, leases=leases)


def test_a_task_that_its_agent_has_forgotten_is_lent_again_long_before_its_lease_is_over(
    where: Where, tmp_path: Path
) -> None:
    with running_fleet(where, tmp_path / "fleet", [], plan_with(LONG_S)) as fleet:
        fleet.start_agent("A", module="tests.support.absent_minded_agent")
        operator = fleet.client("operator")
        wait_until_idle(operator, ["A"])
        task = operator.create("slips its mind", args={"sleep": 0.5}, max_attempts=3)
        operator.wait_for(f"tasks/{task}", status="completed", attempt=2)
        first, second = fleet.runs_of(task)
        assert first.end is not None
        assert HEARTBEAT_S < second.begin - first.end < LONG_S / 2
        assert second.fence > first.fence
        wait_until_idle(operator, ["A"])


def test_what_was_lent_before_the_plan_changed_keeps_the_lease_that_it_was_lent_on(
    where: Where, tmp_path: Path
) -> None:
    with running_fleet(where, tmp_path / "fleet", AGENTS, plan_with(LONG_S)) as fleet:
        operator = fleet.client("operator")

        def beats(count: int) -> None:
            """Wait until agent C, who has nothing to do, has said so many more heartbeats."""
            wanted = len(operator.on("agents/C/heartbeat")) + count
            operator.wait("heartbeats", lambda: len(operator.on("agents/C/heartbeat")) >= wanted)

        # Agent A has a long lease when leases become short, and stands still for longer than those.
        long = lend(operator, "A", works_s=10.0)
        apply(operator, SHORT_S)
        short = lend(operator, "B")
        beats(3)
        fleet.part("A").process.send_signal(signal.SIGSTOP)
        # Agent B has a short lease when they become long again, and dies.
        apply(operator, LONG_S)
        beats(3)
        fleet.part("B").kill()
        killed_at = machine_now()
        again = operator.wait_for(f"tasks/{short}", phase="running", attempt=2)
        # By now agent A has stood still for longer than a short lease.
        beats(2)
        assert operator.latest(f"tasks/{long}")["attempt"] == 1
        fleet.part("A").process.send_signal(signal.SIGCONT)
        operator.wait_for(f"tasks/{long}", status="completed")
        fleet.part("C").kill()
        assert again["agent"] == "C"
        (one,) = fleet.runs_of(long)
        first, second = fleet.runs_of(short)
        assert (one.agent, first.agent, second.agent) == ("A", "B", "C")
        assert killed_at < second.begin < killed_at + LONG_S / 2


def lend(operator: BusClient, agent: str, works_s: float = WORKS_S) -> str:
    """Let *agent* begin a task that others may have later; return the task."""
    others = [name for name in AGENTS if name != agent]
    for name in others:
        operator.ask("cordon", agent=name, reason=f"so that {agent} gets it")
    task = operator.create(f"for {agent}", args={"sleep": works_s}, max_attempts=3)
    operator.wait_for(f"tasks/{task}", phase="running", agent=agent)
    for name in others:
        operator.ask("return", agent=name)
    return task


def apply(operator: BusClient, lease_s: float) -> None:
    """Put a plan with such leases in force."""
    version = operator.ask("plan", action="show")["data"]["version"]
    wanted = plan_with(lease_s)
    reply = operator.ask("plan", action="apply", plan=wanted, plan_version=version)
    assert reply["ok"], reply
