"""Windows as gates: open while one of several ranges of civil time is, or while none is.

A window that a task names lets it start while it is open, and moves it forward; an idle block is
the same turned round. Each knows when it changes next; none is ever polled.
"""

from typing import TYPE_CHECKING, Final

from coordinator.core.civil import Window
from coordinator.core.civil.unions import any_open, boost_of, next_change_of
from coordinator.core.gates import Gate
from coordinator.core.timers import Due

if TYPE_CHECKING:
    from coordinator.core.turn import Turn

OUTSIDE_WINDOW: Final = "OUTSIDE_WINDOW"
IDLE_BLOCK: Final = "IDLE_BLOCK"


class WindowGate(Gate):
    """Open while any of ``windows`` is; with ``forbids``, closed while any of them is."""

    __slots__ = ("forbids", "looks_again_ms", "windows")

    def __init__(
        self, key: str, windows: tuple[Window, ...], *, forbids: bool, wall_ms: int
    ) -> None:
        self.windows = windows
        self.forbids = forbids
        self.looks_again_ms = self.next_look(wall_ms)
        """When, on the wall clock, the gate has to be looked at again; ``None`` is never."""
        code = IDLE_BLOCK if forbids else OUTSIDE_WINDOW
        super().__init__(key, code, is_open=any_open(windows, wall_ms) is not forbids)

    def twin(self) -> "WindowGate":
        """Return one like it, which no timer will turn."""
        then_ms = self.looks_again_ms or 0
        twin = WindowGate(self.key, self.windows, forbids=self.forbids, wall_ms=then_ms)
        twin.is_open, twin.looks_again_ms = self.is_open, self.looks_again_ms
        return twin

    def next_look(self, wall_ms: int) -> int | None:
        """Return when it may turn next, or give another boost while it stays open."""
        if self.forbids or len({window.priority_boost for window in self.windows}) == 1:
            return next_change_of(self.windows, wall_ms)
        changes = [next_change_of((window,), wall_ms) for window in self.windows]
        return min((change for change in changes if change is not None), default=None)

    def is_open_at(self, wall_ms: int) -> bool:
        """Say whether the gate should be open at *wall_ms*."""
        return any_open(self.windows, wall_ms) is not self.forbids

    def boost(self, wall_ms: int) -> float:
        """Return by how much the head start of those who may pass now is multiplied."""
        return 1.0 if self.forbids else boost_of(self.windows, wall_ms)


def look_at_clock(turn: "Turn", gate: WindowGate) -> None:
    """Turn *gate* if its time has come, and come again when it changes next."""
    state, wall_ms = turn.state, turn.now.wall_ms
    if gate.looks_again_ms is None or wall_ms < gate.looks_again_ms:
        return  # an older timer of the same gate
    gate.looks_again_ms = gate.next_look(wall_ms)
    if gate.looks_again_ms is not None:
        state.timers.at_wall(gate.looks_again_ms, Due.GATE, gate.key)
    gate.turn(is_open=gate.is_open_at(wall_ms))
    for signature in gate.signatures:
        for shape in signature.shapes:
            state.set_head_start(shape, wall_ms)
    if gate.is_open:
        state.wake_behind(gate)
