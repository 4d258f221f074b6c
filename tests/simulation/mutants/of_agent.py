"""Broken rules of an agent: its deadlines, its fences, its session and its reports."""

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
from tests.simulation.mutants.patching import Mutants, Patch, altered


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
        _on_desired(machine, altered(desired, for_boot=machine.settings.boot), now)

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


def _sent_times_pile_up() -> list[Patch]:
    acknowledge = Outbox.acknowledge

    def remembering(outbox: Outbox, acks: Any) -> Any:
        sent_ms = dict(outbox._sent_ms)
        done = acknowledge(outbox, acks)
        outbox._sent_ms.update(sent_ms)
        return done

    return [(Outbox, "acknowledge", remembering)]


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


MUTANTS: Final[Mutants] = {
    "nofence": _nofence,
    "grace_after_deadline": _grace_after_deadline,
    "check_then_start": _check_then_start,
    "abandon_before_stop": _abandon_before_stop,
    "deadline_from_receipt": _deadline_from_receipt,
    "grant_without_as_of": _grant_without_as_of,
    "lease_extends_all": _lease_extends_all,
    "no_for_boot": _no_for_boot,
    "any_rev": _any_rev,
    "done_not_listed": _done_not_listed,
    "unlisted_goes_on": _unlisted_goes_on,
    "reports_said_once": _reports_said_once,
    "sent_times_pile_up": _sent_times_pile_up,
    "superseded_goes_on": _superseded_goes_on,
    "no_self_heal": _no_self_heal,
    "never_reconnects": _never_reconnects,
    "epoch_of_the_wall_clock": _epoch_of_the_wall_clock,
}
