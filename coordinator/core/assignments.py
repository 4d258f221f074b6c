"""Lending tasks to agents and getting them back.

A permit is taken when a task is assigned and given back exactly once, when its attempt ends. An
attempt ends only by a terminal report, by an expired lease, by a new boot that knows its
predecessor dead, by a host that saw its process end, or when the agent itself twice does not list
it any more.
"""

from typing import Final

from coordinator.core import cooldowns
from coordinator.core.agents import Agent, DesiredState
from coordinator.core.charging import charge, judge_anew
from coordinator.core.effects import LogAttempt, SaveMark, SaveTask, SayDesired
from coordinator.core.policy import Policy
from coordinator.core.runtimes import note_busy, note_ran
from coordinator.core.standing import refresh
from coordinator.core.tasks import Attempt, Phase, Task
from coordinator.core.timers import Due
from coordinator.core.turn import Turn
from protocol.messages import Assignment
from protocol.vocabulary import OnLeaseLost, Want

_UNBORN: Final = (0, 0)
_LEASE_PARTS: Final = 4
_DECISIVE: Final = frozenset({"succeeded", "failed"})
_MAY_HAVE_BEGUN: Final = frozenset(
    {"lease_expired", "predecessor_dead", "process_dead", "lost_by_agent", "declared_dead"}
)
"""Ends at which nobody said whether the work had begun; the cautious answer is yes."""


def lease_terms(policy: Policy, interval_ms: int) -> tuple[int, int]:
    """Return the lease and margin, in ms, for work given to an agent of this heartbeat.

    Margin, grace and the age of the newest heartbeat each take at most a quarter of the lease; so
    a quarter is left in which the work can start, however short the plan wants the lease.
    """
    lease = policy.lease
    lease_ms = max(
        lease.lease_ms, lease.min_heartbeats * interval_ms, lease.margin_ms * _LEASE_PARTS
    )
    return lease_ms, max(lease.margin_ms, int(lease_ms * lease.margin_share))


def assign(turn: Turn, task: Task, agent: Agent) -> None:
    """Lend *task*, the head of its shape, to *agent*, who is free and may take it."""
    if task.shape is None or agent.boot is None or agent.heard_ms is None:
        raise ValueError(f"{task.id} cannot be assigned to {agent.name}")
    lease_ms, margin_ms = lease_terms(turn.state.policy, agent.interval_ms)
    task.permits = task.shape.signature.counted
    task.shape.remove(task)
    for permit in task.permits:
        permit.acquire(task.id)
    task.fence += 1
    task.fenced_to = agent.name
    task.starts += 1
    task.pct, task.step = None, None
    task.attempt = Attempt(
        fence=task.fence,
        agent=agent.name,
        boot=agent.boot,
        lease_ms=lease_ms,
        margin_ms=margin_ms,
        born=_UNBORN,
        offered_ms=turn.now.wall_ms,
        expires_ms=agent.heard_ms + lease_ms + margin_ms,
    )
    note_busy(turn, agent)
    agent.held[task.id] = task
    judge_anew(turn, agent)
    cooldowns.began(turn, agent, task)
    turn.move(task, Phase.OFFERED)
    turn.state.timers.at_mono(task.attempt.expires_ms, Due.EXPIRY, task.id)
    turn.restate(agent)
    refresh(turn, agent)
    turn.show(agent)


def want_of_holder(turn: Turn, task: Task, want: Want, phase: Phase) -> None:
    """Want something else of whoever holds *task*, which is in *phase* then.

    What outlives its lease stays unknown until its holder is heard, whatever is wanted of it:
    somebody has to see that, and say that the holder is dead.
    """
    if task.attempt is None:
        raise ValueError(f"{task.id} is not assigned")
    task.want = want
    outlives_lease = task.on_lease_lost is OnLeaseLost.FINISH
    if task.phase is Phase.UNKNOWN and (outlives_lease or want is Want.RUN):
        phase = Phase.UNKNOWN
    turn.move(task, phase)
    turn.restate(turn.state.agent(task.attempt.agent))


def end_attempt(turn: Turn, task: Task, outcome: str) -> Attempt:
    """Take *task* back from its agent, with its permits; the caller says what becomes of it."""
    attempt = task.attempt
    if attempt is None:
        raise ValueError(f"{task.id} is not assigned")
    agent = turn.state.agent(attempt.agent)
    if attempt.started_ms is None and outcome in _MAY_HAVE_BEGUN:
        charge(turn, task, attempt, count="started")
    task.attempt = None
    for gate in task.permits:
        if task.id in gate.holders and gate.release(task.id):
            turn.state.wake_behind(gate)
    task.permits = ()
    del agent.held[task.id]
    judge_anew(turn, agent)
    ran_ms = note_ran(turn, agent, attempt)
    task.ran_ms += ran_ms
    cooldowns.ended(turn, agent, task, attempt, decides=outcome in _DECISIVE)
    turn.do(
        LogAttempt(
            task.id,
            attempt.fence,
            attempt.agent,
            outcome,
            attempt.offered_ms,
            attempt.started_ms,
            turn.now.wall_ms,
            ran_ms,
        )
    )
    for key in turn.state.history.observe(task.mode, agent.name, ran_ms, outcome):
        turn.do(SaveMark("history", key))
    for shape in turn.state.fitting.values():
        if shape.kind.mode == task.mode:
            turn.state.wake_for(shape)  # it may be expected to fit now
    if attempt.boot == agent.boot:
        turn.restate(agent)
    turn.state.unheard_done(agent, attempt.boot)
    refresh(turn, agent)
    turn.show(agent)
    return attempt


def settle_desired(turn: Turn) -> None:
    """Fix what each restated agent should hold; stating it renews every fence in it."""
    for agent in turn.restated.values():
        if agent.boot is None or agent.heard_ms is None:
            continue  # it is told everything with its first heartbeat of this term
        agent.rev += 1
        assignments = []
        for task in agent.held.values():
            attempt = task.attempt
            if attempt is None or attempt.boot != agent.boot:
                continue
            attempt.renew(agent.heard_ms)
            if attempt.born == _UNBORN:
                attempt.born = (turn.state.term, agent.rev)
                turn.do(SaveTask(task.id))
            if attempt.told is None or attempt.told.want is not task.want:
                attempt.told = _assignment(task, attempt)  # nothing else of it ever changes
            assignments.append(attempt.told)
        agent.desired = DesiredState(
            agent=agent.name,
            boot=agent.boot,
            rev=agent.rev,
            as_of=agent.seq,
            mode=agent.desired_mode,
            report_ack=agent.acks(),
            tasks=tuple(assignments),
        )
        turn.do(SayDesired(agent.desired))
    turn.restated.clear()


def _assignment(task: Task, attempt: Attempt) -> Assignment:
    terms = task.terms
    return Assignment.model_construct(
        task=task.id,
        name=task.name,
        mode=task.mode,
        fence=attempt.fence,
        lease_s=attempt.lease_ms / 1000,
        margin_s=attempt.margin_ms / 1000,
        want=task.want,
        args=task.args,
        run_limit_s=_seconds(terms.run_limit_ms),
        progress_limit_s=_seconds(terms.progress_limit_ms),
        cancel_grace_s=min(terms.cancel_grace_ms, attempt.lease_ms // _LEASE_PARTS) / 1000,
        on_lease_lost=terms.on_lease_lost,
        trace=task.trace,
    )


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000
