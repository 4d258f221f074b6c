"""Broken rules of lending: when a lease begins, is renewed, and ends; and what ends it."""

from typing import Any, Final
from unittest import mock

from coordinator.core import (
    assignments,
    clockwork,
    dispatch,
    heartbeats,
    presence,
    requests,
    step,
)
from coordinator.core.agents import Agent
from coordinator.core.assignments import lease_terms
from coordinator.core.cancelling import cancel
from coordinator.core.hosts import hearing
from coordinator.core.tasks import Attempt, Phase, Task
from coordinator.core.timers import Due
from coordinator.core.turn import Turn
from protocol.messages import Heartbeat, Presence
from protocol.vocabulary import (
    OnLeaseLost,
    PresenceState,
)
from tests.simulation.mutants.patching import Mutants, Patch, altered, lose, never


def _will_frees() -> list[Patch]:
    on_presence = presence.on_presence

    def on(turn: Turn, said: Presence, *, retained: bool) -> None:
        on_presence(turn, said, retained=retained)
        agent = turn.state.agent(said.agent)
        if said.state is PresenceState.LOST and not retained and said.conn >= agent.conn:
            for task in list(agent.held.values()):
                if task.attempt is not None and task.attempt.boot == said.boot:
                    lose(turn, task, "released")

    return [(step, "on_presence", on)]


def _cancel_frees() -> list[Patch]:
    def freeing(turn: Turn, task: Task) -> None:
        cancel(turn, task)
        if task.attempt is not None:
            lose(turn, task, "released")

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
                lose(turn, task, "released")

    return [(step, "on_heartbeat", on_heartbeat)]


_on_heartbeat = heartbeats.on_heartbeat


def _finish_expires() -> list[Patch]:
    def on_lease_end(turn: Turn, name: str) -> None:
        task = turn.state.tasks.get(name)
        if task is not None and task.attempt is not None:
            if turn.now.mono_ms <= task.attempt.expires_ms:
                turn.state.timers.at_mono(task.attempt.expires_ms + 1, Due.EXPIRY, name)
            else:
                lose(turn, task, "lease_expired")

    return [(clockwork, "_on_lease_end", on_lease_end)]


def _prev_boot_frees_all() -> list[Patch]:
    def release(turn: Turn, agent: Agent, said: Heartbeat) -> None:
        listed = {(holding.task, holding.fence) for holding in said.holding}
        for task in list(agent.held.values()) if agent.prev_boot is not None else []:
            attempt = task.attempt
            if attempt is None or attempt.boot == agent.boot:
                continue
            if (task.id, attempt.fence) not in listed:
                lose(turn, task, "released")

    return [(heartbeats, "release_predecessor", release)]


def _new_boot_frees_all() -> list[Patch]:
    def release(turn: Turn, agent: Agent, said: Heartbeat) -> None:
        for task in list(agent.held.values()):
            if task.attempt is not None and task.attempt.boot != agent.boot:
                lose(turn, task, "released")

    return [(heartbeats, "release_predecessor", release)]


def _predecessor_reports_are_wasted() -> list[Patch]:
    release_predecessor = presence.release_predecessor

    def release(turn: Turn, agent: Agent, said: Heartbeat) -> None:
        release_predecessor(turn, agent, altered(said, holding=()))

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
                    lose(turn, task, "lost_by_agent")
        return renew(turn, agent, said)

    return [(heartbeats, "_renew", forgetting)]


def _coordinator_expiry_from_assign_time() -> list[Patch]:
    assign = assignments.assign

    def assigning(turn: Turn, task: Task, agent: Agent) -> None:
        assign(turn, task, agent)
        if task.attempt is not None:
            attempt = task.attempt
            attempt.expires_ms = turn.now.mono_ms + attempt.lease_ms + attempt.margin_ms

    return [(dispatch, "assign", assigning), (Attempt, "renew", never)]


def _as_of_without_renewal() -> list[Patch]:
    def settle(turn: Turn) -> None:
        with mock.patch.object(Attempt, "renew", never):
            assignments.settle_desired(turn)

    return [(step, "settle_desired", settle)]


def _sweep_reads_expiry_once() -> list[Patch]:
    # Here there is no sweep, but one timer for each attempt: it must look again when it fires.
    def on_lease_end(turn: Turn, name: str) -> None:
        task = turn.state.tasks.get(name)
        if task is None or task.attempt is None or task.on_lease_lost is OnLeaseLost.FINISH:
            return
        lose(turn, task, "lease_expired")

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


def _fence_not_raised() -> list[Patch]:
    assign = assignments.assign

    def assigning(turn: Turn, task: Task, agent: Agent) -> None:
        task.fence = max(0, task.fence - 1)
        assign(turn, task, agent)

    return [(dispatch, "assign", assigning)]


def _proof_frees_all() -> list[Patch]:
    def take(turn: Turn, agent: Agent, _boot: str) -> None:
        for task in list(agent.held.values()):
            lose(turn, task, "released")

    return [(hearing, "take_proof", take)]


MUTANTS: Final[Mutants] = {
    "proof_frees_all": _proof_frees_all,
    "fence_not_raised": _fence_not_raised,
    "will_frees": _will_frees,
    "cancel_frees": _cancel_frees,
    "offer_timeout_frees": _offer_timeout_frees,
    "finish_expires": _finish_expires,
    "prev_boot_frees_all": _prev_boot_frees_all,
    "desired_outlives_boot": _desired_outlives_boot,
    "holdings_release_without_rev_check": lambda: _release_without_rev_check(2),
    "holdings_release_after_one_heartbeat_without_rev_check": lambda: _release_without_rev_check(1),
    "coordinator_expiry_from_assign_time": _coordinator_expiry_from_assign_time,
    "as_of_without_renewal": _as_of_without_renewal,
    "sweep_reads_expiry_once": _sweep_reads_expiry_once,
    "lease_of_the_plan": _lease_of_the_plan,
    "desired_sent_once": _desired_sent_once,
    "new_boot_frees_all": _new_boot_frees_all,
    "predecessor_reports_are_wasted": _predecessor_reports_are_wasted,
    "expiry_moves_back": _expiry_moves_back,
}
