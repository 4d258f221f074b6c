"""Gates: everything that many tasks share and that is either open or closed.

A limit with room, an open window, a cap that is not reached: each is one :class:`Gate`. The gates
that a task must pass form its :class:`Signature`, and a signature is open exactly when none of its
gates is closed. Tasks wait by signature and never by a single gate, so there is no wake-up that
could be lost: when a gate opens, every signature that it was the last to close is open.
"""

from typing import TYPE_CHECKING, Final, TypeVar

from coordinator.core.queue.heap import ShapeHeap

if TYPE_CHECKING:
    from coordinator.core.queue.board import Board
    from coordinator.core.queue.shapes import Shape

GLOBAL: Final = "global"

Counted = TypeVar("Counted", bound="CountedGate")


def mode_key(mode: str) -> str:
    """Name the permit key of a mode."""
    return f"mode:{mode}"


class Gate:
    """Something shared that is open or closed; ``code`` is the reason token when it is closed."""

    __slots__ = ("code", "is_open", "key", "signatures")

    def __init__(self, key: str, code: str, *, is_open: bool = True) -> None:
        self.key = key
        self.code = code
        self.is_open = is_open
        self.signatures: list[Signature] = []

    def turn(self, *, is_open: bool) -> bool:
        """Open or close the gate; say whether that changed anything."""
        if is_open == self.is_open:
            return False
        self.is_open = is_open
        for signature in self.signatures:
            signature.closed += -1 if is_open else 1
        return True

    def twin(self) -> "Gate":
        """Return one like it at which nothing waits."""
        return Gate(self.key, self.code, is_open=self.is_open)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key} {'open' if self.is_open else 'closed'}>"


class CountedGate(Gate):
    """A gate through which only so many may pass: each takes a place and gives it back."""

    __slots__ = ("holders", "limit")

    def __init__(self, key: str, code: str, limit: int | None) -> None:
        super().__init__(key, code, is_open=limit is None or limit > 0)
        self.limit = limit
        self.holders: dict[str, None] = {}
        """Tasks that have a place, in the order in which they took it."""

    @property
    def used(self) -> int:
        """How many places are not to be had."""
        return len(self.holders)

    def has_room(self) -> bool:
        """Say whether one more task may pass."""
        return self.limit is None or self.used < self.limit

    def acquire(self, task: str) -> None:
        """Let *task* have a place; the caller has looked at :attr:`is_open` before."""
        self.holders[task] = None
        self.turn(is_open=self.has_room())

    def release(self, task: str) -> bool:
        """Take the place back from *task*; say whether the gate opened by it."""
        del self.holders[task]
        return self.turn(is_open=self.has_room())

    def resize(self, limit: int | None) -> bool:
        """Change the limit; nobody loses a place by it. Say whether the gate turned."""
        self.limit = limit
        return self.turn(is_open=self.has_room())

    def twin(self) -> "CountedGate":
        """Return one like it at which nothing waits; who has a place has one there too."""
        return self.seated(CountedGate(self.key, self.code, self.limit))

    def seated(self, twin: Counted) -> Counted:
        """Return *twin* with everybody in it who has a place here."""
        twin.holders, twin.is_open = self.holders.copy(), self.is_open
        return twin


class PermitGate(CountedGate):
    """A concurrency limit: at most so many attempts at the same time; ``None`` is no limit.

    An operator may hold a permit key: then nothing passes, whatever room there is.
    """

    __slots__ = ("is_held",)

    def __init__(self, key: str, code: str, limit: int | None) -> None:
        super().__init__(key, code, limit)
        self.is_held = False

    def has_room(self) -> bool:
        """Say whether one more task may pass."""
        return not self.is_held and super().has_room()

    def hold(self, *, is_held: bool) -> bool:
        """Hold the key or let go of it; say whether the gate turned."""
        self.is_held = is_held
        return self.turn(is_open=self.has_room())

    def twin(self) -> "PermitGate":
        """Return one like it, held or not."""
        twin = self.seated(PermitGate(self.key, self.code, self.limit))
        twin.is_held = self.is_held
        return twin


class Signature:
    """The gates that a task must pass together, and the boards on which such tasks wait."""

    __slots__ = ("boards", "closed", "counted", "gates", "line", "number", "shapes")

    def __init__(self, number: int, gates: tuple[Gate, ...]) -> None:
        self.number = number
        self.gates = gates
        self.counted = tuple(gate for gate in gates if isinstance(gate, CountedGate))
        """The gates at which a starting task takes a place."""
        self.closed = sum(not gate.is_open for gate in gates)
        self.boards: dict[Board, None] = {}
        """Where such tasks can be seen by those who could take them."""
        self.line = ShapeHeap()
        """All shapes of this signature, whoever could take them."""
        self.shapes: list[Shape] = []
        for gate in gates:
            gate.signatures.append(self)

    @property
    def is_open(self) -> bool:
        """Whether every gate is open."""
        return self.closed == 0

    def __repr__(self) -> str:
        return f"<Signature {'+'.join(gate.key for gate in self.gates)} closed={self.closed}>"
