"""Pausing a schedule: its times go on, and each that the pause covers is a skip."""

from coordinator.core.effects import SaveMark
from coordinator.core.errors import BadRequest, UnknownSubject
from coordinator.core.recurrence.progress import Pause, Progress
from coordinator.core.recurrence.runs import on_schedule_due
from coordinator.core.timers import Due
from coordinator.core.turn import Turn


def pause_schedule(turn: Turn, name: str, pause: Pause) -> None:
    """Start no run of schedule *name* until *pause* is over; a later pause replaces it."""
    progress = _progress(turn, name)
    if pause.until_ms is not None and pause.until_ms <= turn.now.wall_ms:
        raise BadRequest("until_ms", pause.until_ms, f"later than now ({turn.now.wall_ms})")
    on_schedule_due(turn, name)
    progress.pause = pause
    if pause.until_ms is not None:
        turn.state.timers.at_wall(pause.until_ms, Due.SCHEDULE, name)
    turn.do(SaveMark("schedule", name))
    text = f"{pause.actor} paused schedule {name}: {pause.reason}"
    turn.tell("operator", name, text, until_ms=pause.until_ms)


def resume_schedule(turn: Turn, name: str, actor: str) -> bool:
    """Let schedule *name* go on; say whether it was paused."""
    progress = _progress(turn, name)
    on_schedule_due(turn, name)
    if progress.pause is None:
        return False
    progress.pause = None
    turn.do(SaveMark("schedule", name))
    turn.tell("operator", name, f"{actor} resumed schedule {name}")
    on_schedule_due(turn, name)
    return True


def _progress(turn: Turn, name: str) -> Progress:
    progress = turn.state.schedules.progress.get(name)
    if progress is None:
        raise UnknownSubject("schedule", name)
    return progress
