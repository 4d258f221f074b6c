"""Broken rules of a coordinator that has just started, or that stood still."""

from typing import Any, Final

from coordinator.core import (
    heartbeats,
    recovery,
    step,
)
from coordinator.core.tasks import Task
from coordinator.core.timers import Due
from coordinator.core.turn import Turn
from coordinator.core.waiting import wait
from protocol.messages import Heartbeat
from tests.simulation.mutants.patching import Mutants, Patch, never


def _forget_on_restart() -> list[Patch]:
    def hold_again(turn: Turn, task: Task) -> int:
        task.attempt = None
        wait(turn, task)
        return turn.now.mono_ms

    return [(recovery, "_hold_again", hold_again)]


def _offers_while_recovering() -> list[Patch]:
    def finish(turn: Turn) -> None:
        turn.state.unheard.clear()
        recovery.finish_if_recovered(turn)

    return [(step, "finish_if_recovered", finish)]


def _short_lease_after_restart() -> list[Patch]:
    hold_again = recovery._hold_again

    def hold(turn: Turn, task: Task) -> int:
        hold_again(turn, task)
        if task.attempt is None:
            return turn.now.mono_ms
        task.attempt.expires_ms = turn.now.mono_ms + task.attempt.lease_ms // 4
        turn.state.timers.at_mono(task.attempt.expires_ms + 1, Due.EXPIRY, task.id)
        return task.attempt.expires_ms

    return [(recovery, "_hold_again", hold)]


def _restored_without_places() -> list[Patch]:
    return [(recovery, "take_places", never)]


def _restored_without_timer() -> list[Patch]:
    hold_again = recovery._hold_again

    def hold(turn: Turn, task: Task) -> int:
        mono, turn.state.timers._mono = turn.state.timers._mono, []
        until_ms = hold_again(turn, task)
        turn.state.timers._mono = mono
        return until_ms

    return [(recovery, "_hold_again", hold)]


def _stall_is_nobodys_fault() -> list[Patch]:
    return [(step, "on_stalled", lambda _turn, _ms: None)]


def _remembered_heartbeats_count() -> list[Patch]:
    def on_heartbeat(turn: Turn, said: Heartbeat, *, retained: bool) -> None:
        heartbeats.on_heartbeat(turn, said, retained=False)

    return [(step, "on_heartbeat", on_heartbeat)]


def _expiry_forgotten_at_restart() -> list[Patch]:
    restore = recovery.restore

    def forgetting(state: Any, agents: Any, tasks: Any, now: Any) -> Any:
        effects = restore(state, agents, tasks, now)
        wall = [timer for timer in state.timers._wall if timer[2] is not Due.TASK_EXPIRY]
        state.timers._wall = wall
        return effects

    from coordinator.shell import recollection

    return [(recollection, "restore", forgetting)]


MUTANTS: Final[Mutants] = {
    "forget_on_restart": _forget_on_restart,
    "offers_while_recovering": _offers_while_recovering,
    "short_lease_after_restart": _short_lease_after_restart,
    "restored_without_places": _restored_without_places,
    "restored_without_timer": _restored_without_timer,
    "stall_is_nobodys_fault": _stall_is_nobodys_fault,
    "remembered_heartbeats_count": _remembered_heartbeats_count,
    "expiry_forgotten_at_restart": _expiry_forgotten_at_restart,
}
