"""Changes that could set an agent free for a task: what to do about the nearest misses."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from coordinator.core.agents import Agent
from coordinator.core.blocks import judge
from coordinator.core.instant import Instant
from coordinator.core.policy import HOUR_MS, AgentPolicy, Policy
from coordinator.core.queue.shapes import Kind
from coordinator.core.state import State
from coordinator.core.turn import Turn
from coordinator.core.why.changes import Change, cancelling
from coordinator.core.why.funnel import INCAPABLE, Funnel
from coordinator.core.why.obstacles import obstacles_of
from coordinator.core.why.shadow import shadow_of
from coordinator.core.why.trial import Assumption
from protocol.vocabulary import AgentHealth, AgentMode

_ROWS_TRIED: Final = 6
_OF_EACH: Final = 2
_OF_PLAN: Final = frozenset({"AVOID_HOURS", "IDLE_BLOCK", "RUNTIME_CAP"})


def agent_changes(state: State, kind: Kind, funnel: Funnel, now: Instant) -> Iterator[Change]:
    """Yield what could be done so that one agent is free for tasks of *kind*."""
    for row in funnel.nearest()[:_ROWS_TRIED]:
        for agent in row.agents[:_OF_EACH]:
            yield from _about(state, agent, kind, row.fails, now)
    if all(INCAPABLE in row.fails for row in funnel.rows):
        yield from _teach(state, kind, funnel)


def _about(
    state: State, agent: Agent, kind: Kind, fails: tuple[str, ...], now: Instant
) -> Iterator[Change]:
    match fails:
        case ("AGENT_BUSY",):
            for task in reversed(agent.held.values()):
                for change in cancelling(state, task):
                    if change.what.frees:
                        yield change
                        return
        case ("CORDONED",):
            yield from _return(state, agent, now)
        case ("HEALTH_TOO_LOW",):
            yield from _accept_health(state, agent, kind)
        case (code,) if code in _OF_PLAN:
            yield from _relax(state, agent, now)


def _return(state: State, agent: Agent, now: Instant) -> Iterator[Change]:
    if agent.verb is None:
        return  # it said so itself
    ghost = replace(agent, verb=None, desired_mode=AgentMode.ACTIVE)
    if _is_free(state, ghost, now):
        text = f"return {agent.name} to service"
        # Out of maintenance it may take what it could not before: anybody may compete for it.
        what = Assumption(frees=(agent,), disturbs=agent.is_in_maintenance)
        yield Change(text, {"op": "return", "agent": agent.name}, what)


def _relax(state: State, agent: Agent, now: Instant) -> Iterator[Change]:
    own = agent.policy
    for text, relaxed in _relaxations(own):
        ghost = replace(agent, policy=relaxed)
        if _is_free(state, ghost, now):
            action = {"op": "plan", "set": {f"agents.{agent.name}": text}}
            what = Assumption(frees=(agent,))
            edit = partial(_with_agent, relaxed=relaxed)
            yield Change(f"{text} of {agent.name}", action, what, edit)
            return


def _with_agent(plan: Policy, *, relaxed: AgentPolicy) -> Policy:
    return replace(plan, agents={**plan.agents, relaxed.name: relaxed})


def _relaxations(own: AgentPolicy) -> Iterator[tuple[str, AgentPolicy]]:
    if own.avoid_hours and not own.avoid_is_soft:
        yield "make the avoided hours soft", replace(own, avoid_is_soft=True)
    if own.cooldown_periods:
        yield "drop the cooldown periods", replace(own, cooldown_periods=())
    if own.max_daily_runtime_ms is not None:
        hours = own.max_daily_runtime_ms // HOUR_MS + 1
        text = f"raise the daily running time to {hours} h"
        yield text, replace(own, max_daily_runtime_ms=hours * HOUR_MS)


def _accept_health(state: State, agent: Agent, kind: Kind) -> Iterator[Change]:
    if kind.min_health is None or kind.min_health is not state.policy.min_health:
        return  # the task's own wish: there is no way to change that of a task
    if agent.obstacles is None or agent.obstacles.codes:
        return
    tier = agent.tier
    if tier is AgentHealth.UNKNOWN:
        edit = partial(_accepting, min_health=kind.min_health, unknown=True)
        text, name, value = "accept unknown health", "allow_unknown_health", "true"
    else:
        edit = partial(_accepting, min_health=tier, unknown=state.policy.allow_unknown_health)
        text = f"lower min_agent_health {kind.min_health.value} → {tier.value}"
        name, value = "min_agent_health", tier.value
    action = {"op": "plan", "set": {f"global_constraints.{name}": value}}
    yield Change(text, action, Assumption(frees=(agent,), disturbs=True), edit)


def _accepting(plan: Policy, *, min_health: AgentHealth, unknown: bool) -> Policy:
    return replace(plan, min_health=min_health, allow_unknown_health=unknown)


def _teach(state: State, kind: Kind, funnel: Funnel) -> Iterator[Change]:
    """Let an agent that is otherwise free do what nobody can do."""
    for row in funnel.rows:
        if row.fails != (INCAPABLE,):
            continue
        able = [agent for agent in row.agents if agent.name not in kind.excluded]
        for agent in sorted(able, key=lambda one: len(kind.capabilities - one.capabilities))[:1]:
            missing = sorted(kind.capabilities - agent.capabilities)
            if not missing or state.agents.get(agent.name) is not agent:
                continue
            yield Change(
                f"let {agent.name} do {', '.join(missing)}",
                {"op": "capabilities", "agent": agent.name, "add": missing},
                Assumption(frees=(agent,), disturbs=True),
            )


def _is_free(state: State, ghost: Agent, now: Instant) -> bool:
    """Judge *ghost*, who is an agent changed in thought, as if its place were settled now."""
    shadow = shadow_of(state)
    ghost.blocks, _ = judge(shadow, ghost, now.wall_ms)
    return not obstacles_of(Turn(shadow, now), ghost).codes
