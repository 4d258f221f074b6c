"""When could it start? The latest of what each closed gate says: certain bounds, and estimates.

A bound that is certain comes from a clock (a window, a period, a back-off); an estimate from how
long what is running usually takes. Where nothing is known of one gate, no time is named.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from coordinator.core.agents import Agent
from coordinator.core.gates import Gate, PermitGate
from coordinator.core.instant import Instant
from coordinator.core.queue.shapes import Kind
from coordinator.core.state import State
from coordinator.core.tasks import Task
from coordinator.core.why.agent_reasons import reason
from coordinator.core.why.funnel import Funnel
from coordinator.core.why.holders import releases

Document = dict[str, Any]

_CLOCKED: Final = frozenset(
    {"AVOID_HOURS", "IDLE_BLOCK", "RUNTIME_CAP", "FAILURE_COOLDOWN", "TASK_COOLDOWN", "CORDONED"}
)


class Time(NamedTuple):
    """When one gate may open, and what that rests on; ``at_ms`` is ``None`` when nobody knows."""

    at_ms: int | None
    basis: str
    is_certain: bool


def earliest(
    state: State,
    task: Task,
    closed: Iterable[tuple[Gate, int]],
    funnel: Funnel,
    kind: Kind,
    now: Instant,
) -> Document:
    """Say when *task* can start; *closed* are its closed gates, with how many are before it."""
    times = [_of_gate(state, gate, before, now) for gate, before in closed]
    if task.not_before_ms is not None and task.not_before_ms > now.wall_ms:
        times.append(Time(task.not_before_ms, "its own time", is_certain=True))
    if not funnel.free:
        times.append(_of_agents(state, funnel, kind, now))
    if not state.is_offering:
        times.append(Time(None, f"the coordinator is {state.phase.value}", is_certain=False))
    certain = [time.at_ms for time in times if time.is_certain and time.at_ms is not None]
    document: Document = {"not_before_certain_ms": max(certain, default=now.wall_ms)}
    unknown = [time.basis for time in times if time.at_ms is None]
    if unknown:
        return {"at_ms": None, "kind": "unknown", "basis": "; ".join(unknown), **document}
    last = max(times, key=lambda time: time.at_ms or 0, default=None)
    if last is None:
        return {
            "at_ms": now.wall_ms,
            "kind": "certain",
            "basis": "nothing is in its way",
        } | document
    kind_of = "certain" if all(time.is_certain for time in times) else "estimate"
    return {"at_ms": last.at_ms, "kind": kind_of, "basis": last.basis, **document}


def _of_gate(state: State, gate: Gate, before: int, now: Instant) -> Time:
    from_clock = _clock_of(state, gate)
    if from_clock is not None:
        return from_clock
    if not isinstance(gate, PermitGate) or gate.limit is None:
        return Time(None, f"{gate.key} opens when somebody opens it", is_certain=False)
    if gate.limit == 0:
        return Time(None, f"the limit of {gate.key} is 0", is_certain=False)
    # Over a lowered limit, the first who leave make no room.
    needed = gate.used - gate.limit + 1 + before
    ends = releases(state, gate.holders, now)
    if needed <= len(ends):
        ending = ends[needed - 1]
        return Time(ending.at_ms, ending.basis, is_certain=False)
    return Time(
        None, f"nobody knows when {needed} places at {gate.key} come back", is_certain=False
    )


def _clock_of(state: State, gate: Gate) -> Time | None:
    closure, hold = state.closures.get(gate.key), state.holds.get(gate.key)
    for said, what in ((closure, "its end"), (hold, "the end of the hold")):
        if said is not None:
            return _clocked(said.until_ms, f"{gate.key}: {what}")
    known = state.type_cooldowns.get(gate.key)
    if known is not None:
        return _clocked(known.until_ms, f"{gate.key}: the end of the cooldown")
    if gate.code in {"OUTSIDE_WINDOW", "IDLE_BLOCK"}:
        at_ms = getattr(gate, "looks_again_ms", None)
        return Time(at_ms, f"{gate.key}: the clock", is_certain=at_ms is not None)
    usage = getattr(gate, "usage", None)
    if usage is not None:
        return Time(usage.period.end_ms, f"{gate.key}: the next {usage.unit}", is_certain=True)
    return None


def _clocked(until_ms: int, basis: str) -> Time:
    at_ms = until_ms if until_ms < _FOR_EVER else None
    return Time(at_ms, basis if at_ms else f"{basis} is not set", is_certain=at_ms is not None)


_FOR_EVER: Final = 2**62


def _of_agents(state: State, funnel: Funnel, kind: Kind, now: Instant) -> Time:
    best: Time | None = None
    for row in funnel.nearest():
        for agent in row.agents:
            found = _of_agent(state, agent, row.fails, kind, now)
            if found.at_ms is not None and (best is None or found.at_ms < (best.at_ms or 0)):
                best = found
    return best or Time(None, "nobody knows when an agent is free for it", is_certain=False)


def _of_agent(state: State, agent: Agent, fails: tuple[str, ...], kind: Kind, now: Instant) -> Time:
    at_ms, basis = now.wall_ms, ""
    for code in fails:
        if code == "AGENT_BUSY":
            ends = releases(state, agent.held, now)
            when: int | None = ends[0].at_ms if ends else None
            why = ends[0].basis if ends else ""
        elif code in _CLOCKED:
            _, when = reason(agent, code, kind, now)
            why = f"{agent.name}: {code}"
        else:
            return Time(None, "", is_certain=False)
        if when is None:
            return Time(None, "", is_certain=False)
        if when >= at_ms:
            at_ms, basis = when, why
    return Time(at_ms, basis, is_certain=False)
