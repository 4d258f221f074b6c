"""Broken rules: each mutant takes one rule out of the production code, and must be caught.

A mutant replaces named functions or attributes while a world runs. The few that break a rule of a
shell (``publish_before_commit`` and others) are looked up by the simulated shell by their name.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final
from unittest import mock

from agent_client.core import events
from agent_client.core.fence import Fence
from agent_client.core.identity import Identity, Verdict
from agent_client.core.job import Job
from agent_client.core.lease_clock import LeaseClock
from agent_client.core.machine import Machine
from agent_client.core.outbox import Outbox
from agent_client.core.outcomes import GaveWay
from agent_client.core.work import Work
from agent_client.messages import Desired as HeardDesired
from agent_client.messages import Lease as HeardLease
from agent_client.messages import Presence as OwnPresence
from agent_client.run import Run
from coordinator.core import (
    assignments,
    caps,
    clockwork,
    heartbeats,
    presence,
    recovery,
    reports,
    requests,
    step,
)
from coordinator.core.agents import Agent
from coordinator.core.assignments import end_attempt, lease_terms
from coordinator.core.cancelling import cancel
from coordinator.core.effects import SaveLedger, SaveMark, SaveTask
from coordinator.core.gates import CountedGate
from coordinator.core.hosts import hearing
from coordinator.core.losses import lost_attempt
from coordinator.core.tasks import Attempt, Phase, Task
from coordinator.core.timers import Due
from coordinator.core.turn import Turn
from coordinator.core.waiting import wait
from coordinator.shell import batch
from protocol.messages import Heartbeat, Presence, Report
from protocol.vocabulary import (
    OnLeaseLost,
    PresenceState,
    ReportEvent,
)
from tests.simulation.words import make

Patch = tuple[Any, str, Any]


def _never(*_args: object) -> None:
    return None


def _nothing(*_args: object, **_more: object) -> None:
    return None


def _false(*_args: object) -> bool:
    return False


def _altered(message: Any, **fields: Any) -> Any:
    return make(type(message), **{**message.__dict__, **fields})


# --- the agent


def _nofence() -> list[Patch]:
    return [
        (Run, "obeys_deadline", property(lambda _run: False)),
        (Job, "obeys_deadline", property(lambda _job: False)),
    ]


def _grace_after_deadline() -> list[Patch]:
    def late(run: Run) -> int | None:
        if not run.obeys_deadline:
            return None
        grace_ms = int(run.assignment.cancel_grace_s * 1000)
        return run.deadline_ms + grace_ms - run._clock.now_ms()

    def stop_in(run: Run) -> int | None:
        return run.deadline_ms - run._clock.now_ms() if run.obeys_deadline else None

    def stop(work: Work, job: Job, why: Any, now: int) -> None:
        before, job.deadline_ms = job.deadline_ms, None
        _stop(work, job, why, now)
        job.deadline_ms = before

    return [
        (Run, "kill_in_ms", late),
        (Run, "stop_in_ms", stop_in),
        (Job, "stop_due", lambda _job: None),
        (Work, "stop", stop),
    ]


_stop = Work.stop
_begin = Run.begin


def _check_then_start() -> list[Patch]:
    def begin(run: Run) -> bool:
        run.deadline_ms, before = 2**60, run.deadline_ms
        begins = _begin(run)
        run.deadline_ms = before
        return begins

    return [(Run, "begin", begin)]


def _abandon_before_stop() -> list[Patch]:
    def stop(work: Work, job: Job, why: Any, now: int) -> None:
        _stop(work, job, why, now)
        if job.fence in work.jobs:
            work.ended(job.fence, GaveWay(), now)

    return [(Work, "stop", stop)]


def _deadline_from_receipt() -> list[Patch]:
    def grant(work: Work, job: Job, as_of: int, now: int) -> None:
        assignment = job.assignment
        deadline = now + int((assignment.lease_s - assignment.margin_s) * 1000)
        with mock.patch.object(LeaseClock, "deadline", return_value=deadline):
            _grant(work, job, as_of, now)

    return [(Work, "grant", grant)]


_grant = Work.grant
_reconcile = Work.reconcile
_on_lease = Machine._on_lease
_on_desired = Machine._on_desired


def _grant_without_as_of() -> list[Patch]:
    def reconcile(work: Work, wanted: Any, as_of: int, now: int, **more: Any) -> None:
        sent, work._leases._sent_ms = work._leases._sent_ms, {as_of: now}
        _reconcile(work, wanted, as_of, now, **more)
        work._leases._sent_ms = sent

    return [(Work, "reconcile", reconcile)]


def _lease_extends_all() -> list[Patch]:
    def on_lease(machine: Machine, lease: HeardLease, now: int) -> None:
        _on_lease(machine, lease, now)
        if lease.boot == machine.settings.boot:
            for job in list(machine.work.jobs.values()):
                machine.work.grant(job, lease.as_of, now)

    return [(Machine, "_on_lease", on_lease)]


def _no_for_boot() -> list[Patch]:
    def on_desired(machine: Machine, desired: HeardDesired, now: int) -> None:
        _on_desired(machine, _altered(desired, for_boot=machine.settings.boot), now)

    return [(Machine, "_on_desired", on_desired)]


def _any_rev() -> list[Patch]:
    def on_desired(machine: Machine, desired: HeardDesired, now: int) -> None:
        newest, machine.seen = machine.seen, (0, 0)
        for assigned in desired.tasks:
            if Fence(assigned.task, assigned.fence) not in machine.work.jobs:
                machine.work._highest.pop(assigned.task, None)
        _on_desired(machine, desired, now)
        machine.seen = max(newest, machine.seen)

    return [(Machine, "_on_desired", on_desired)]


def _done_not_listed() -> list[Patch]:
    return [(Outbox, "ended", lambda _outbox: ())]


def _unlisted_goes_on() -> list[Patch]:
    def reconcile(work: Work, wanted: Any, as_of: int, now: int, **more: Any) -> None:
        kept = dict(work.jobs)
        listed = {Fence(a.task, a.fence) for a in wanted}
        for fence in [fence for fence in work.jobs if fence not in listed]:
            del work.jobs[fence]
        _reconcile(work, wanted, as_of, now, **more)
        work.jobs.update({fence: job for fence, job in kept.items() if fence not in listed})

    return [(Work, "reconcile", reconcile)]


def _reports_said_once() -> list[Patch]:
    return [(Outbox, "to_resend", lambda _outbox, _now, **_more: ())]


_on_presence = Identity.on_presence


def _superseded_goes_on() -> list[Patch]:
    def on_presence(identity: Identity, said: OwnPresence) -> Verdict:
        verdict = _on_presence(identity, said)
        return Verdict.NOTHING if verdict is Verdict.SUPERSEDED else verdict

    return [(Identity, "on_presence", on_presence)]


def _no_self_heal() -> list[Patch]:
    def on_presence(identity: Identity, said: OwnPresence) -> Verdict:
        verdict = _on_presence(identity, said)
        return Verdict.NOTHING if verdict is Verdict.RESTATE else verdict

    return [(Identity, "on_presence", on_presence)]


def _never_reconnects() -> list[Patch]:
    take = Machine._take

    def forgetful(machine: Machine, event: events.Event, now: int) -> None:
        take(machine, event, now)
        machine._unanswered = 0

    return [(Machine, "_take", forgetful)]


def _epoch_of_the_wall_clock() -> list[Patch]:
    def choose(identity: Identity) -> bool:
        identity.epoch = identity.will_epoch
        return True

    def connecting(identity: Identity, wall_ms: int) -> None:
        identity.conn += 1
        identity.will_epoch = wall_ms if identity.epoch is None else identity.epoch

    return [(Identity, "choose_epoch", choose), (Identity, "connecting", connecting)]


# --- the coordinator: leases


def _lose(turn: Turn, task: Task, outcome: str) -> None:
    end_attempt(turn, task, outcome)
    lost_attempt(turn, task, "a mutant")


def _will_frees() -> list[Patch]:
    on_presence = presence.on_presence

    def on(turn: Turn, said: Presence, *, retained: bool) -> None:
        on_presence(turn, said, retained=retained)
        agent = turn.state.agent(said.agent)
        if said.state is PresenceState.LOST and not retained and said.conn >= agent.conn:
            for task in list(agent.held.values()):
                if task.attempt is not None and task.attempt.boot == said.boot:
                    _lose(turn, task, "released")

    return [(step, "on_presence", on)]


def _cancel_frees() -> list[Patch]:
    def freeing(turn: Turn, task: Task) -> None:
        cancel(turn, task)
        if task.attempt is not None:
            _lose(turn, task, "released")

    return [(requests, "cancel", freeing)]


def _offer_timeout_frees() -> list[Patch]:
    def on_heartbeat(turn: Turn, said: Heartbeat, *, retained: bool) -> None:
        _on_heartbeat(turn, said, retained=retained)
        patience_ms = turn.state.policy.lease.offer_timeout_ms
        listed = {(holding.task, holding.fence) for holding in said.holding}
        for task in list(turn.state.agent(said.agent).held.values()):
            attempt = task.attempt
            if attempt is None or task.phase is not Phase.OFFERED:
                continue
            late = turn.now.wall_ms - attempt.offered_ms > patience_ms
            if late and (task.id, attempt.fence) not in listed:
                _lose(turn, task, "released")

    return [(step, "on_heartbeat", on_heartbeat)]


_on_heartbeat = heartbeats.on_heartbeat


def _finish_expires() -> list[Patch]:
    def on_lease_end(turn: Turn, name: str) -> None:
        task = turn.state.tasks.get(name)
        if task is not None and task.attempt is not None:
            if turn.now.mono_ms <= task.attempt.expires_ms:
                turn.state.timers.at_mono(task.attempt.expires_ms + 1, Due.EXPIRY, name)
            else:
                _lose(turn, task, "lease_expired")

    return [(clockwork, "_on_lease_end", on_lease_end)]


def _prev_boot_frees_all() -> list[Patch]:
    def release(turn: Turn, agent: Agent, said: Heartbeat) -> None:
        listed = {(holding.task, holding.fence) for holding in said.holding}
        for task in list(agent.held.values()) if agent.prev_boot is not None else []:
            attempt = task.attempt
            if attempt is None or attempt.boot == agent.boot:
                continue
            if (task.id, attempt.fence) not in listed:
                _lose(turn, task, "released")

    return [(heartbeats, "release_predecessor", release)]


def _new_boot_frees_all() -> list[Patch]:
    def release(turn: Turn, agent: Agent, said: Heartbeat) -> None:
        for task in list(agent.held.values()):
            if task.attempt is not None and task.attempt.boot != agent.boot:
                _lose(turn, task, "released")

    return [(heartbeats, "release_predecessor", release)]


def _proof_frees_all() -> list[Patch]:
    def take(turn: Turn, agent: Agent, _boot: str) -> None:
        for task in list(agent.held.values()):
            _lose(turn, task, "released")

    return [(hearing, "take_proof", take)]


def _predecessor_reports_are_wasted() -> list[Patch]:
    release_predecessor = presence.release_predecessor

    def release(turn: Turn, agent: Agent, said: Heartbeat) -> None:
        release_predecessor(turn, agent, _altered(said, holding=()))

    return [(heartbeats, "release_predecessor", release)]


def _desired_outlives_boot() -> list[Patch]:
    def settle(turn: Turn) -> None:
        for agent in turn.restated.values():
            for task in agent.held.values():
                if task.attempt is not None and agent.boot is not None:
                    task.attempt.boot = agent.boot
        assignments.settle_desired(turn)

    return [(step, "settle_desired", settle)]


def _release_without_rev_check(needed: int) -> list[Patch]:
    renew = heartbeats._renew

    def forgetting(turn: Turn, agent: Agent, said: Heartbeat) -> Any:
        listed = {(holding.task, holding.fence) for holding in said.holding}
        for task in list(agent.held.values()):
            attempt = task.attempt
            if attempt is None or attempt.boot != said.boot:
                continue
            if (task.id, attempt.fence) not in listed:
                attempt.missing += agent.seen < attempt.born
                if attempt.missing + (agent.seen >= attempt.born) >= needed:
                    _lose(turn, task, "lost_by_agent")
        return renew(turn, agent, said)

    return [(heartbeats, "_renew", forgetting)]


def _coordinator_expiry_from_assign_time() -> list[Patch]:
    assign = assignments.assign

    def assigning(turn: Turn, task: Task, agent: Agent) -> None:
        assign(turn, task, agent)
        if task.attempt is not None:
            attempt = task.attempt
            attempt.expires_ms = turn.now.mono_ms + attempt.lease_ms + attempt.margin_ms

    from coordinator.core import dispatch

    return [(dispatch, "assign", assigning), (Attempt, "renew", _never)]


def _as_of_without_renewal() -> list[Patch]:
    def settle(turn: Turn) -> None:
        with mock.patch.object(Attempt, "renew", _never):
            assignments.settle_desired(turn)

    return [(step, "settle_desired", settle)]


def _sweep_reads_expiry_once() -> list[Patch]:
    # Here there is no sweep, but one timer for each attempt: it must look again when it fires.
    def on_lease_end(turn: Turn, name: str) -> None:
        task = turn.state.tasks.get(name)
        if task is None or task.attempt is None or task.on_lease_lost is OnLeaseLost.FINISH:
            return
        _lose(turn, task, "lease_expired")

    return [(clockwork, "_on_lease_end", on_lease_end)]


def _lease_of_the_plan() -> list[Patch]:
    current: dict[str, int] = {}

    def terms(policy: Any, interval_ms: int) -> tuple[int, int]:
        current["lease_ms"], margin_ms = lease_terms(policy, interval_ms)
        return current["lease_ms"], margin_ms

    def on_heartbeat(turn: Turn, said: Heartbeat, *, retained: bool) -> None:
        terms(turn.state.policy, int(said.interval_s * 1000))
        _on_heartbeat(turn, said, retained=retained)

    def renew(attempt: Attempt, heard_ms: int) -> None:
        lease_ms = current.get("lease_ms", attempt.lease_ms)
        attempt.expires_ms = max(attempt.expires_ms, heard_ms + lease_ms + attempt.margin_ms)

    return [(step, "on_heartbeat", on_heartbeat), (Attempt, "renew", renew)]


def _desired_sent_once() -> list[Patch]:
    return [(heartbeats, "_notice_deafness", lambda _turn, _agent: False)]


def _expiry_moves_back() -> list[Patch]:
    def renew(attempt: Attempt, heard_ms: int) -> None:
        attempt.expires_ms = heard_ms + attempt.lease_ms - 4 * attempt.margin_ms

    return [(Attempt, "renew", renew)]


# --- the coordinator: recovery


def _forget_on_restart() -> list[Patch]:
    def hold_again(turn: Turn, task: Task) -> int:
        task.attempt = None
        wait(turn, task)
        return turn.now.mono_ms

    return [(recovery, "_hold_again", hold_again)]


def _offers_while_recovering() -> list[Patch]:
    def finish(turn: Turn) -> None:
        turn.state.unheard.clear()
        recovery.finish_if_recovered(turn)

    return [(step, "finish_if_recovered", finish)]


def _short_lease_after_restart() -> list[Patch]:
    hold_again = recovery._hold_again

    def hold(turn: Turn, task: Task) -> int:
        hold_again(turn, task)
        if task.attempt is None:
            return turn.now.mono_ms
        task.attempt.expires_ms = turn.now.mono_ms + task.attempt.lease_ms // 4
        turn.state.timers.at_mono(task.attempt.expires_ms + 1, Due.EXPIRY, task.id)
        return task.attempt.expires_ms

    return [(recovery, "_hold_again", hold)]


def _restored_without_places() -> list[Patch]:
    return [(recovery, "take_places", _never)]


def _restored_without_timer() -> list[Patch]:
    hold_again = recovery._hold_again

    def hold(turn: Turn, task: Task) -> int:
        mono, turn.state.timers._mono = turn.state.timers._mono, []
        until_ms = hold_again(turn, task)
        turn.state.timers._mono = mono
        return until_ms

    return [(recovery, "_hold_again", hold)]


def _stall_is_nobodys_fault() -> list[Patch]:
    return [(step, "on_stalled", lambda _turn, _ms: None)]


def _remembered_heartbeats_count() -> list[Patch]:
    def on_heartbeat(turn: Turn, said: Heartbeat, *, retained: bool) -> None:
        _on_heartbeat(turn, said, retained=False)

    return [(step, "on_heartbeat", on_heartbeat)]


def _expiry_forgotten_at_restart() -> list[Patch]:
    restore = recovery.restore

    def forgetting(state: Any, agents: Any, tasks: Any, now: Any) -> Any:
        effects = restore(state, agents, tasks, now)
        wall = [timer for timer in state.timers._wall if timer[2] is not Due.TASK_EXPIRY]
        state.timers._wall = wall
        return effects

    from coordinator.shell import recollection

    return [(recollection, "restore", forgetting)]


# --- the coordinator: reports, caps, batches


def _ack_highest() -> list[Patch]:
    def acks(agent: Agent) -> dict[str, int]:
        return {
            boot: max({ledger.ack, *ledger.beyond})
            for boot, ledger in agent.ledgers.items()
            if ledger.ack or ledger.beyond
        }

    return [(Agent, "acks", acks)]


def _ack_own_boot_only() -> list[Patch]:
    def acks(agent: Agent) -> dict[str, int]:
        return {
            boot: ledger.ack
            for boot, ledger in agent.ledgers.items()
            if ledger.ack and boot == agent.boot
        }

    return [(Agent, "acks", acks)]


def _any_fence_completes() -> list[Patch]:
    apply = reports._apply

    def applying(turn: Turn, agent: Agent, said: Report) -> None:
        task = turn.state.tasks.get(said.task)
        if task is not None and said.event is ReportEvent.SUCCEEDED and not task.is_over:
            said = _altered(said, fence=task.fence)
            agent = turn.state.agent(task.fenced_to or agent.name)
        apply(turn, agent, said)

    return [(reports, "_apply", applying)]


def _without(kind: type[Any]) -> Callable[[], list[Patch]]:
    """Make a batch that forgets effects of *kind*."""

    def patches() -> list[Patch]:
        add = batch.Batch.add

        def adding(self: batch.Batch, effects: list[Any]) -> None:
            add(self, [effect for effect in effects if not isinstance(effect, kind)])

        return [(batch.Batch, "add", adding)]

    return patches


def _late_success_is_lost() -> list[Patch]:
    return [(reports, "_succeeded", lambda turn, task, _said: wait(turn, task))]


def _cap_not_reserved() -> list[Patch]:
    return [(caps.CapGate, "used", property(lambda gate: gate.usage.amount))]


def _cap_given_back_in_doubt() -> list[Patch]:
    return [(assignments, "_MAY_HAVE_BEGUN", frozenset[str]())]


def _cap_never_charged() -> list[Patch]:
    users = (heartbeats, reports, caps, assignments)
    return [(user, "charge", _nothing) for user in users if hasattr(user, "charge")]


def _permit_given_back_twice() -> list[Patch]:
    def release(gate: CountedGate, task: str) -> bool:
        gate.holders.pop(task, None)
        if gate.holders:
            gate.holders.pop(next(iter(gate.holders)))
        return gate.turn(is_open=gate.has_room())

    return [(CountedGate, "release", release)]


def _permit_never_given_back() -> list[Patch]:
    def end(turn: Turn, task: Task, outcome: str) -> Attempt:
        permits, task.permits = task.permits, ()
        attempt = end_attempt(turn, task, outcome)
        del permits
        return attempt

    return [(reports, "end_attempt", end)]


def _merged_lease_forgets_grants() -> list[Patch]:
    def add(self: batch.Batch, agent: str, lease: Any) -> None:
        self.leases[agent] = lease._replace(granted=())

    return [(batch.Batch, "_add_lease", add)]


def _paused_work_is_free() -> list[Patch]:
    def pausing(turn: Turn, task: Task) -> None:
        _pause(turn, task)
        if task.attempt is not None:
            for gate in task.permits:
                if gate.release(task.id):
                    turn.state.wake_behind(gate)
            task.permits = ()

    return [(requests, "pause", pausing)]


_pause = requests.pause


_PATCHES: Final[dict[str, Callable[[], list[Patch]]]] = {
    "nofence": _nofence,
    "grace_after_deadline": _grace_after_deadline,
    "check_then_start": _check_then_start,
    "abandon_before_stop": _abandon_before_stop,
    "deadline_from_receipt": _deadline_from_receipt,
    "grant_without_as_of": _grant_without_as_of,
    "lease_extends_all": _lease_extends_all,
    "no_for_boot": _no_for_boot,
    "any_rev": _any_rev,
    "will_frees": _will_frees,
    "cancel_frees": _cancel_frees,
    "offer_timeout_frees": _offer_timeout_frees,
    "finish_expires": _finish_expires,
    "prev_boot_frees_all": _prev_boot_frees_all,
    "desired_outlives_boot": _desired_outlives_boot,
    "holdings_release_without_rev_check": lambda: _release_without_rev_check(2),
    "holdings_release_after_one_heartbeat_without_rev_check": lambda: _release_without_rev_check(1),
    "done_not_listed": _done_not_listed,
    "coordinator_expiry_from_assign_time": _coordinator_expiry_from_assign_time,
    "as_of_without_renewal": _as_of_without_renewal,
    "sweep_reads_expiry_once": _sweep_reads_expiry_once,
    "lease_of_the_plan": _lease_of_the_plan,
    "forget_on_restart": _forget_on_restart,
    "ack_highest": _ack_highest,
    "ack_own_boot_only": _ack_own_boot_only,
    "any_fence_completes": _any_fence_completes,
    "desired_sent_once": _desired_sent_once,
    # Beyond those of the protocol's first model.
    "unlisted_goes_on": _unlisted_goes_on,
    "reports_said_once": _reports_said_once,
    "superseded_goes_on": _superseded_goes_on,
    "no_self_heal": _no_self_heal,
    "never_reconnects": _never_reconnects,
    "epoch_of_the_wall_clock": _epoch_of_the_wall_clock,
    "new_boot_frees_all": _new_boot_frees_all,
    "predecessor_reports_are_wasted": _predecessor_reports_are_wasted,
    "expiry_moves_back": _expiry_moves_back,
    "offers_while_recovering": _offers_while_recovering,
    "short_lease_after_restart": _short_lease_after_restart,
    "restored_without_places": _restored_without_places,
    "restored_without_timer": _restored_without_timer,
    "stall_is_nobodys_fault": _stall_is_nobodys_fault,
    "remembered_heartbeats_count": _remembered_heartbeats_count,
    "expiry_forgotten_at_restart": _expiry_forgotten_at_restart,
    "batch_forgets_tasks": _without(SaveTask),
    "batch_forgets_ledgers": _without(SaveLedger),
    "batch_forgets_marks": _without(SaveMark),
    "late_success_is_lost": _late_success_is_lost,
    "cap_not_reserved": _cap_not_reserved,
    "cap_given_back_in_doubt": _cap_given_back_in_doubt,
    "cap_never_charged": _cap_never_charged,
    "permit_given_back_twice": _permit_given_back_twice,
    "permit_never_given_back": _permit_never_given_back,
    "merged_lease_forgets_grants": _merged_lease_forgets_grants,
    "paused_work_is_free": _paused_work_is_free,
    "proof_frees_all": _proof_frees_all,
}
OF_THE_SHELL: Final = (
    "wrong_proof",
    "guard_in_loop",
    "clock_stops_in_suspend",
    "margin_below_drift",
    "old_coordinator_answers",
    "publish_before_commit",
    "answer_before_commit",
)
MUTANTS: Final = (*_PATCHES, *OF_THE_SHELL)


@contextlib.contextmanager
def applied(name: str) -> Iterator[None]:
    """Break the rule *name* while the context lasts; an empty name breaks nothing."""
    if name and name not in MUTANTS:
        raise ValueError(f"mutant {name!r} is not one of {', '.join(MUTANTS)}")
    with contextlib.ExitStack() as stack:
        for target, attribute, value in _PATCHES.get(name, list)():
            stack.enter_context(mock.patch.object(target, attribute, value))
        yield
