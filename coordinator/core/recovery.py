"""Starting again: what was lent stays lent until its holder is heard or its lease is over.

Monotonic clocks do not survive a restart, so every open attempt gets its whole lease once more.
Until all holders were heard, or could not be alive, nothing is offered.
"""

from collections.abc import Iterable
from typing import Final

from coordinator.core.agents import Agent
from coordinator.core.assignments import end_attempt
from coordinator.core.cooldowns import narrow
from coordinator.core.effects import CallRoll, Effect, SayState
from coordinator.core.instant import Instant
from coordinator.core.plans import take_places
from coordinator.core.pools.scaling import take_pools
from coordinator.core.recurrence.runs import take_schedules
from coordinator.core.state import State
from coordinator.core.tasks import Phase, Task
from coordinator.core.timers import Due
from coordinator.core.turn import Turn
from coordinator.core.waiting import end, try_again, wait
from protocol.vocabulary import CoordinatorState, TaskStatus, Want

UNKNOWN_HOLDER: Final = "unknown"
"""Stands among the boots that were not heard for one that nobody knows."""


def restore(
    state: State, agents: Iterable[Agent], tasks: Iterable[Task], now: Instant
) -> list[Effect]:
    """Fill a fresh *state* with what the store remembers, and start to recover.

    Ended tasks may be among *tasks*; they stay known for a while. ``state.tally`` already counts
    them all.
    """
    turn = Turn(state, now)
    for agent in agents:
        state.agents[agent.name] = agent
        for cooldown in agent.cooldowns.values():
            state.timers.at_wall(cooldown.until_ms, Due.AGENT, agent.name)
    for key, closure in state.closures.items():
        state.timers.at_wall(closure.until_ms, Due.GATE, key)
    for key, hold in state.holds.items():
        state.timers.at_wall(hold.until_ms, Due.GATE, key)
    narrow(state, now.wall_ms)
    for key, cooldown in state.type_cooldowns.items():
        state.timers.at_wall(cooldown.until_ms, Due.GATE, key)
    latest_ms = now.mono_ms
    known = sorted(tasks, key=lambda task: (task.enqueued_ms, task.id))
    state.tasks.update((task.id, task) for task in known)  # tasks may wait for younger ones
    for task in known:
        if task.expires_ms is not None and not task.is_over:
            state.timers.at_wall(task.expires_ms, Due.TASK_EXPIRY, task.id)
        if task.is_over:
            _show_for_its_time(turn, task)
        elif task.attempt is not None:
            latest_ms = max(latest_ms, _hold_again(turn, task))
        elif task.phase in {Phase.READY, Phase.SCHEDULED, Phase.DEPENDENT}:
            wait(turn, task)
    state.timers.at_mono(latest_ms + 1, Due.RECOVERED)
    state.recovered_by_ms = latest_ms
    take_schedules(turn)
    take_pools(turn)
    turn.do(SayState())
    turn.do(CallRoll())
    return turn.effects


def _show_for_its_time(turn: Turn, task: Task) -> None:
    """Keep an ended task known, and its topic for what is left of its time."""
    state = turn.state
    state.ended[task.id] = None
    state.shown_ended[task.id] = None
    since_ms = turn.now.wall_ms - (task.completed_ms or 0)
    left_ms = max(0, state.policy.task_ttl_ms - since_ms)
    state.timers.at_mono(turn.now.mono_ms + left_ms, Due.HIDE, task.id)


def _hold_again(turn: Turn, task: Task) -> int:
    attempt = task.attempt
    if attempt is None:
        raise ValueError(task.id)
    state = turn.state
    attempt.expires_ms = turn.now.mono_ms + attempt.lease_ms + attempt.margin_ms
    agent = state.agent(attempt.agent)
    agent.held[task.id] = task
    take_places(state, task, turn.now.wall_ms)
    if task.phase in {Phase.OFFERED, Phase.RUNNING}:
        turn.move(task, Phase.UNKNOWN)
    state.unheard[attempt.boot] = agent.name
    state.timers.at_mono(attempt.expires_ms + 1, Due.EXPIRY, task.id)
    return attempt.expires_ms


def finish_if_recovered(turn: Turn) -> None:
    """Begin to offer once every holder was heard or cannot be alive any more."""
    state = turn.state
    if state.unheard and turn.now.mono_ms <= state.recovered_by_ms:
        return
    state.unheard.clear()
    state.phase = CoordinatorState.ONLINE
    turn.do(SayState())
    for agent_class in state.classes.values():
        if agent_class.free:
            state.awake[agent_class.board] = None
    for agent in state.agents.values():
        if agent.is_free:
            state.awake[agent.own_board] = None


def on_restored(turn: Turn, quiet_ms: int) -> None:
    """Believe no attempt of a store that was put back, and offer nothing for *quiet_ms*.

    Its agents may hold other tasks by now, and its tasks may be held by other agents; they all are
    told to stop, and those that do not hear it stop by themselves when their leases are over.
    """
    state = turn.state
    for task in [task for task in state.tasks.values() if task.attempt is not None]:
        end_attempt(turn, task, "restored")
        if task.want is Want.CANCEL:
            end(turn, task, TaskStatus.CANCELLED)
        else:
            try_again(turn, task, 0)
    state.phase = CoordinatorState.RECOVERING
    state.unheard[UNKNOWN_HOLDER] = ""
    state.recovered_by_ms = max(state.recovered_by_ms, turn.now.mono_ms + quiet_ms)
    state.timers.at_mono(state.recovered_by_ms + 1, Due.RECOVERED)


def on_stalled(turn: Turn, stalled_ms: int) -> None:
    """Add the time that the coordinator or its bus stood still to every deadline."""
    state = turn.state
    for host in state.hosts.values():
        if host.heard_ms is not None:
            host.heard_ms += stalled_ms
    for agent in state.agents.values():
        if agent.heard_ms is not None:
            agent.heard_ms += stalled_ms
        agent.awaited_ms += stalled_ms
        if agent.suspect_timer_ms is not None:
            agent.suspect_timer_ms += stalled_ms
            state.timers.put_off_silence(agent.name, agent.suspect_timer_ms)
        if agent.behind_since_ms is not None:
            agent.behind_since_ms += stalled_ms
        for task in agent.held.values():
            if task.attempt is not None:
                task.attempt.expires_ms += stalled_ms
    state.recovered_by_ms += stalled_ms
    if state.phase is CoordinatorState.RECOVERING:
        state.timers.at_mono(state.recovered_by_ms + 1, Due.RECOVERED)
