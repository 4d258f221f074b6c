"""A fleet with a past: a store of many attempts and a history of what kept agents idle."""

import random
from contextlib import closing
from pathlib import Path

from coordinator.core.effects import LogAttempt
from coordinator.core.policy import Policy
from coordinator.core.series import first
from coordinator.core.state import State
from coordinator.core.tasks import Attempt, Phase, Task
from coordinator.core.terms import Terms
from coordinator.shell.batch import Batch
from coordinator.shell.history.store import HistoryStore
from coordinator.shell.store import Store
from protocol.vocabulary import Priority, TaskStatus

AGENTS = ("Main", "Heals", "Crafter", "Farmer", "Scout", "Trader")
MODES = {
    "quest": 40,
    "combat": 15,
    "crafting": 25,
    "farming": 60,
    "exploration": 30,
    "trading": 10,
}
MINUTE_MS = 60_000
DAY_MS = 86_400_000


def store_a_past(data: Path, now_ms: int, *, days: int = 7, runs: int = 900) -> None:
    """Store *runs* attempts of the last *days*, and one that still runs."""
    chance = random.Random(6)
    state = State(Policy(), "c", term=1)
    batch = Batch()
    for name in AGENTS:
        state.agent(name)
        batch.agents[name] = None
    for n in range(runs):
        mode = chance.choice(list(MODES))
        agent = chance.choices(AGENTS, weights=(9, 7, 5, 8, 4, 2))[0]
        offered_ms = now_ms - days * DAY_MS + (days * DAY_MS - 4 * 3_600_000) * n // runs
        ran_ms = int(chance.lognormvariate(0, 0.6) * MODES[mode] * MINUTE_MS / 6)
        has_failed = chance.random() < (0.3 if (agent, mode) == ("Scout", "combat") else 0.05)
        wait_ms = int(chance.expovariate(1 / (4 * MINUTE_MS)))
        status = TaskStatus.FAILED if has_failed else TaskStatus.COMPLETED
        created_ms = offered_ms - wait_ms
        task = Task(
            f"t{n:04}", f"{mode} run", mode, Priority.NORMAL, Terms(), created_ms, created_ms
        )
        task.phase, task.outcome, task.fence = Phase.ENDED, status, 1
        task.started_ms, task.completed_ms = offered_ms + 500, offered_ms + 500 + ran_ms
        state.tasks[task.id] = task
        batch.tasks[task.id] = None
        outcome = "failed" if has_failed else "succeeded"
        end_ms = offered_ms + 500 + ran_ms
        batch.attempts.append(
            LogAttempt(task.id, 1, agent, outcome, offered_ms, offered_ms + 500, end_ms, ran_ms)
        )
    held = Task("t-now", "quest run", "quest", Priority.NORMAL, Terms(), now_ms, now_ms)
    held.phase, held.fence, held.fenced_to = Phase.RUNNING, 1, "Main"
    began_ms = now_ms - 10 * MINUTE_MS
    held.attempt = Attempt(1, "Main", "b" * 32, 2_000, 300, (1, 1), began_ms, 0, began_ms)
    state.tasks[held.id] = held
    batch.tasks[held.id] = None
    with closing(Store.in_directory(data)) as store:
        store.begin_term(0)
        store.commit(batch.changes(state, 1, now_ms))
    with closing(HistoryStore.in_directory(data)) as history:
        for ago in range(1, days * 96):
            at_s = now_ms // 1000 // 900 * 900 - ago * 900
            history.write(
                900,
                {
                    ("", "agents_total"): first(at_s, 6),
                    ("", "idle:AGENT_BUSY"): first(at_s, 2),
                    ("", "idle:IDLE_BLOCK"): first(at_s, 1.5),
                    ("", "idle:AGENT_OFFLINE"): first(at_s, 1),
                    ("", "idle:FAILURE_COOLDOWN"): first(at_s, 0.2),
                    ("", "idle:NO_WORK"): first(at_s, 0.7),
                },
            )
