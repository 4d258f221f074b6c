"""What a new plan would do to a fleet as it is now: limits below their use, tasks that cannot run.

Neither keeps a plan from being applied. Who runs keeps his place, and who waits may be helped by
the next plan; but nobody should find out afterwards.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from coordinator.core.caps import cap_key
from coordinator.core.gates import GLOBAL, PermitGate, mode_key
from coordinator.core.policy import Cap, Policy
from coordinator.core.state import State
from coordinator.core.tasks import Task
from coordinator.core.terms import Terms
from coordinator.plan.problems import Problem, warning
from coordinator.plan.schema import MODE_LIMIT

LISTED: Final = 50


class Infeasible(NamedTuple):
    """A pending task that no agent could ever be given under the new plan."""

    task: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Impact:
    """What a plan changes for what is there."""

    warnings: tuple[Problem, ...]
    infeasible: tuple[Infeasible, ...]
    """At most :data:`LISTED` of the pending tasks that become infeasible."""
    infeasible_total: int

    def document(self) -> dict[str, Any]:
        """Write the impact down as JSON."""
        return {
            "warnings": [str(problem) for problem in self.warnings],
            "infeasible": [one._asdict() for one in self.infeasible],
            "infeasible_total": self.infeasible_total,
        }


def impact(state: State, policy: Policy) -> Impact:
    """Say what *policy* would do to the fleet in *state*, which stays as it is."""
    found = tuple(_become_infeasible(state, policy))
    return Impact(
        (*_limits_below_use(state, policy), *_caps_below_use(state, policy)),
        found[:LISTED],
        len(found),
    )


def _limits_below_use(state: State, policy: Policy) -> Iterator[Problem]:
    for gate in state.gates.values():
        limit = policy.limit(gate.key)
        if not isinstance(gate, PermitGate) or limit is None or len(gate.holders) <= limit:
            continue
        used = len(gate.holders)
        until = f"until {used - limit + 1} of them have ended" if limit else "under a limit of 0"
        text = f"{used} run now: none is ended, and nothing more starts {until}"
        yield warning(_path_of_limit(gate.key), limit, text)


def _caps_below_use(state: State, policy: Policy) -> Iterator[Problem]:
    for cap in policy.caps:
        used = state.usage.get(cap_key(cap))
        if used is not None and used.amount > cap.limit:
            caps = "daily_caps" if cap.period == "day" else "weekly_caps"
            yield warning(
                f"global_constraints.{caps}.{cap.scope}",
                cap.limit,
                f"{used.amount} are counted in this {cap.period} already: "
                f"nothing more starts before the next",
            )


def _path_of_limit(key: str) -> str:
    kind, _, name = key.partition(":")
    if key == GLOBAL:
        return "global_constraints.max_concurrent_agents"
    if kind == "mode":
        return f"global_constraints.{MODE_LIMIT}{name}"
    return f"global_constraints.max_concurrent_keys.{name}"


def _become_infeasible(state: State, policy: Policy) -> Iterator[Infeasible]:
    """Tasks of equal terms are judged once: there may be very many of them."""
    before, after = _Feasibility(state, state.policy), _Feasibility(state, policy)
    known: dict[tuple[object, ...], str | None] = {}
    for task in state.tasks.values():
        if task.is_over or task.attempt is not None:
            continue
        alike = (task.name, task.mode, task.pin, id(task.terms))
        if alike not in known:
            reason = after.why_not(task)
            known[alike] = reason if reason and before.why_not(task) is None else None
        if (why := known[alike]) is not None:
            yield Infeasible(task.id, task.name, why)


class _Feasibility:
    """Judges tasks by one plan and by what the agents are known to be able to do."""

    def __init__(self, state: State, policy: Policy) -> None:
        self._policy = policy
        self._able = {name: agent.capabilities for name, agent in policy.agents.items()}
        for agent in state.agents.values():
            if agent.info is not None and agent.info.capabilities:
                self._able[agent.name] = frozenset(agent.info.capabilities)
        self._abilities = set(self._able.values())

    def why_not(self, task: Task) -> str | None:
        """Say why *task* can never run; ``None`` if it can."""
        return next(self._reasons(task), None)

    def _reasons(self, task: Task) -> Iterator[str]:
        policy, terms = self._policy, task.terms
        gone = [name for name in terms.windows if name not in policy.windows]
        if gone:
            yield f"the plan has no window {gone[0]!r}"
        keys = [GLOBAL, mode_key(task.mode)]
        if terms.concurrency_key is not None:
            keys.append(f"key:{terms.concurrency_key}")
        for key in keys:
            if policy.limit(key) == 0:
                yield f"{_path_of_limit(key)} is 0"
        for cap in _closed_caps(policy.caps, task):
            yield f"the {cap.period} cap of {cap.scope} is 0"
        yield from self._nobody(task, terms)

    def _nobody(self, task: Task, terms: Terms) -> Iterator[str]:
        needed = terms.capabilities | {task.mode}
        if task.pin is not None:
            if not needed <= self._able.get(task.pin, frozenset()):
                yield f"{task.pin} cannot do {', '.join(sorted(needed))}"
        elif not any(needed <= able for able in self._abilities):
            yield f"no agent can do {', '.join(sorted(needed))}"


def _closed_caps(caps: Iterable[Cap], task: Task) -> Iterator[Cap]:
    scopes = {"fleet", mode_key(task.mode), f"name:{task.name}"}
    return (cap for cap in caps if cap.limit == 0 and cap.scope in scopes)
