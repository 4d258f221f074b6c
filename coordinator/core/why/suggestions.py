"""``would_run_if``: what would let a task start at once, each tried before it is shown.

One change is better than two; two are named together only when neither is enough. What cannot be
proved within the bounds is left out: silence is allowed, a false promise is not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, Final

from coordinator.core.gates import Gate
from coordinator.core.instant import Instant
from coordinator.core.queue.shapes import Key, Shape
from coordinator.core.scoring import fits
from coordinator.core.state import State
from coordinator.core.turn import Turn
from coordinator.core.why.agent_changes import agent_changes
from coordinator.core.why.changes import Change, changes_for
from coordinator.core.why.funnel import Funnel
from coordinator.core.why.rivals import Rival, rivals_of
from coordinator.core.why.trial import Assumption, Trial

SHOWN: Final = 4
_TRIED: Final = 16
_GATES_AT_ONCE: Final = 3


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Changes that together let the task start at once."""

    changes: tuple[Change, ...]

    def document(self) -> dict[str, Any]:
        """Render the suggestion for people and for programs."""
        return {
            "change": " and ".join(change.text for change in self.changes),
            "actions": [change.action for change in self.changes],
            "effect": self._effect(),
        }

    def _effect(self) -> str:
        cancelled = [change for change in self.changes if change.action["op"] == "cancel"]
        if cancelled:
            return f"starts as soon as {cancelled[0].action['agent']} has let go"
        agents = [agent.name for change in self.changes for agent in change.what.frees]
        return f"starts at once, {agents[0]} is free for it" if agents else "starts at once"


def suggestions(
    state: State,
    shape: Shape,
    place: Key,
    rivals: list[Rival],
    funnel: Funnel,
    now: Instant,
    first: tuple[Change, ...] = (),
) -> list[Suggestion]:
    """Return what would let a task of *shape* start at once; *first* has to be done in any case."""
    closed = [gate for gate in shape.signature.gates if not gate.is_open]
    if len(closed) > _GATES_AT_ONCE or not state.is_offering:
        return []
    if shape.kind.must_fit and not fits(Turn(state, now), shape):
        return []
    trial = Trial(state, shape, rivals, now)
    in_steps: Trial | None = None
    base = _together(first)
    found: list[Suggestion] = []
    for changes in islice(_candidates(trial, closed, funnel), _TRIED):
        if found and len(changes) > len(found[0].changes) - len(first):
            break
        judge = trial
        if len(changes) > 1 and any(change.edit is None for change in changes):
            # Not done at one stroke: in between, those behind the task may help themselves.
            in_steps = in_steps or Trial(
                state, shape, rivals_of(state, shape, place, behind_too=True), now
            )
            judge = in_steps
        if judge.starts(_together(changes).and_also(base)):
            found.append(Suggestion((*first, *changes)))
            if len(found) >= SHOWN:
                break
    return found


def _together(changes: tuple[Change, ...]) -> Assumption:
    together = Assumption()
    for change in changes:
        together = together.and_also(change.what)
    return together


def _candidates(trial: Trial, closed: list[Gate], funnel: Funnel) -> Iterator[tuple[Change, ...]]:
    """Yield sets of changes, the smaller ones first."""
    needs_agent = not funnel.free
    if not closed and not needs_agent:
        yield ()
        return
    seen: set[str] = set()
    for gate in closed:
        for change in changes_for(trial, gate, Assumption()):
            if change.text not in seen:  # one holder may be in the way at several gates
                seen.add(change.text)
                yield (change,)
    if needs_agent:
        setting_free = list(
            islice(agent_changes(trial.state, trial.shape.kind, funnel, trial.now), _TRIED)
        )
        for change in setting_free:
            yield (change,)
    if len(closed) + needs_agent < 2:  # noqa: PLR2004 -- one thing alone was tried above
        return
    opened = Assumption(
        opens=frozenset(gate.key for gate in closed),
        room={gate.key: 2**31 for gate in closed},
    )
    for agent_change in setting_free[:3] if needs_agent else [None]:
        others = opened if agent_change is None else opened.and_also(agent_change.what)
        of_gates = [list(islice(changes_for(trial, gate, others), 1)) for gate in closed]
        for changes in product(*of_gates):
            yield changes if agent_change is None else (*changes, agent_change)
