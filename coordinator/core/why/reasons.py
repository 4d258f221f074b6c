"""The reason for which each kind of task waits, now; and its being written down as it changes.

All tasks of a shape wait for the same reason, so the cost is that of the shapes. Reasons that
depend on agents alone are found once for all shapes that ask the same of agents.
"""

from collections.abc import Iterable
from typing import Final

from coordinator.core.instant import Instant
from coordinator.core.queue.shapes import Kind, Shape
from coordinator.core.state import State
from coordinator.core.why.codes import BEHIND_OTHERS, PENDING_EVALUATION
from coordinator.core.why.funnel import funnel_of
from coordinator.core.why.gates import misconfigured
from coordinator.core.why.story import Story

EVERY_MS: Final = 1_000
"""How often the shapes are looked at, while anything happens."""

Memo = dict[tuple[object, ...], str]
"""Headlines of agents, by all that they depend on in a kind; good for one moment."""


def note_reasons(state: State, now: Instant) -> None:
    """Write down the reason of every shape, at most once a second."""
    reasons, before = state.reasons, state.reasons.noted
    if before is not None and now.mono_ms - before.mono_ms < EVERY_MS:
        return
    reasons.noted = now
    memo: Memo = {}
    stories: dict[Kind, Story] = {}
    for shape in state.shapes.values():
        head = shape.head()
        if head is not None:
            story, since_ms = reasons.stories.get(shape.kind), now.wall_ms
            if story is None:
                story = Story()
                if before is not None and head.enqueued_ms >= before.wall_ms:
                    since_ms = min(since_ms, head.enqueued_ms)  # it came after the last look
            story.note(headline_of(state, shape, now, memo), since_ms)
            stories[shape.kind] = story
    reasons.stories = stories


def headline_of(state: State, shape: Shape, now: Instant, memo: Memo | None = None) -> str:
    """Name the gate that is the first in the way of the first task of *shape*."""
    if not state.is_offering:
        return PENDING_EVALUATION if state.phase.value == "recovering" else "DEACTIVATED"
    closed = closed_codes(shape)
    if closed and closed[0] != "MISCONFIGURED" and misconfigured(state, shape) is None:
        return closed[0]
    if misconfigured(state, shape) is not None:
        return "MISCONFIGURED"
    return _of_agents(state, shape, now, memo)


def closed_codes(shape: Shape) -> list[str]:
    """Name the closed gates of *shape*, in order of precedence."""
    return [gate.code for gate in shape.signature.gates if not gate.is_open]


def _of_agents(state: State, shape: Shape, now: Instant, memo: Memo | None) -> str:
    kind = shape.kind
    same = (
        kind.capabilities,
        kind.min_health,
        kind.allows_unknown_health,
        kind.pin,
        kind.excluded,
        kind.type_keys,
        kind.priority.value == "maintenance",
    )
    code = memo.get(same) if memo is not None else None
    if code is None:
        code = funnel_of(state, kind, now).headline() or BEHIND_OTHERS
        if memo is not None:
            memo[same] = code
    return code


def blocked_counts(state: State, shapes: Iterable[Shape], now: Instant) -> dict[str, int]:
    """Count the tasks that wait in *shapes* by the reason of their shape."""
    memo: Memo = {}
    counts: dict[str, int] = {}
    for shape in shapes:
        if shape.live:
            code = headline_of(state, shape, now, memo)
            counts[code] = counts.get(code, 0) + shape.live
    return dict(sorted(counts.items()))
