"""Heartbeats: signs of life, renewals of leases, and the agent's own list of what it holds."""

from typing import Final

from coordinator.core.agents import Agent
from coordinator.core.assignments import end_attempt
from coordinator.core.charging import charge
from coordinator.core.effects import SaveTask, SayDesired, SayLease
from coordinator.core.losses import lost_attempt
from coordinator.core.presence import GONE, came_back, current_boot, release_predecessor, watch_anew
from coordinator.core.standing import refresh
from coordinator.core.tasks import Phase, Task
from coordinator.core.turn import Turn
from protocol.messages import Heartbeat, Holding, Metrics
from protocol.vocabulary import HoldingPhase, PresenceState, Want

STALE_AFTER: Final = 3
"""After so many heartbeats without a new number, the old ones mean nothing."""
STALE_MIN_MS: Final = 5_000
"""Agents measure at most once a second, however fast their heart beats."""

_EXECUTING: Final = frozenset({HoldingPhase.RUNNING, HoldingPhase.PAUSED})


def on_heartbeat(turn: Turn, said: Heartbeat, *, retained: bool) -> None:
    """Renew what the agent holds, take back what it has lost, and answer."""
    agent = current_boot(turn, said)
    if agent is None or retained:
        return
    if said.seq <= agent.seq:
        turn.drop("old_heartbeat")
        return
    first = agent.heard_ms is None
    was_away = first or agent.suspect or agent.lost
    agent.seq, agent.conn = said.seq, max(agent.conn, said.conn)
    agent.heard_ms = turn.now.mono_ms
    agent.last_heartbeat_wall_ms = turn.now.wall_ms
    agent.interval_ms = int(said.interval_s * 1000)
    agent.seen = (said.seen.term, said.seen.rev)
    if said.mode != agent.mode:
        agent.mode = said.mode
        turn.show(agent)
    if agent.suspect or agent.lost:
        came_back(turn, agent)
    elif first and agent.presence in GONE:
        # What was remembered of it is out of date, and what would correct it may be lost.
        agent.presence = PresenceState.ONLINE
        turn.show(agent)
    watch_anew(turn, agent)
    _notice_stale_metrics(turn, agent)
    turn.state.unheard.pop(said.boot, None)
    granted = _renew(turn, agent, said) if agent.held else ()
    if agent.held:
        release_predecessor(turn, agent, said)
    if first:
        turn.restate(agent)
        turn.show(agent)
    if _notice_deafness(turn, agent) or was_away:
        refresh(turn, agent)
    turn.do(SayLease(agent.name, said.boot, said.seq, agent.rev, granted, agent.acks()))


def _renew(turn: Turn, agent: Agent, said: Heartbeat) -> tuple[tuple[str, int], ...]:
    listed = {(holding.task, holding.fence): holding for holding in said.holding}
    granted: list[tuple[str, int]] = []
    for task in list(agent.held.values()):
        attempt = task.attempt
        if attempt is None or attempt.boot != said.boot:
            continue
        holding = listed.get((task.id, attempt.fence))
        if holding is not None:
            attempt.missing = 0
            if holding.phase is HoldingPhase.REPORTING:
                continue
            attempt.renew(turn.now.mono_ms)
            granted.append((task.id, attempt.fence))
            _learn(turn, task, holding)
        elif agent.seen >= attempt.born:
            attempt.missing += 1
            if attempt.missing >= 2:  # noqa: PLR2004 -- "two newest heartbeats", PROTOCOL Leases
                end_attempt(turn, task, "lost_by_agent")
                lost_attempt(turn, task, "the agent does not hold it any more")
    return tuple(granted)


def _learn(turn: Turn, task: Task, holding: Holding) -> None:
    """Believe the agent's list about how far a task is: a report may be late or lost."""
    if holding.pct is not None:
        task.pct = holding.pct
    if holding.step is not None:
        task.step = holding.step
    if holding.phase in _EXECUTING and task.phase in {Phase.OFFERED, Phase.UNKNOWN}:
        mark_started(turn, task)
        turn.move(task, _phase_of(task, holding))
    elif task.phase is Phase.UNKNOWN:
        turn.move(task, _phase_of(task, holding))


def _phase_of(task: Task, holding: Holding) -> Phase:
    """Say how far *task* is, by what is wanted of it and what its agent does with it."""
    if task.want is Want.CANCEL:
        return Phase.CANCELLING
    if task.want is Want.PAUSE:
        rests = holding.phase is HoldingPhase.PAUSED
        return Phase.PAUSED_RUNNING if rests else Phase.PAUSING
    return Phase.RUNNING if holding.phase in _EXECUTING else Phase.OFFERED


def mark_started(turn: Turn, task: Task, ran_ms: int = 0) -> None:
    """Note that the present attempt of *task* runs, and has for *ran_ms*."""
    attempt = task.attempt
    if attempt is not None and attempt.started_ms is None:
        attempt.started_ms = turn.now.wall_ms - ran_ms
        if task.started_ms is None:
            task.started_ms = attempt.started_ms
        turn.do(SaveTask(task.id))
        charge(turn, task, attempt, count="started")


def _notice_deafness(turn: Turn, agent: Agent) -> bool:
    """Repeat, byte for byte, what *agent* has not applied yet.

    Say whether its being behind may have changed what it can be given.
    """
    desired = agent.desired
    was_behind = agent.behind_since_ms is not None
    if desired is None or agent.seen >= (turn.state.term, desired.rev):
        agent.behind_since_ms = None
        return was_behind
    if agent.behind_since_ms is None:
        agent.behind_since_ms = turn.now.mono_ms
    if agent.name not in turn.restated:
        turn.do(SayDesired(desired))
    return True


def _notice_stale_metrics(turn: Turn, agent: Agent) -> None:
    """Know nothing of an agent's health when its numbers are older than three heartbeats."""
    measured_ms = agent.measured_ms
    stale_ms = max(STALE_AFTER * agent.interval_ms, STALE_MIN_MS)
    if measured_ms is None or turn.now.mono_ms - measured_ms <= stale_ms:
        return
    agent.measured_ms = None
    if agent.health.forget():
        turn.tell("health", agent.name, f"{agent.name} sends no metrics any more")
        turn.show(agent)
        refresh(turn, agent)


def on_metrics(turn: Turn, said: Metrics, *, retained: bool) -> None:
    """Judge an agent's health by its latest numbers."""
    agent = current_boot(turn, said)
    if agent is None or said.seq <= agent.metrics_seq:
        return
    agent.metrics_seq = said.seq
    agent.metrics = said.m
    if retained:
        return
    agent.measured_ms = turn.now.mono_ms
    before = agent.tier
    if agent.health.sample(agent.policy.thresholds, said.m):
        if agent.tier is not before:
            because = ": " + "; ".join(agent.health.reasons) if agent.health.reasons else ""
            turn.tell("health", agent.name, f"{agent.name} is {agent.tier.value}{because}")
            refresh(turn, agent)
        turn.show(agent)
