"""Filling a fresh state with what the store remembers."""

from coordinator.core.agents import Agent
from coordinator.core.assignments import lease_terms
from coordinator.core.effects import Effect
from coordinator.core.records import agent_from, ledger_from, remember_mark, task_from
from coordinator.core.recovery import restore
from coordinator.core.state import State
from coordinator.core.tasks import Task
from coordinator.shell.clock import Clock
from coordinator.shell.store import Memory, StoreDamaged
from coordinator.shell.store.unreadable import NONSENSE
from protocol.vocabulary import Priority, TaskStatus


def longest_lease_ms(state: State) -> int:
    """Return how long whoever holds work may go on with it, unheard."""
    intervals = [agent.interval_ms for agent in state.agents.values()]
    return max(
        sum(lease_terms(state.policy, interval_ms))
        for interval_ms in [*intervals, state.policy.unlisted.heartbeat_ms]
    )


def remember(state: State, memory: Memory, clock: Clock) -> list[Effect]:
    """Fill a fresh *state* with *memory*, and start to recover.

    Raises :class:`StoreDamaged` if a record makes no sense.
    """
    try:
        agents, tasks = _read(state, memory)
    except NONSENSE as error:
        what = f"{type(error).__name__}: {error}"
        raise StoreDamaged(f"a record of the store makes no sense ({what})") from error
    return restore(state, agents, tasks, clock.now())


def _read(state: State, memory: Memory) -> tuple[list[Agent], list[Task]]:
    agents = {record["name"]: agent_from(record, state.policy) for record in memory.agents}
    for name, boot, record in memory.ledgers:
        if name in agents:
            agents[name].ledgers[boot] = ledger_from(record)
    for name in state.policy.agents:
        if name not in agents:
            agents[name] = state.agent(name)
    for kind, key, record in memory.marks:
        remember_mark(state, kind, key, record)
    for status, priority, mode, count in memory.tally:
        state.tally[TaskStatus(status), Priority(priority), mode] = count
    return list(agents.values()), [task_from(record) for record in memory.tasks]
