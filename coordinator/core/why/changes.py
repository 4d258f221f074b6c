"""Changes that could help: what an operator, or a new plan, could do about each closed gate.

A change is data: words for a person, an action for a program, and what it makes different. Nothing
here promises anything; :mod:`coordinator.core.why.suggestions` tries each one first.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from coordinator.core.agents import Agent
from coordinator.core.caps import CapGate
from coordinator.core.civil import ALL_DAYS, Window
from coordinator.core.gates import CountedGate, Gate, PermitGate
from coordinator.core.gating import ERROR_BUDGET, FLEET, IDLE
from coordinator.core.openings import WindowGate
from coordinator.core.policy import Policy
from coordinator.core.state import State
from coordinator.core.tasks import Phase, Task
from coordinator.core.usage import DAY, WEEK
from coordinator.core.why.trial import Assumption, Trial

MOST_RAISED: Final = 10_000
_HOLDERS_TRIED: Final = 3
_CAPS: Final = {DAY: "daily_caps", WEEK: "weekly_caps"}
_CANCELLABLE: Final = frozenset({Phase.OFFERED, Phase.RUNNING, Phase.PAUSED_RUNNING})


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that somebody could do, and what it would make different."""

    text: str
    action: dict[str, Any]
    what: Assumption
    edit: Callable[[Policy], Policy] | None = None
    """What it makes of a plan, if it is a change of the plan."""


def changes_for(trial: Trial, gate: Gate, others: Assumption) -> Iterator[Change]:
    """Yield what could be done about *gate*, which is closed; *others* are done as well."""
    state = trial.state
    if gate.key == FLEET:
        yield _operator("resume the fleet", "resume_fleet", gate)
    elif gate.key == ERROR_BUDGET:
        yield _operator("reset the error budget", "reset_budget", gate)
    elif isinstance(gate, WindowGate):
        yield _open_window(state, gate)
    elif isinstance(gate, CapGate):
        yield from _raise_cap(trial, gate, others)
    elif isinstance(gate, PermitGate):
        if gate.is_held:
            yield from _release(gate)
        elif gate.key not in state.type_cooldowns:
            yield from _raise_limit(trial, gate, others)
            yield from _cancel_holders(trial, gate)


def _operator(text: str, op: str, gate: Gate) -> Change:
    return Change(text, {"op": op}, Assumption(opens=frozenset({gate.key})))


def _release(gate: PermitGate) -> Iterator[Change]:
    left = gate.limit - gate.used if gate.limit is not None else 2**31
    if left > 0:
        what = Assumption(opens=frozenset({gate.key}), room={gate.key: left})
        action = {"op": "release", "key": gate.key}
        yield Change(f"release {gate.key}", action, what)


def _open_window(state: State, gate: WindowGate) -> Change:
    what = Assumption(opens=frozenset({gate.key}))
    names = [window.name for window in gate.windows]
    if gate.key == IDLE:
        text = f"lift the idle block {', '.join(names)}"
        action = {"op": "plan", "remove": {"idle_blocks": names}}
        return Change(text, action, what, lambda plan: replace(plan, idle_blocks=()))
    name = names[0]
    action = {"op": "plan", "set": {f"schedule_windows.{name}": "always open, no boost"}}
    # Other tasks may name the window together with others: their gates open as well.
    opened = frozenset(
        key for key in state.gates if key.startswith("window:") and name in key[7:].split("|")
    )
    what = Assumption(opens=opened | {gate.key})

    def edit(plan: Policy) -> Policy:
        return replace(plan, windows={**plan.windows, name: _always(plan.windows[name])})

    return Change(f"open the window {name} at all times", action, what, edit)


def _always(window: Window) -> Window:
    # Without its boost, so that nobody changes places by it.
    return replace(window, days=ALL_DAYS, all_day=True, priority_boost=1.0)


def _raise_limit(trial: Trial, gate: PermitGate, others: Assumption) -> Iterator[Change]:
    enough = _enough(trial, gate, others)
    if gate.limit is None or enough > MOST_RAISED:
        return

    def edit(plan: Policy) -> Policy:
        return replace(plan, limits={**plan.limits, gate.key: enough})

    what = Assumption(opens=frozenset({gate.key}), room={gate.key: enough - gate.used})
    yield Change(
        f"raise the limit {gate.key} {gate.limit} → {enough}",
        {"op": "plan", "set": {_plan_name(gate.key): enough}},
        what,
        edit,
    )


def _plan_name(key: str) -> str:
    """Say where the limit of permit *key* stands in the plan."""
    kind, _, name = key.partition(":")
    if kind == "key":
        return f"global_constraints.max_concurrent_keys.{name}"
    return f"global_constraints.max_concurrent_{name or 'agents'}"


def _enough(trial: Trial, gate: CountedGate, others: Assumption) -> int:
    """Return the limit at which *gate* has room for all who are before the task, and for it."""
    without = Assumption(opens=frozenset({gate.key}), room={gate.key: 2**31}).and_also(others)
    return gate.used + trial.used_before(gate.key, without) + 1


def _raise_cap(trial: Trial, gate: CapGate, others: Assumption) -> Iterator[Change]:
    cap = gate.cap
    if cap not in trial.state.policy.caps:
        return  # it is the task's own: there is no way to change that of a task
    enough = _enough(trial, gate, others)

    def edit(plan: Policy) -> Policy:
        raised = replace(cap, limit=enough)
        return replace(plan, caps=tuple(raised if one == cap else one for one in plan.caps))

    name = f"{gate.cap.scope} a {gate.cap.period}"
    yield Change(
        f"raise the cap of {name} {gate.limit} → {enough}",
        {"op": "plan", "set": {f"global_constraints.{_CAPS[cap.period]}.{cap.scope}": enough}},
        Assumption(opens=frozenset({gate.key}), room={gate.key: enough - gate.used}),
        edit,
    )


def _cancel_holders(trial: Trial, gate: PermitGate) -> Iterator[Change]:
    if gate.limit is None or gate.used > gate.limit:
        return  # one place that is given back makes no room
    # Whoever began last has least to lose.
    for name in islice(reversed(gate.holders), _HOLDERS_TRIED):
        task = trial.state.tasks.get(name)
        if task is not None:
            yield from cancelling(trial.state, task)


def cancelling(state: State, task: Task) -> Iterator[Change]:
    """Yield the change that is to cancel *task*, which is lent to an agent that can hear it."""
    attempt = task.attempt
    agent = state.agents.get(attempt.agent) if attempt is not None else None
    if agent is None or task.phase not in _CANCELLABLE or not agent.is_present:
        return
    permits = [gate for gate in task.permits if isinstance(gate, PermitGate)]
    room = {
        gate.key: gate.limit - gate.used + 1
        for gate in permits
        if gate.limit is not None and not gate.is_held
    }
    held = {gate.key for gate in permits if gate.is_held}
    opens = frozenset(gate.key for gate in task.permits if gate.key not in held)
    blocks = _end_may_block(state, agent, task)
    frees = () if blocks or not _waits_for(agent, task) else (agent,)
    yield Change(
        f"cancel {task.id} ({task.name}) on {agent.name}",
        {"op": "cancel", "task": task.id, "agent": agent.name},
        # Its caps may open too, for those before; that is not counted in favour of the task.
        Assumption(
            opens=opens,
            room=room,
            frees=frees,
            spoils=frozenset({agent.name} if blocks else ()),
        ),
    )


def _end_may_block(state: State, agent: Agent, task: Task) -> bool:
    """Say whether *agent* may have to pause when *task* has ended on it."""
    policy, terms = state.policy, task.terms
    paused = policy.rests or policy.task_cooldowns or terms.cooldown_ms is not None
    capped = any(cap.scope == f"agent:{agent.name}" for cap in policy.caps)
    return bool(paused) or capped or agent.policy.max_daily_runtime_ms is not None


def _waits_for(agent: Agent, task: Task) -> bool:
    """Say whether *agent* is kept from more work by *task* alone."""
    busy = agent.obstacles is not None and agent.obstacles.codes == ("AGENT_BUSY",)
    return busy and task.id in agent.held and len(agent.held) <= agent.slots
