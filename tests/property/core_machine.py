"""Everything that can happen to a fleet, in any order, and what must be so after each step.

A naive scheduler gives a second opinion, as long as the plan has nothing but limits. A machine
whose plan has more rules overrides :meth:`CoreMachine.begin` and :meth:`CoreMachine.agree`.
"""

import os
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from coordinator.core.audit import over_limits
from coordinator.core.effects import Effect
from coordinator.core.policy import Ageing, AgentPolicy, Threshold
from coordinator.core.tasks import Task
from protocol.vocabulary import Priority, ReportEvent, TaskStatus
from tests.property.oracle import startable, wrongly_started
from tests.support.fleet import Fleet, open_tasks

LONG = os.environ.get("FLEETBUS_HYPOTHESIS") == "long"
EFFORT = settings(
    max_examples=2000 if LONG else 150,
    stateful_step_count=80 if LONG else 50,
    deadline=None,
    derandomize=not LONG,
    suppress_health_check=[HealthCheck.too_slow],
)

NAMES = ("a", "b", "c", "d")
ABILITIES = (("quest",), ("quest", "combat"), ("combat",), ("quest", "combat", "trading"))
LIMITED = ("global", "mode:quest", "mode:combat", "key:k")
WATCHED = AgentPolicy("", thresholds={"cpu_usage": Threshold(warning=70.0, critical=90.0)})

names = st.sampled_from(NAMES)
limits = st.dictionaries(st.sampled_from(LIMITED), st.sampled_from([1, 2, 3, 4, 0]))
specs = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["quest", "combat"]),
        "priority": st.sampled_from([priority.value for priority in Priority]),
    },
    optional={
        "agent": names,
        "capabilities": st.just(["trading"]),
        "concurrency_key": st.just("k"),
        "constraints": st.sampled_from([{"min_health": "healthy"}, {"min_health": "warning"}]),
        "max_attempts": st.integers(1, 4),
        "in_s": st.integers(1, 90),
    },
)


class CoreMachine(RuleBasedStateMachine):
    """A fleet whose plan has nothing but limits and thresholds."""

    new_fleet: ClassVar[type[Fleet]] = Fleet

    def __init__(self) -> None:
        super().__init__()
        self.fleet = Fleet()
        self.fences: dict[str, int] = {}
        self.ends: dict[str, TaskStatus] = {}
        self.lowered = False

    @initialize(limits=limits)
    def begin(self, limits: dict[str, int]) -> None:
        # What is reserved from critical tasks is tested by itself; here order is order.
        self.fleet = self.new_fleet(
            limits=limits,
            unlisted=WATCHED,
            ageing=Ageing(critical_max_share=1),
            retry_cap_ms=20_000,
        )
        for n, (name, abilities) in enumerate(zip(NAMES, ABILITIES, strict=True)):
            self.fleet.agent(
                name, *abilities, slots=1 + n % 2, obeys=name != "c", starts=name != "d"
            )
        self.fleet.observers.append(self.observe)

    def observe(self, fleet: Fleet, effects: list[Effect]) -> None:
        """Look at what one step did."""
        started = []
        for task in fleet.state.tasks.values():
            before = self.fences.get(task.id, 0)
            assert task.fence >= before, "I8: fences increase"
            assert task.fence <= before + 1, "I3: one new attempt per step"
            if task.fence > before and task.attempt is not None:
                started.append(task)
            self.fences[task.id] = task.fence
            if task.id in self.ends:
                assert task.status is self.ends[task.id], "I8: terminal is final"
            elif task.is_over:
                self.ends[task.id] = task.status
        self.agree(started)

    def agree(self, started: list[Task]) -> None:
        """Ask the naive scheduler whether it would have done the same."""
        state, now = self.fleet.state, self.fleet.now
        if state.timers.next_in_ms(now) != 0:
            assert startable(state, now.wall_ms) == [], "I5: idle beside runnable"
        assert wrongly_started(state, started, now.wall_ms) == [], "I1, I2, I4: by the rules"

    # --- what clients do

    @rule(specs=st.lists(specs, min_size=1, max_size=6))
    def create(self, specs: list[dict[str, Any]]) -> None:
        for spec in specs:
            said = dict(spec)
            wait_s = said.pop("in_s", None)
            if wait_s is not None:
                said["scheduled_for_ms"] = self.fleet.now.wall_ms + wait_s * 1000
            self.fleet.create(**said)

    @precondition(lambda self: self.fleet.state.tasks)
    @rule(data=st.data(), verb=st.sampled_from(["cancel", "pause", "resume", "retry"]))
    def ask(self, data: st.DataObject, verb: str) -> None:
        task = data.draw(st.sampled_from(sorted(self.fleet.state.tasks)))
        reply = self.fleet.ask(verb, task)
        assert reply.ok or reply.code == "conflict"

    @rule(limits=limits)
    def change_limits(self, limits: dict[str, int]) -> None:
        self.lowered = True
        self.fleet.plan(limits=limits)

    # --- what agents do

    @precondition(lambda self: self.fleet.running())
    @rule(
        data=st.data(),
        event=st.sampled_from(
            [
                ReportEvent.SUCCEEDED,
                ReportEvent.SUCCEEDED,
                ReportEvent.FAILED,
                ReportEvent.REJECTED,
                ReportEvent.ABANDONED,
                ReportEvent.PROGRESS,
                ReportEvent.PAUSED,
            ]
        ),
    )
    def report(self, data: st.DataObject, event: ReportEvent) -> None:
        held = [
            (name, task)
            for name, bot in self.fleet.bots.items()
            if bot.alive and not bot.frozen
            for task in sorted(bot.jobs)
        ]
        if held:
            name, task = data.draw(st.sampled_from(held))
            self.fleet.report(task, event, by=name)

    @rule(rounds=st.integers(1, 4))
    def work(self, rounds: int) -> None:
        """Let every agent that can finish what it has, round after round."""
        for _ in range(rounds):
            self.fleet.pass_time(5)
            for name, bot in self.fleet.bots.items():
                if bot.speaks and bot.hears and bot.jobs:
                    self.fleet.report(min(bot.jobs), ReportEvent.SUCCEEDED, by=name)

    @rule()
    def heal(self) -> None:
        """Let every agent be there and hear and speak."""
        for name, bot in self.fleet.bots.items():
            if not bot.alive:
                self.fleet.restart(name)
            elif not (bot.hears and bot.speaks):
                self.fleet.thaw(name)

    @rule(name=names)
    def crash(self, name: str) -> None:
        self.fleet.crash(name)

    @rule(name=names, knows=st.booleans())
    def restart(self, name: str, knows: bool) -> None:
        self.fleet.restart(name, knows_predecessor=knows)

    @rule(name=names, how=st.sampled_from(["frozen", "deaf", "mute"]))
    def cut_off(self, name: str, how: str) -> None:
        setattr(self.fleet.bots[name], how, True)

    @rule(name=names)
    def thaw(self, name: str) -> None:
        if self.fleet.bots[name].alive:
            self.fleet.thaw(name)

    @rule(name=names)
    def will(self, name: str) -> None:
        self.fleet.will(name)

    @rule(name=names)
    def forget_a_job(self, name: str) -> None:
        jobs = self.fleet.bots[name].jobs
        if jobs:
            del jobs[min(jobs)]

    @rule(name=names, cpu=st.sampled_from([10.0, 80.0, 95.0]))
    def measure(self, name: str, cpu: float) -> None:
        bot = self.fleet.bots[name]
        bot.metrics = {"cpu_usage": cpu}
        if bot.speaks:
            self.fleet.hear(bot.numbers())

    @rule(name=names)
    def beat(self, name: str) -> None:
        self.fleet.beat(name)

    # --- what time does

    @rule(seconds=st.sampled_from([0.5, 5, 11, 26, 63]))
    def pass_time(self, seconds: float) -> None:
        self.fleet.pass_time(seconds)

    @rule(seconds=st.sampled_from([2, 30, 90]))
    def stall(self, seconds: int) -> None:
        self.fleet.stall(seconds)

    @rule(down_s=st.sampled_from([1, 100]))
    def restart_coordinator(self, down_s: int) -> None:
        before = open_tasks(self.fleet)
        self.fleet.restart_coordinator(down_s)
        after = open_tasks(self.fleet)
        tasks = self.fleet.state.tasks
        expired = {task for task in before if tasks[task].error_code == "expired"}
        assert after.keys() == before.keys() - expired, "I10: what is stored is what is so"
        for task, (_, priority, fence) in before.items():
            if task in expired:
                continue
            assert after[task][1] is priority
            assert after[task][2] >= fence

    def teardown(self) -> None:
        """In the end, with everyone well again, work goes on as far as the limits let it."""
        self.heal()
        self.work(rounds=8)

    # --- what is always so

    @invariant()
    def limits_hold_unless_they_were_lowered(self) -> None:
        if not self.lowered:
            assert over_limits(self.fleet.state) == []
