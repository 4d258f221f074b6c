"""A store with real records in it: an agent, and tasks of which one is lent."""

from contextlib import closing
from pathlib import Path

from coordinator.core.policy import Policy
from coordinator.core.state import State
from coordinator.core.tasks import Attempt, Phase, Task
from coordinator.core.terms import Terms
from coordinator.core.verbs import FOREVER, Hold
from coordinator.shell.batch import Batch
from coordinator.shell.store import Changes, Store
from protocol.vocabulary import Priority

HELD = "mode:quest"


def changes_of_a_fleet(tasks: int, *, padding: int = 0) -> Changes:
    """Make *tasks* tasks, the first of them lent to Main, and a key that is held."""
    state = State(Policy(), "c", term=1)
    state.agent("Main")
    state.holds[HELD] = Hold("broken", "ops", FOREVER)
    batch = Batch()
    batch.agents["Main"] = batch.marks["hold", HELD] = None
    for n in range(tasks):
        task = Task(f"t{n:04}", f"task {n}", "quest", Priority.NORMAL, Terms(), n, n)
        task.args = {"much": "x" * padding}
        state.tasks[task.id] = task
        batch.tasks[task.id] = None
    if tasks:
        lent = state.tasks["t0000"]
        lent.phase, lent.fence, lent.fenced_to = Phase.RUNNING, 3, "Main"
        lent.attempt = Attempt(3, "Main", "b" * 32, 2_000, 300, (1, 1), 0, 0)
    return batch.changes(state, 1, 0)


def store_a_fleet(data: Path, tasks: int = 3, *, padding: int = 0) -> None:
    """Store such a fleet in *data*, as a coordinator that ended in order."""
    with closing(Store.in_directory(data)) as store:
        store.begin_term(0)
        store.commit(changes_of_a_fleet(tasks, padding=padding))
