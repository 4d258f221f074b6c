"""Closing a shared gate for a while: a paused fleet, a spent error budget, a fleet-wide cooldown.

What is closed says why, by whom and until when, opens by itself then, and survives a restart.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coordinator.core.effects import SaveMark
from coordinator.core.timers import Due

if TYPE_CHECKING:
    from coordinator.core.turn import Turn


@dataclass(frozen=True, slots=True)
class Closure:
    """Why a gate is closed, and until when (wall clock)."""

    until_ms: int
    text: str
    actor: str | None = None


def close(turn: "Turn", key: str, until_ms: int, text: str, actor: str | None = None) -> None:
    """Close gate *key* until *until_ms*, or until it is reopened."""
    state = turn.state
    state.closures[key] = Closure(until_ms, text, actor)
    state.timers.at_wall(until_ms, Due.GATE, key)
    turn.do(SaveMark("closure", key))
    gate = state.gates.get(key)
    if gate is not None:
        gate.turn(is_open=False)


def reopen(turn: "Turn", key: str) -> bool:
    """Open gate *key* again; say whether it was closed."""
    state = turn.state
    if state.closures.pop(key, None) is None:
        return False
    turn.do(SaveMark("closure", key))
    gate = state.gates.get(key)
    if gate is not None and gate.turn(is_open=True):
        state.wake_behind(gate)
    return True


def reopen_if_due(turn: "Turn", key: str) -> None:
    """Open gate *key* again if its time is over."""
    closure = turn.state.closures.get(key)
    if closure is not None and closure.until_ms <= turn.now.wall_ms:
        reopen(turn, key)
