"""What is due becomes tasks: each nominal time ends as a run, as a skip that is told, or waits.

Everything about a schedule is decided here, whoever asks: its timer, a new plan, a start, the end
of one of its runs, an operator. To ask once more than necessary changes nothing.
"""

from typing import Final

from coordinator.core.cancelling import cancel
from coordinator.core.civil import local_time
from coordinator.core.creation import create
from coordinator.core.effects import SaveMark
from coordinator.core.errors import RequestError
from coordinator.core.recurrence.decision import Decision, Skip, SkipReason, due, skip_all
from coordinator.core.recurrence.progress import Progress
from coordinator.core.recurrence.recurring import Overlap, RecurringTask
from coordinator.core.timers import Due
from coordinator.core.turn import Turn
from protocol.vocabulary import Want

MOST_BUFFERED: Final = 1_000
"""How many nominal times of one schedule wait for its runs to end."""

_WORDS: Final = {
    SkipReason.MISSED: "nobody was there, and the schedule skips what it missed",
    SkipReason.MERGED: "several were missed, and one run stands for them all",
    SkipReason.TOO_LATE: "they were missed by more than the grace of the schedule",
    SkipReason.CATCHUP_FULL: "more were missed than the schedule catches up on",
    SkipReason.OVERLAP: "the run before has not ended",
    SkipReason.BUFFER_FULL: f"{MOST_BUFFERED} runs wait already",
    SkipReason.REPLACED: "a newer run took its place while it waited",
    SkipReason.PAUSED: "the schedule is paused",
    SkipReason.REMOVED: "the plan has no such schedule any more",
    SkipReason.REFUSED: "no task could be made of it",
}


def take_schedules(turn: Turn) -> None:
    """Go by the schedules of the plan in force, each from where it was handled last."""
    book = turn.state.schedules
    for name in list(book.by_name):
        on_schedule_due(turn, name)  # up to now, the schedules that were in force hold
    book.by_name = {schedule.name: schedule for schedule in turn.state.policy.schedules}
    for name in [name for name in book.progress if name not in book.by_name]:
        _drop(turn, book.progress[name])
    for schedule in book.by_name.values():
        progress, rhythm = book.progress.get(schedule.name), str(schedule.rhythm)
        if progress is None:
            book.progress[schedule.name] = Progress(schedule.name, rhythm, turn.now.wall_ms)
            turn.do(SaveMark("schedule", schedule.name))
        else:
            book.schedule_of.update(dict.fromkeys(progress.runs, schedule.name))
            if progress.rhythm != rhythm:
                progress.rhythm, progress.last_ms = rhythm, turn.now.wall_ms
                turn.do(SaveMark("schedule", schedule.name))
        on_schedule_due(turn, schedule.name)


def on_schedule_due(turn: Turn, name: str) -> None:
    """Account for every nominal time of schedule *name* up to now, and start what waited."""
    book, now_ms = turn.state.schedules, turn.now.wall_ms
    schedule, progress = book.by_name.get(name), book.progress.get(name)
    if schedule is None or progress is None:
        return
    if progress.armed_ms is not None and progress.armed_ms <= now_ms:
        progress.armed_ms = None
    _forget_ended(turn, progress)
    _pass_pause(turn, schedule, progress)
    if progress.pause is None:
        while progress.buffered and not progress.runs:
            _create(turn, schedule, progress, progress.buffered.pop(0))
    decision = due(schedule, progress.last_ms, now_ms)
    _carry_out(turn, schedule, progress, decision)
    next_at_ms = decision.next_at_ms
    if next_at_ms is not None and next_at_ms != progress.armed_ms:
        progress.armed_ms = next_at_ms
        turn.state.timers.at_wall(next_at_ms, Due.SCHEDULE, name)


def _carry_out(turn: Turn, schedule: RecurringTask, progress: Progress, decision: Decision) -> None:
    if decision.handled_ms == progress.last_ms:
        return
    progress.last_ms = decision.handled_ms
    turn.do(SaveMark("schedule", progress.name))
    for skip in decision.skips:
        _skip(turn, progress, skip)
    for nominal_ms in decision.runs:
        _run(turn, schedule, progress, nominal_ms)


def _run(turn: Turn, schedule: RecurringTask, progress: Progress, nominal_ms: int) -> None:
    """Start the run of *nominal_ms*, or do as the schedule says if one before has not ended."""
    if schedule.overlap is Overlap.CANCEL_OTHER:
        _cancel_runs(turn, progress)
    if not (progress.runs or progress.buffered) or schedule.overlap is Overlap.ALLOW_ALL:
        _create(turn, schedule, progress, nominal_ms)
        return
    match schedule.overlap:
        case Overlap.CANCEL_OTHER:
            for replaced_ms in progress.buffered:
                _skip_one(turn, progress, SkipReason.REPLACED, replaced_ms)
            progress.buffered = [nominal_ms]
        case Overlap.BUFFER_ONE if not progress.buffered:
            progress.buffered.append(nominal_ms)
        case Overlap.BUFFER_ALL if len(progress.buffered) < MOST_BUFFERED:
            progress.buffered.append(nominal_ms)
        case Overlap.BUFFER_ALL:
            _skip_one(turn, progress, SkipReason.BUFFER_FULL, nominal_ms)
        case _:
            _skip_one(turn, progress, SkipReason.OVERLAP, nominal_ms)


def _create(turn: Turn, schedule: RecurringTask, progress: Progress, nominal_ms: int) -> None:
    run_id = schedule.run_id(nominal_ms)
    turn.do(SaveMark("schedule", progress.name))
    if run_id in turn.state.tasks:
        return  # the clock or the rhythm was set back; this nominal time has its run already
    try:
        create(turn, schedule.spec(nominal_ms), f"schedule:{progress.name}", run_id)
    except RequestError as error:
        _skip_one(turn, progress, SkipReason.REFUSED, nominal_ms, str(error))
        return
    progress.created += 1
    progress.runs.append(run_id)
    turn.state.schedules.schedule_of[run_id] = progress.name


def _cancel_runs(turn: Turn, progress: Progress) -> None:
    for run in progress.runs:
        task = turn.state.tasks.get(run)
        if task is not None and task.want is not Want.CANCEL and not task.is_over:
            cancel(turn, task)
    _forget_ended(turn, progress)


def _forget_ended(turn: Turn, progress: Progress) -> None:
    tasks = turn.state.tasks
    going_on = [run for run in progress.runs if run in tasks and not tasks[run].is_over]
    if len(going_on) != len(progress.runs):
        progress.runs = going_on
        turn.do(SaveMark("schedule", progress.name))


def _pass_pause(turn: Turn, schedule: RecurringTask, progress: Progress) -> None:
    """Skip what a pause covers, up to now; end the pause if it is over."""
    pause, now_ms = progress.pause, turn.now.wall_ms
    if pause is None:
        return
    covered_ms = now_ms if pause.until_ms is None else min(now_ms, pause.until_ms - 1)
    for skip in skip_all(schedule, progress.last_ms, covered_ms, SkipReason.PAUSED):
        progress.last_ms = skip.last_ms
        _skip(turn, progress, skip)
    if pause.until_ms is not None and pause.until_ms <= now_ms:
        progress.pause = None
        turn.do(SaveMark("schedule", progress.name))
        turn.tell("operator", progress.name, f"the pause of schedule {progress.name} has expired")


def _drop(turn: Turn, progress: Progress) -> None:
    book = turn.state.schedules
    for nominal_ms in progress.buffered:
        _skip_one(turn, progress, SkipReason.REMOVED, nominal_ms)
    for run in progress.runs:
        book.schedule_of.pop(run, None)
    del book.progress[progress.name]
    turn.do(SaveMark("schedule", progress.name))


def _skip_one(
    turn: Turn, progress: Progress, reason: SkipReason, nominal_ms: int, why: str | None = None
) -> None:
    _skip(turn, progress, Skip(reason, nominal_ms, nominal_ms), why)


def _skip(turn: Turn, progress: Progress, skip: Skip, why: str | None = None) -> None:
    """Tell of a skip and count it: no nominal time passes in silence."""
    progress.skipped[skip.reason.value] += skip.count
    turn.state.schedules.skipped[skip.reason.value] += skip.count
    turn.do(SaveMark("schedule", progress.name))
    if skip.first_ms == skip.last_ms:
        what = f"the run of {_shown(skip.first_ms)}"
    else:
        least = "" if skip.is_exact else "more than "
        span = f"from {_shown(skip.first_ms)} to {_shown(skip.last_ms)}"
        what = f"{least}{skip.count} runs {span}"
    turn.tell(
        "run_skipped",
        progress.name,
        f"{progress.name}: skipped {what}: {why or _WORDS[skip.reason]}",
        reason=skip.reason.value,
        first_ms=skip.first_ms,
        last_ms=skip.last_ms,
        count=skip.count,
        is_exact=skip.is_exact,
    )


def _shown(wall_ms: int) -> str:
    return f"{local_time('UTC', wall_ms):%Y-%m-%d %H:%M:%S} UTC"
