"""Caps: at most so many starts of a name, a mode, an agent or the fleet in a day or a week.

A place is reserved when a task is offered and charged when it begins to run, so offers at the same
time cannot overshoot. A reservation is dropped only when the agent provably never began. A retry
of the same task is not charged again. Everything is charged to the period of the start.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from coordinator.core.effects import SaveMark
from coordinator.core.gates import CountedGate
from coordinator.core.policy import Cap
from coordinator.core.timers import Due
from coordinator.core.usage import Usage

if TYPE_CHECKING:
    from coordinator.core.tasks import Attempt, Task
    from coordinator.core.turn import Turn

CODE: Final = "CAP_REACHED"


class CapGate(CountedGate):
    """A cap: open while what is charged and what is reserved leave room."""

    __slots__ = ("cap", "usage")

    def __init__(self, key: str, cap: Cap, usage: Usage) -> None:
        self.cap = cap
        self.usage = usage
        super().__init__(key, CODE, cap.limit)
        self.is_open = self.has_room()

    @property
    def used(self) -> int:
        """Charged, and reserved by tasks that may still begin."""
        return self.usage.amount + len(self.holders)

    def twin(self) -> "CapGate":
        """Return one like it that counts for itself."""
        return self.seated(CapGate(self.key, self.cap, replace(self.usage)))


def cap_key(cap: Cap) -> str:
    """Name the gate of *cap*."""
    return f"cap:{cap.scope}:{cap.period}"


def charge_gates(turn: "Turn", task: "Task", attempt: "Attempt", *, count: str) -> None:
    """Charge *task* to the caps at its gates that count ``started`` or ``completed`` runs.

    Its reservation becomes a charge: the room does not change. What began in a period that is over
    is not charged to the present one.
    """
    for gate in task.permits:
        if not isinstance(gate, CapGate) or gate.cap.count != count or task.id not in gate.holders:
            continue
        if attempt.started_ms is None or attempt.started_ms >= gate.usage.period.start_ms:
            gate.usage.amount += 1
            turn.do(SaveMark("usage", gate.usage.key))
        del gate.holders[task.id]
        task.charged |= {gate.key}
        if gate.turn(is_open=gate.has_room()) and gate.is_open:
            turn.state.wake_behind(gate)


def begin_period(turn: "Turn", gate: CapGate) -> None:
    """Begin a new period at *gate* if it is time, and come again when that ends."""
    before = gate.usage.period
    gate.usage.at(turn.state.policy, turn.now.wall_ms)
    if gate.usage.period != before:
        turn.do(SaveMark("usage", gate.usage.key))
    turn.state.timers.at_wall(gate.usage.period.end_ms, Due.GATE, gate.key)
    if gate.turn(is_open=gate.has_room()) and gate.is_open:
        turn.state.wake_behind(gate)
