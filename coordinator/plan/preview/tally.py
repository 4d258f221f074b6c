"""Time spent, while a preview's clock runs: for which reason each task waits, which limit is full.

Tasks of one shape wait for the same reason, so time is kept by shape; a task takes the difference
between when it came and when it left. The cost of a moment is the number of shapes that wait.
"""

from collections import Counter
from dataclasses import dataclass, field

from coordinator.core.gates import CountedGate
from coordinator.core.queue.shapes import Shape
from coordinator.core.state import State
from coordinator.core.tasks import Task
from coordinator.plan.preview.reasons import Reasons
from coordinator.plan.preview.result import LimitUse, Waiting

Spent = Counter[str]


@dataclass(slots=True)
class _Since:
    """Where a task waits, and what had been spent there when it came."""

    shape: Shape | None
    code: str
    came_ms: int
    before: dict[str, int]


@dataclass(slots=True)
class Tally:
    """Looks at a state whenever its time is about to move on."""

    state: State
    reasons: Reasons
    wall_ms: int
    spent: dict[str, Spent] = field(default_factory=dict)
    """Task to the time that it has waited, by reason."""
    _since: dict[str, _Since] = field(default_factory=dict)
    _of_shape: dict[int, Spent] = field(default_factory=dict)
    _live: dict[int, Shape] = field(default_factory=dict)
    _peaks: Counter[str] = field(default_factory=Counter)
    _full_ms: Counter[str] = field(default_factory=Counter)

    def advance(self, wall_ms: int) -> None:
        """Let time pass until *wall_ms*: until then everything is as it is now."""
        gone_ms = wall_ms - self.wall_ms
        for number, shape in list(self._live.items()):
            if not shape.live:
                del self._live[number]
            else:
                code = self.reasons.of_shape(shape, self.wall_ms)
                self._of_shape.setdefault(number, Counter())[code] += gone_ms
        for gate in self.state.gates.values():
            if isinstance(gate, CountedGate) and gate.limit is not None:
                used = gate.used
                self._peaks[gate.key] = max(self._peaks[gate.key], used)
                if used >= gate.limit:
                    self._full_ms[gate.key] += gone_ms
        self.wall_ms = wall_ms

    def look_at(self, task: Task) -> None:
        """Note that *task* may have begun to wait, to wait elsewhere, or not to wait any more."""
        known = self._since.get(task.id)
        if known is not None and known.shape is task.shape and task.shape is not None:
            return
        self._settle(task.id)
        if task.is_over or task.attempt is not None:
            return
        shape = task.shape
        if shape is not None:
            self._live[shape.number] = shape
            before = dict(self._of_shape.get(shape.number, {}))
            self._since[task.id] = _Since(shape, "", self.wall_ms, before)
        else:
            code = self.reasons.of_task(task, self.wall_ms)
            self._since[task.id] = _Since(None, code, self.wall_ms, {})

    def waits(self, task: str) -> tuple[tuple[str, int], ...]:
        """Say for which reasons *task* has waited, longest first."""
        self._settle(task)
        spent = self.spent.get(task, Counter())
        return tuple(sorted(spent.items(), key=lambda pair: (-pair[1], pair[0])))

    def _settle(self, task: str) -> None:
        since = self._since.pop(task, None)
        if since is None:
            return
        if since.shape is None:
            gone = {since.code: self.wall_ms - since.came_ms}
        else:
            now = self._of_shape.get(since.shape.number, Counter())
            gone = {code: ms - since.before.get(code, 0) for code, ms in now.items()}
        spent = self.spent.setdefault(task, Counter())
        for code, ms in gone.items():
            if ms:
                spent[code] += ms

    def waiting(self) -> tuple[Waiting, ...]:
        """Say for which reasons tasks have waited, the one that cost most time first."""
        tasks: Counter[str] = Counter()
        total: Counter[str] = Counter()
        longest: Counter[str] = Counter()
        for spent in self.spent.values():
            for code, ms in spent.items():
                tasks[code] += 1
                total[code] += ms
                longest[code] = max(longest[code], ms)
        ordered = sorted(total, key=lambda code: (-total[code], code))
        return tuple(Waiting(code, tasks[code], total[code], longest[code]) for code in ordered)

    def limits(self) -> tuple[LimitUse, ...]:
        """Say how far each limit and cap was used at most."""
        return tuple(
            LimitUse(gate.key, gate.limit, self._peaks[gate.key], self._full_ms[gate.key])
            for gate in self.state.gates.values()
            if isinstance(gate, CountedGate) and gate.limit is not None
        )
