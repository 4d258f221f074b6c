"""Would it start? A change is tried in thought, and shown to nobody unless the answer is yes.

The proof: while a task could start and has not, every match that is made is of a task before it
(:mod:`coordinator.core.dispatch` takes the first in order). So if each of its gates has more
places, and its kind more takers, than all the tasks before it that the change lets start could use
up together, then it starts in the same step, whoever takes what. Where a count is an upper bound,
the answer can only be a wrong no; so no promise is made that does not hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from coordinator.core.agents import Agent
from coordinator.core.dispatch import may_take
from coordinator.core.gates import CountedGate, Gate
from coordinator.core.instant import Instant
from coordinator.core.queue.shapes import Shape
from coordinator.core.state import State
from coordinator.core.turn import Turn
from coordinator.core.why.funnel import fails_of
from coordinator.core.why.rivals import Rival, boards_of

_LOOKED_AT: Final = 512
_ENDLESS: Final = 2**31


@dataclass(frozen=True, slots=True)
class Assumption:
    """What is assumed to be different."""

    opens: frozenset[str] = frozenset()
    """Gates that are closed and would be open; of a limit, ``room`` says how far."""
    room: Mapping[str, int] = field(default_factory=dict)
    """How many places a gate would have left."""
    frees: tuple[Agent, ...] = ()
    """Agents of which one obstacle would be gone: whoever has no other is free."""
    spoils: frozenset[str] = frozenset()
    """Agents that may be free now and perhaps are not then."""
    disturbs: bool = False
    """Whether it changes who may take what, so that anybody may compete for these agents."""

    def and_also(self, other: "Assumption") -> "Assumption":
        """Assume both."""
        return Assumption(
            self.opens | other.opens,
            {**self.room, **other.room},
            (*self.frees, *(agent for agent in other.frees if agent not in self.frees)),
            self.spoils | other.spoils,
            self.disturbs or other.disturbs,
        )


@dataclass(frozen=True, slots=True)
class Trial:
    """One task, the shape that it waits in (or would), and those who stand before it."""

    state: State
    shape: Shape
    rivals: list[Rival]
    now: Instant

    def starts(self, what: Assumption) -> bool:
        """Say whether the task would certainly start at once."""
        if not self.state.is_offering:
            return False
        usable = self._usable(what)
        for gate in self.shape.signature.gates:
            left = self.room(gate, what)
            if left <= 0 or left <= self.used_before(gate.key, what, usable):
                return False
        competing = self._competing(what, usable)
        return self._takers(what, competing + 1) > competing

    def room(self, gate: Gate, what: Assumption) -> int:
        """Return how many could still pass *gate*."""
        if gate.key in what.room:
            return what.room[gate.key]
        if not gate.is_open and gate.key not in what.opens:
            return 0
        if gate.key.startswith("cooldown:"):
            return 1  # whoever passes may close it
        if isinstance(gate, CountedGate) and gate.limit is not None:
            return gate.limit - gate.used
        return _ENDLESS

    def used_before(
        self, key: str, what: Assumption, usable: "list[tuple[Rival, int]] | None" = None
    ) -> int:
        """Bound how many places at the gate *key* are used up before it is the task's turn."""
        usable = self._usable(what) if usable is None else usable
        return sum(count for rival, count in usable if key in rival.uses)

    def _usable(self, what: Assumption) -> list[tuple[Rival, int]]:
        """List the rivals that could start under *what*, each with how many of it at most."""
        freed = {agent.agent_class.board for agent in what.frees if agent.agent_class is not None}
        freed |= {agent.own_board for agent in what.frees}
        rooms: dict[str, int] = {}
        found = []
        for rival in self.rivals:
            if not rival.closed <= what.opens:
                continue
            if not (
                rival.has_free
                or self._is_disturbed(rival, what)
                or any(board in rival.boards for board in freed)
            ):
                continue
            most = rival.count
            for gate in rival.gates:
                left = rooms.get(gate.key)
                if left is None:
                    left = rooms[gate.key] = self.room(gate, what)
                most = min(most, left)
            if most > 0:
                found.append((rival, most))
        return found

    def _competing(self, what: Assumption, usable: list[tuple[Rival, int]]) -> int:
        mine = self._boards(what)
        return sum(
            count
            for rival, count in usable
            if self._is_disturbed(rival, what) or any(board in mine for board in rival.boards)
        )

    @staticmethod
    def _is_disturbed(rival: Rival, what: Assumption) -> bool:
        """Say whether *rival* may take from whom it could not before; a pin stays a pin."""
        pin = rival.shape.kind.pin
        return what.disturbs and (pin is None or any(agent.name == pin for agent in what.frees))

    def _boards(self, what: Assumption) -> set[object]:
        boards: set[object] = set(boards_of(self.state, self.shape))
        boards |= {agent.own_board for agent in what.frees}
        boards |= {agent.agent_class.board for agent in what.frees if agent.agent_class}
        return boards

    def _takers(self, what: Assumption, enough: int) -> int:
        """Count the agents that could take the task, up to *enough*."""
        turn = Turn(self.state, self.now)
        kind = self.shape.kind
        freed = {agent.name for agent in what.frees if len(fails_of(agent, kind, self.now)) == 1}
        found, looked_at = len(freed), 0
        for board in self.shape.boards:
            for agent in board.free.values():
                if found >= enough or looked_at >= _LOOKED_AT:
                    return found
                looked_at += 1
                if agent.name not in freed and agent.name not in what.spoils:
                    found += may_take(turn, agent, self.shape)
        return found
