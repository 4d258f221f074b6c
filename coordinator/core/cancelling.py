"""Cancelling a task, whoever wants it: a client, or the next run of its schedule."""

from coordinator.core.assignments import want_of_holder
from coordinator.core.errors import IllegalMove
from coordinator.core.tasks import Phase, Task
from coordinator.core.turn import Turn
from coordinator.core.waiting import end, unqueue
from protocol.vocabulary import TaskStatus, Want


def cancel(turn: Turn, task: Task) -> None:
    """Cancel *task*: at once when nobody runs it, else as soon as its agent has let go."""
    if task.is_over:
        raise IllegalMove("cancel", f"task {task.id}", task.status.value)
    if task.attempt is None:
        unqueue(task)
        end(turn, task, TaskStatus.CANCELLED)
        return
    want_of_holder(turn, task, Want.CANCEL, Phase.CANCELLING)
