"""The core on random histories under a plan with every kind of rule, and with operators at work.

There is no second opinion here on what should start. What holds whatever the rules say must hold:
the audit is clean, nobody idles beside work that every gate lets pass, what is stored is what is
so, caps are not exceeded, and no rule is left without the timer that ends it.
"""

from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test

from coordinator.core.civil import Window
from coordinator.core.civil.periods import day_of
from coordinator.core.policy import (
    Ageing,
    AgentPolicy,
    Cap,
    FailureCooldown,
    Rest,
    TaskCooldown,
)
from coordinator.core.tasks import Task
from tests.property.core_machine import ABILITIES, EFFORT, LONG, NAMES, CoreMachine, limits, names

MINUTE_MS = 60_000
DAILY = {"fleet": 12, "mode:combat": 5, "name:hunt": 3}

windows = {
    "early": Window("early", "UTC", 0, 45, priority_boost=1.5),
    "late": Window("late", "UTC", 60, 300),
}
cooldowns = st.sampled_from(
    [
        (),
        (FailureCooldown("per agent", 1, 5 * MINUTE_MS, 60 * MINUTE_MS, 40 * MINUTE_MS, "agent"),),
        (FailureCooldown("both", 2, 5 * MINUTE_MS, 60 * MINUTE_MS, 40 * MINUTE_MS),),
        (FailureCooldown("per type", 1, 5 * MINUTE_MS, 60 * MINUTE_MS, 40 * MINUTE_MS, "type"),),
    ]
)
constraints = st.fixed_dictionaries(
    {},
    optional={
        "time_window": st.sampled_from(["early", "late"]),
        "cooldown": st.just(120),
        "cooldown_key": st.just("boss"),
        "must_fit": st.booleans(),
        "daily_cap": st.integers(1, 4),
    },
)


class RulesMachine(CoreMachine):
    """A fleet whose plan has some of everything."""

    @initialize(
        limits=limits,
        failures=cooldowns,
        rests=st.booleans(),
        spaced=st.booleans(),
        idles=st.booleans(),
        share=st.sampled_from([0.5, 1.0]),
    )
    def begin(
        self,
        limits: dict[str, int],
        failures: tuple[FailureCooldown, ...],
        rests: bool,
        spaced: bool,
        idles: bool,
        share: float,
    ) -> None:
        agents = {
            "a": AgentPolicy("a", max_daily_runtime_ms=90 * MINUTE_MS),
            "b": AgentPolicy("b", avoid_hours=frozenset({1}), zone="Europe/Berlin"),
            "c": AgentPolicy("c", preferred_hours=frozenset({0})),
        }
        self.fleet = self.new_fleet(
            limits=limits,
            agents=agents,
            windows=windows,
            caps=tuple(Cap(scope, "day", limit) for scope, limit in DAILY.items()),
            failure_cooldowns=failures,
            task_cooldowns=(TaskCooldown("spaced", 3 * MINUTE_MS),) if spaced else (),
            rests=(Rest("rest", 40 * MINUTE_MS, 10 * MINUTE_MS),) if rests else (),
            idle_blocks=(Window("lunch", "UTC", 20, 30),) if idles else (),
            max_daily_errors=4,
            ageing=Ageing(critical_max_share=share),
            retry_cap_ms=20_000,
        )
        for n, (name, abilities) in enumerate(zip(NAMES, ABILITIES, strict=True)):
            self.fleet.agent(name, *abilities, slots=1 + n % 2, heartbeat_ms=300_000)
        self.fleet.observers.append(self.observe)

    def agree(self, started: list[Task]) -> None:
        pass

    @rule(
        mode=st.sampled_from(["quest", "combat"]),
        priority=st.sampled_from(["critical", "high", "normal", "maintenance"]),
        constraints=constraints,
        minutes=st.sampled_from([None, 5, 30]),
        expires=st.sampled_from([None, None, 10]),
    )
    def create_with_rules(
        self,
        mode: str,
        priority: str,
        constraints: dict[str, Any],
        minutes: int | None,
        expires: int | None,
    ) -> None:
        spec: dict[str, Any] = {"mode": mode, "priority": priority, "constraints": constraints}
        if minutes is not None:
            spec["estimated_duration_s"] = minutes * 60.0
        if expires is not None:
            spec["expires_ms"] = self.fleet.now.wall_ms + expires * MINUTE_MS
        reply = self.fleet.ask("create", spec={"name": "hunt", **spec})
        assert reply.ok or reply.code == "bad_request"

    @rule(
        verb=st.sampled_from(["cordon", "drain", "maintenance", "return", "forget"]),
        name=names,
        minutes=st.sampled_from([None, 1, 20]),
    )
    def operate(self, verb: str, name: str, minutes: int | None) -> None:
        for_s = None if minutes is None else minutes * 60.0
        was_forgotten = self.fleet.state.agents[name].is_forgotten
        reply = self.fleet.ask(verb, agent=name, for_s=for_s)
        if was_forgotten and verb != "forget":
            assert reply.code == "not_found"
        else:
            assert reply.ok or reply.code == "conflict"

    @rule(
        verb=st.sampled_from(["hold", "release"]),
        key=st.sampled_from(["global", "mode:combat", "key:k"]),
    )
    def hold(self, verb: str, key: str) -> None:
        reply = self.fleet.ask(verb, key=key, for_s=600.0)
        assert reply.ok or reply.code == "conflict"

    @rule(verb=st.sampled_from(["pause_fleet", "resume_fleet", "reset_budget"]))
    def operate_fleet(self, verb: str) -> None:
        reply = self.fleet.ask(verb, for_s=600.0)
        assert reply.ok or reply.code == "conflict"

    @rule(minutes=st.sampled_from([3, 17, 60, 600]))
    def pass_much_time(self, minutes: int) -> None:
        self.fleet.pass_time(minutes * 60)

    @invariant()
    def no_cap_is_exceeded_by_starts(self) -> None:
        policy, now = self.fleet.state.policy, self.fleet.now
        today = day_of(now.wall_ms, policy.zone, policy.day_start_min)
        starts: Counter[str] = Counter()
        for task in self.fleet.state.tasks.values():
            if task.started_ms is not None and task.started_ms >= today.start_ms:
                starts.update({"fleet": 1, f"mode:{task.mode}": 1, f"name:{task.name}": 1})
        for cap in policy.caps:
            assert starts[cap.scope] <= cap.limit, f"I7: {cap}"


def test_every_rule_together_keeps_the_invariants_whatever_happens() -> None:
    effort = settings(EFFORT, max_examples=1000 if LONG else 60)
    run_state_machine_as_test(RulesMachine, settings=effort)
