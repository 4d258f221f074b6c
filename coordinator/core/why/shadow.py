"""A state that may be asked and changed in thought: the real one does not notice.

Gates and counts are copied when they are first looked at; nothing of a shadow is connected to the
real queue. So the shape of any task can be had, under this plan or another, by the very functions
that decide, without leaving a trace.
"""

from dataclasses import replace
from typing import Final

from coordinator.core.gates import Gate, PermitGate
from coordinator.core.gating import failing_key
from coordinator.core.openings import WindowGate
from coordinator.core.policy import Policy
from coordinator.core.queue.shapes import Shape
from coordinator.core.state import State
from coordinator.core.tasks import Task
from coordinator.core.timers import Timers
from coordinator.core.usage import Usage

_FAILING: Final = failing_key("")


class _Gates(dict[str, Gate]):
    """Copies of gates, made when they are asked for; under a new plan, with its limits."""

    def __init__(self, real: dict[str, Gate], policy: Policy | None) -> None:
        super().__init__()
        self._real = real
        self._policy = policy

    def get(self, key: str, default: Gate | None = None, /) -> Gate | None:  # type: ignore[override] # the one form that is used
        real = self._real.get(key)
        if key not in self and real is not None and not self._is_made_anew(real):
            self[key] = self._copy(real)
        return super().get(key, default)

    def _is_made_anew(self, real: Gate) -> bool:
        from_plan = isinstance(real, WindowGate) or real.code == "MISCONFIGURED"
        return self._policy is not None and from_plan

    def _copy(self, real: Gate) -> Gate:
        gate = real.twin()
        by_plan = not gate.key.startswith(_FAILING)
        if self._policy is not None and isinstance(gate, PermitGate) and by_plan:
            gate.resize(self._policy.limit(gate.key))
        return gate


class _Usages(dict[str, Usage]):
    """Copies of counts, made when they are asked for."""

    def __init__(self, real: dict[str, Usage]) -> None:
        super().__init__()
        self._real = real

    def get(self, key: str, default: Usage | None = None, /) -> Usage | None:  # type: ignore[override] # the one form that is used
        real = self._real.get(key)
        if key not in self and real is not None:
            self[key] = replace(real)
        return super().get(key, default)


def shadow_of(state: State, policy: Policy | None = None) -> State:
    """Return a stand-in for *state*, under *policy* if that is given."""
    return replace(
        state,
        policy=policy or state.policy,
        gates=_Gates(state.gates, policy),
        usage=_Usages(state.usage),
        timers=Timers(),
        signatures={},
        shapes={},
        terms={},
    )


def shape_in(shadow: State, task: Task, wall_ms: int) -> Shape:
    """Return the shape that *task* would wait in."""
    if task.pin is not None and task.pin not in shadow.agents:
        shadow.agents = dict(shadow.agents)
    return shadow.shape_of(task, wall_ms)
