"""Which gates a task must pass: the one place to look at, or to add to, for a new shared rule.

The order is the order of precedence: the first closed gate is the headline of a waiting task.
"""

from typing import TYPE_CHECKING, Final, cast

from coordinator.core.caps import CapGate, cap_key
from coordinator.core.gates import GLOBAL, Gate, PermitGate, mode_key
from coordinator.core.openings import WindowGate
from coordinator.core.policy import Cap
from coordinator.core.timers import Due
from coordinator.core.usage import DAY, WEEK, Usage, period_of
from protocol.vocabulary import Priority

if TYPE_CHECKING:
    from coordinator.core.state import State
    from coordinator.core.tasks import Task

FLEET: Final = "fleet"
ERROR_BUDGET: Final = "error_budget"
IDLE: Final = "idle"


def gates_of(state: "State", task: "Task", wall_ms: int) -> tuple[Gate, ...]:
    """Return the gates that *task* must pass under the plan in force, in order of precedence."""
    gates: list[Gate] = [plain_gate(state, FLEET, "FLEET_PAUSED")]
    if task.priority is not Priority.MAINTENANCE:
        gates.append(plain_gate(state, ERROR_BUDGET, "ERROR_BUDGET"))
    if state.policy.idle_blocks:
        gates.append(_window_gate(state, IDLE, wall_ms))
    if task.terms.windows:
        gates.append(_window_gate(state, "window:" + "|".join(task.terms.windows), wall_ms))
    gates += [
        cap_gate(state, cap, wall_ms)
        for cap in _caps_of(state, task)
        if cap_key(cap) not in task.charged
    ]
    if task.terms.cooldown_key is not None:
        gates.append(plain_gate(state, f"cooldown:{task.terms.cooldown_key}", "TASK_COOLDOWN"))
    if any(rule.scope == "type" for rule in state.policy.failure_cooldowns):
        gates.append(permit_gate(state, failing_key(task.mode)))
    gates.append(permit_gate(state, GLOBAL))
    gates.append(permit_gate(state, mode_key(task.mode)))
    if task.terms.concurrency_key is not None:
        gates.append(permit_gate(state, f"key:{task.terms.concurrency_key}"))
    return tuple(gates)


def plain_gate(state: "State", key: str, code: str) -> Gate:
    """Return a gate that stays open until something closes it; it exists from now on."""
    gate = state.gates.get(key)
    if gate is None:
        gate = state.gates[key] = Gate(key, code)
    return gate


def permit_gate(state: "State", key: str) -> PermitGate:
    """Return the gate of permit *key*, which exists from now on."""
    gate = state.gates.get(key)
    if gate is None:
        gate = PermitGate(key, _permit_code(key), state.policy.limit(key))
        gate.hold(is_held=key in state.holds)
        state.gates[key] = gate
    return cast("PermitGate", gate)


def failing_key(mode: str) -> str:
    """Name the gate that a fleet-wide failure cooldown of *mode* narrows."""
    return f"failing:{mode}"


def _permit_code(key: str) -> str:
    if key == GLOBAL:
        return "GLOBAL_LIMIT"
    kind = key.partition(":")[0]
    return {"mode": "MODE_LIMIT", "failing": "FAILURE_COOLDOWN"}.get(kind, "KEY_LIMIT")


def _window_gate(state: "State", key: str, wall_ms: int) -> Gate:
    gate = state.gates.get(key)
    if gate is not None:
        return gate
    names = key.removeprefix("window:").split("|")
    if key == IDLE:
        windows = state.policy.idle_blocks
    elif all(name in state.policy.windows for name in names):
        windows = tuple(state.policy.windows[name] for name in names)
    else:  # the plan had this window when the task was made, and has it no more
        gate = state.gates[key] = Gate(key, "MISCONFIGURED", is_open=False)
        return gate
    opening = WindowGate(key, windows, forbids=key == IDLE, wall_ms=wall_ms)
    state.gates[key] = opening
    if opening.looks_again_ms is not None:
        state.timers.at_wall(opening.looks_again_ms, Due.GATE, key)
    return opening


def _caps_of(state: "State", task: "Task") -> list[Cap]:
    scopes = {"fleet", mode_key(task.mode), f"name:{task.name}"}
    caps = {cap_key(cap): cap for cap in state.policy.caps if cap.scope in scopes}
    for period, limit in ((DAY, task.terms.daily_cap), (WEEK, task.terms.weekly_cap)):
        if limit is not None:
            own = Cap(f"name:{task.name}", period, limit)
            known = caps.get(cap_key(own))
            if known is None or limit < known.limit:
                caps[cap_key(own)] = own
    return list(caps.values())


def cap_gate(state: "State", cap: Cap, wall_ms: int) -> CapGate:
    """Return the gate of *cap*, which exists from now on; the newest limit of a key counts."""
    key = cap_key(cap)
    gate = cast("CapGate | None", state.gates.get(key))
    if gate is None:
        used = usage_of(state, key, cap.period, wall_ms)
        gate = CapGate(key, cap, used)
        state.gates[key] = gate
        state.timers.at_wall(used.period.end_ms, Due.GATE, key)
    elif gate.cap != cap:
        gate.cap = cap
        if gate.resize(cap.limit) and gate.is_open:
            state.wake_behind(gate)
    return gate


def usage_of(state: "State", key: str, unit: str, wall_ms: int) -> Usage:
    """Return what is counted under *key*, which exists from now on, brought up to *wall_ms*."""
    used = state.usage.get(key)
    if used is None:
        used = state.usage[key] = Usage(key, unit, period_of(state.policy, unit, wall_ms))
    used.at(state.policy, wall_ms)
    return used
