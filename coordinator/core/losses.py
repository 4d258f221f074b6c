"""What becomes of a task whose attempt ended without a word from its agent."""

from coordinator.core.tasks import Task
from coordinator.core.turn import Turn
from coordinator.core.waiting import end, try_again
from protocol.vocabulary import TaskStatus, Want

LOST: str = "lost"


def lost_attempt(turn: Turn, task: Task, why: str) -> None:
    """Try *task* again, or give it up when it was to be cancelled or has had its attempts.

    A lost agent counts as an attempt: a task that brings down whoever runs it must end.
    """
    task.error_code, task.error = LOST, why
    if task.want is Want.CANCEL:
        end(turn, task, TaskStatus.CANCELLED)
        return
    task.failures += 1
    if task.failures >= task.terms.max_attempts:
        end(turn, task, TaskStatus.FAILED)
    else:
        try_again(turn, task, 0)
