"""Broken rules of the books: reports, caps, permits, and what one batch stores and says."""

from collections.abc import Callable
from typing import Any, Final

from coordinator.core import (
    assignments,
    caps,
    heartbeats,
    reports,
    requests,
)
from coordinator.core.agents import Agent
from coordinator.core.assignments import end_attempt
from coordinator.core.effects import LogAttempt, SaveLedger, SaveMark, SaveTask
from coordinator.core.gates import CountedGate
from coordinator.core.tasks import Attempt, Task
from coordinator.core.turn import Turn
from coordinator.core.waiting import wait
from coordinator.shell import batch
from protocol.messages import Report
from protocol.vocabulary import (
    ReportEvent,
)
from tests.simulation.mutants.patching import Mutants, Patch, altered, nothing


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
            said = altered(said, fence=task.fence)
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
    return [(user, "charge", nothing) for user in users if hasattr(user, "charge")]


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


MUTANTS: Final[Mutants] = {
    "ack_highest": _ack_highest,
    "ack_own_boot_only": _ack_own_boot_only,
    "any_fence_completes": _any_fence_completes,
    "batch_forgets_tasks": _without(SaveTask),
    "batch_forgets_ledgers": _without(SaveLedger),
    "batch_forgets_marks": _without(SaveMark),
    "batch_forgets_attempts": _without(LogAttempt),
    "late_success_is_lost": _late_success_is_lost,
    "cap_not_reserved": _cap_not_reserved,
    "cap_given_back_in_doubt": _cap_given_back_in_doubt,
    "cap_never_charged": _cap_never_charged,
    "permit_given_back_twice": _permit_given_back_twice,
    "permit_never_given_back": _permit_never_given_back,
    "merged_lease_forgets_grants": _merged_lease_forgets_grants,
    "paused_work_is_free": _paused_work_is_free,
}
