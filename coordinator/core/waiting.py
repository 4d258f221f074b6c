"""What becomes of a task that nobody runs.

It waits for the tasks that it depends on, then for its time, then in its queue; or it is over.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

from coordinator.core.effects import HideTask, SaveTask
from coordinator.core.state import KEPT_ENDED, SHOWN_ENDED
from coordinator.core.tasks import Phase, Task
from coordinator.core.timers import Due
from coordinator.core.turn import Turn
from protocol.vocabulary import TaskStatus, Want

_HASH_RANGE: Final = 2**64


def wait(turn: Turn, task: Task) -> None:
    """Let *task*, which nobody runs, wait for whatever it has to wait for."""
    task.want = Want.RUN
    if task.expires_ms is not None and task.expires_ms <= turn.now.wall_ms:
        end_expired(turn, task)
        return
    if task.depends_on and _await_dependencies(turn, task):
        return
    if task.not_before_ms is not None and task.not_before_ms > turn.now.wall_ms:
        turn.move(task, Phase.SCHEDULED)
        turn.state.timers.at_wall(task.not_before_ms, Due.START, task.id)
        return
    shape = turn.state.shape_of(task, turn.now.wall_ms)
    turn.move(task, Phase.READY)
    shape.push(task)
    turn.state.wake_for(shape)


def unmet(turn: Turn, task: Task) -> list[str]:
    """Name the tasks that *task* waits for and that have not completed."""
    tasks = turn.state.tasks
    return [
        name
        for name in task.depends_on
        if name not in tasks or tasks[name].outcome is not TaskStatus.COMPLETED
    ]


def _await_dependencies(turn: Turn, task: Task) -> bool:
    """Let *task* wait for what it depends on; say whether there is something to wait for.

    What has completed is struck off, because ended tasks are not remembered forever. A dependency
    that ended otherwise fails the task: it could never run.
    """
    task.depends_on = tuple(unmet(turn, task))
    for name in task.depends_on:
        other = turn.state.tasks.get(name)
        if other is None or other.is_over:
            _fail(turn, task, name)
            return True
        turn.state.dependents.setdefault(name, {})[task.id] = None
    if not task.depends_on:
        return False
    turn.move(task, Phase.DEPENDENT)
    return True


def _go_on_after(turn: Turn, first: Task) -> None:
    """Let go on, or fail, what waited for *first*, and what waited for that, however long."""
    ended = [first]
    while ended:
        before = ended.pop()
        for name in turn.state.dependents.pop(before.id, ()):
            task = turn.state.tasks.get(name)
            if task is None or task.is_over:
                continue
            if before.outcome is TaskStatus.COMPLETED:
                task.depends_on = tuple(other for other in task.depends_on if other != before.id)
                turn.do(SaveTask(task.id))
                if task.phase is Phase.DEPENDENT and not task.depends_on:
                    wait(turn, task)
            elif task.phase is Phase.DEPENDENT:
                _blame(task, before.id)
                _end(turn, task, TaskStatus.FAILED)
                ended.append(task)


def _fail(turn: Turn, task: Task, name: str) -> None:
    _blame(task, name)
    end(turn, task, TaskStatus.FAILED)


def _blame(task: Task, name: str) -> None:
    task.error_code, task.error = "dependency", f"{name}, which it depends on, did not complete"


def end_expired(turn: Turn, task: Task) -> None:
    """End *task*, which nobody runs, because it may not start any more."""
    unqueue(task)
    task.error_code, task.error = "expired", "its time was over before it could start"
    end(turn, task, TaskStatus.CANCELLED)


def unqueue(task: Task) -> None:
    """Take *task* out of its queue, if it waits in one."""
    if task.shape is not None:
        task.shape.remove(task)


def end(turn: Turn, task: Task, outcome: TaskStatus) -> None:
    """End *task*, which nobody runs any more, for good."""
    _end(turn, task, outcome)
    _go_on_after(turn, task)


def _end(turn: Turn, task: Task, outcome: TaskStatus) -> None:
    unqueue(task)
    task.completed_ms = turn.now.wall_ms
    turn.move(task, Phase.ENDED, outcome)
    state = turn.state
    state.ended[task.id] = None
    state.shown_ended[task.id] = None
    state.timers.at_mono(turn.now.mono_ms + state.policy.task_ttl_ms, Due.HIDE, task.id)
    if len(state.shown_ended) > SHOWN_ENDED:
        hide(turn, next(iter(state.shown_ended)))
    schedule = state.schedules.schedule_of.pop(task.id, None)
    if schedule is not None:
        state.timers.at_wall(turn.now.wall_ms, Due.SCHEDULE, schedule)
    if len(state.ended) > KEPT_ENDED:
        oldest = next(iter(state.ended))
        hide(turn, oldest)
        del state.ended[oldest], state.tasks[oldest]


def recollect(turn: Turn, past: Iterable[Task]) -> None:
    """Know tasks again that were over for so long that they had been forgotten."""
    for task in past:
        if task.id not in turn.state.tasks:
            turn.state.tasks[task.id] = task
            turn.state.ended[task.id] = None


def hide(turn: Turn, task_id: str) -> None:
    """Clear the public view of an ended task."""
    if task_id in turn.state.shown_ended:
        del turn.state.shown_ended[task_id]
        turn.do(HideTask(task_id))


def retry_after_ms(turn: Turn, task: Task) -> int:
    """Return how long *task* waits before it is tried again.

    Full jitter: a share of ``base * 2^failures``, at most the cap. The share is drawn from the
    task's id and number of failures, so that a replay draws the same.
    """
    policy = turn.state.policy
    ceiling = min(policy.retry_cap_ms, policy.retry_base_ms * 2 ** min(task.failures, 30))
    digest = hashlib.blake2b(f"{task.id}:{task.failures}".encode(), digest_size=8).digest()
    return int(int.from_bytes(digest) / _HASH_RANGE * ceiling)


def try_again(turn: Turn, task: Task, after_ms: int) -> None:
    """Let *task* wait for another attempt, at its old place, not before *after_ms* from now."""
    task.not_before_ms = turn.now.wall_ms + after_ms if after_ms else None
    if task.want is Want.PAUSE:
        task.want = Want.RUN
        task.paused_at_ms = turn.now.wall_ms
        turn.move(task, Phase.PAUSED_PENDING)
        return  # whoever paused it says when it goes on
    wait(turn, task)
