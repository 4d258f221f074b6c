"""Why is this agent idle? What keeps it from work, or why none of the waiting tasks is for it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from coordinator.core.agents import Agent
from coordinator.core.instant import Instant
from coordinator.core.queue.shapes import Kind, Shape
from coordinator.core.state import State
from coordinator.core.turn import Turn
from coordinator.core.why.agent_reasons import reason
from coordinator.core.why.codes import OF_AGENT, in_order
from coordinator.core.why.funnel import fails_of
from coordinator.core.why.holders import ending_of
from coordinator.core.why.obstacles import obstacles_of

Document = dict[str, Any]

NOTHING_WAITS = "NOTHING_WAITS"
NOTHING_FOR_IT = "NOTHING_FOR_IT"
_TYPE_FREE = frozenset({"NO_CAPABLE_AGENT", "HEALTH_TOO_LOW", "TASK_COOLDOWN"})
"""Gates that depend on the task, so that an agent alone neither passes nor fails them."""
_SHOWN = 5


def why_idle(state: State, agent: Agent, now: Instant) -> Document:
    """Explain why *agent* does not do more: its own obstacles, then what waits and for what."""
    obstacles = obstacles_of(Turn(state, now), agent)
    waiting = sorted((shape for shape in state.shapes.values() if shape.live), key=_place)
    refused: Counter[str] = Counter()
    nearest: list[Document] = []
    for shape in waiting:
        code = _not_for(agent, shape, now)
        refused[code] += shape.live
        if len(nearest) < _SHOWN and code != "PINNED_ELSEWHERE":
            head = shape.head()
            if head is not None:
                nearest.append({"task": head.id, "name": head.name, "fails": [code]})
    code, text = _headline(agent, obstacles.codes, refused, now)
    return {
        "agent": agent.name,
        "status": agent.status.value,
        "health": agent.tier.value,
        "as_of_ms": now.wall_ms,
        "since_ms": agent.idle_since_ms,
        "headline": {"code": code, "text": text},
        "gates": list(_gates(agent, obstacles.codes, now)),
        "cooldowns": [
            {"type": cooldown.type_key, "code": cooldown.code, "text": cooldown.text}
            | {"until_ms": cooldown.until_ms, "probe": cooldown.probe}
            for cooldown in agent.cooldowns.values()
            if cooldown.is_closed(now.wall_ms)
        ],
        "holds": _holds(state, agent, now),
        "waiting": {
            "total": sum(refused.values()),
            "not_for_it": dict(sorted(refused.items())),
            "first": nearest,
        },
    }


def _place(shape: Shape) -> tuple[int, int, str]:
    return shape.key() or (9, 0, "")


def _gates(agent: Agent, codes: tuple[str, ...], now: Instant) -> Iterator[Document]:
    for code in OF_AGENT:
        if code in _TYPE_FREE:
            continue
        if code in codes:
            text, until_ms = reason(agent, code, None, now)
            yield {"code": code, "ok": False, "text": text, "until_ms": until_ms}
        else:
            yield {"code": code, "ok": True}
    for code in codes:
        if code not in OF_AGENT:
            text, until_ms = reason(agent, code, None, now)
            yield {"code": code, "ok": False, "text": text, "until_ms": until_ms}


def _headline(
    agent: Agent, codes: tuple[str, ...], refused: Counter[str], now: Instant
) -> tuple[str, str]:
    if codes:
        return codes[0], reason(agent, codes[0], None, now)[0]
    total = sum(refused.values())
    if not total:
        return NOTHING_WAITS, "it is free, and no task waits"
    most, many = refused.most_common(1)[0]
    tasks = "task waits" if total == 1 else "tasks wait"
    return NOTHING_FOR_IT, f"it is free; {total} {tasks}, none for it now ({many}: {most})"


def _not_for(agent: Agent, shape: Shape, now: Instant) -> str:
    """Name the first reason why *agent* takes nothing of *shape* now."""
    kind: Kind = shape.kind
    if kind.pin is not None and kind.pin != agent.name:
        return "PINNED_ELSEWHERE"
    own = set(fails_of(agent, kind, now))
    for_ever = [code for code in in_order(own) if code in {"NO_CAPABLE_AGENT", "HEALTH_TOO_LOW"}]
    if for_ever:
        return for_ever[0]
    for gate in shape.signature.gates:
        if not gate.is_open:
            return gate.code
    left = in_order(own)
    return left[0] if left else "PENDING_EVALUATION"


def _holds(state: State, agent: Agent, now: Instant) -> list[Document]:
    held = []
    for task in agent.held.values():
        ending = ending_of(state, task, now)
        ends_ms = None if ending is None else ending.at_ms
        held.append(
            {"task": task.id, "name": task.name, "phase": task.phase.value, "ends_ms": ends_ms}
        )
    return held
