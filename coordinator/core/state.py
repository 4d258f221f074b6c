"""The whole state of the fleet, and the indexes that make deciding cheap.

Tasks and agents are the truth; shapes, classes, boards, permits and counts are derived from them
and are rebuilt at a start. :mod:`coordinator.core.audit` recomputes them and reports differences.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from coordinator.core.agents import Agent
from coordinator.core.closures import Closure
from coordinator.core.cooldowns import Cooldown, type_keys
from coordinator.core.gates import CountedGate, Gate, Signature
from coordinator.core.gating import gates_of
from coordinator.core.history import History
from coordinator.core.hosts.model import Host, Order
from coordinator.core.openings import WindowGate
from coordinator.core.policy import Policy
from coordinator.core.pools.model import Pool
from coordinator.core.queue.board import Board
from coordinator.core.queue.classes import AgentClass, ClassKey
from coordinator.core.queue.shapes import Kind, Shape
from coordinator.core.recurrence.progress import Schedules
from coordinator.core.tasks import Task
from coordinator.core.terms import Terms
from coordinator.core.timers import Timers
from coordinator.core.usage import Usage
from coordinator.core.verbs import Hold
from coordinator.core.why.story import Reasons
from protocol.messages import Reply
from protocol.vocabulary import CoordinatorState, Priority, TaskStatus

KEPT_ENDED: Final = 10_000
"""How many ended tasks stay in memory; the store has them all."""
SHOWN_ENDED: Final = 1_000
"""How many ended tasks keep their retained topic, whatever their time to live."""
KEPT_REQUESTS: Final = 10_000
MANY_BOARDS: Final = 4
"""From how many boards with free agents on it is cheaper to look at all shapes of a signature."""
SWEPT_SHAPES: Final = 1_000
"""From how many shapes on the empty ones are forgotten."""


@dataclass(slots=True)
class State:
    """Everything that decisions rest on. It belongs to one writer."""

    policy: Policy
    coord: str
    term: int
    phase: CoordinatorState = CoordinatorState.RECOVERING
    tasks: dict[str, Task] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    timers: Timers = field(default_factory=Timers)
    tally: Counter[tuple[TaskStatus, Priority, str]] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    answered: dict[tuple[str, str], Reply] = field(default_factory=dict)
    ended: dict[str, None] = field(default_factory=dict)
    shown_ended: dict[str, None] = field(default_factory=dict)
    unheard: dict[str, str] = field(default_factory=dict)
    """Boot to agent, of those that hold work and have not been heard in this term."""
    recovered_by_ms: int = 0
    created: int = 0
    plan_version: int = 0
    """The stored plan in force; 0 before any was stored."""

    usage: dict[str, Usage] = field(default_factory=dict)
    closures: dict[str, Closure] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    schedules: Schedules = field(default_factory=Schedules)
    history: History = field(default_factory=History)
    type_cooldowns: dict[str, Cooldown] = field(default_factory=dict)
    hosts: dict[str, Host] = field(default_factory=dict)
    """By name, those that have spoken in this term."""
    loads: Counter[str] = field(default_factory=Counter)
    """Machine to how many tasks its agents hold."""
    orders: dict[str, Order] = field(default_factory=dict)
    """Agent to what an operator asked of its host."""
    pools: dict[str, Pool] = field(default_factory=dict)
    dependents: dict[str, dict[str, None]] = field(default_factory=dict)
    """Task to the tasks that wait for it."""

    reasons: Reasons = field(default_factory=Reasons)
    """Why each kind of task has waited, and since when; of this term."""
    gates: dict[str, Gate] = field(default_factory=dict)
    signatures: dict[tuple[str, ...], Signature] = field(default_factory=dict)
    shapes: dict[Kind, Shape] = field(default_factory=dict)
    classes: dict[ClassKey, AgentClass] = field(default_factory=dict)
    terms: dict[Terms, Terms] = field(default_factory=dict)
    awake: dict[Board, None] = field(default_factory=dict)
    """Boards whose free agents may find work: to be looked at before the step ends."""
    lines: dict[Signature, None] = field(default_factory=dict)
    """Signatures that opened for many boards at once: one look instead of many."""
    ready: dict[int, Shape] = field(default_factory=dict)
    """Shapes, by number, with a task that was not there to be taken before."""
    fitting: dict[int, Shape] = field(default_factory=dict)
    """Shapes, by number, whose tasks start only if they are expected to end in time."""
    numbered: int = 0
    sweep_at: int = SWEPT_SHAPES

    @property
    def is_offering(self) -> bool:
        """Whether new work may be given out."""
        return self.phase is CoordinatorState.ONLINE

    def agent(self, name: str) -> Agent:
        """Return the agent *name*, which is known from now on."""
        agent = self.agents.get(name)
        if agent is None:
            policy = self.policy.agent(name)
            agent = self.agents[name] = Agent(name, policy, interval_ms=policy.heartbeat_ms)
        return agent

    def number(self) -> int:
        """Return a number that nothing else of this state has."""
        self.numbered += 1
        return self.numbered

    def intern(self, terms: Terms) -> Terms:
        """Return the one object for *terms*."""
        return self.terms.setdefault(terms, terms)

    # --- shapes and classes

    def shape_of(self, task: Task, wall_ms: int) -> Shape:
        """Return the shape of *task* under the plan in force."""
        gates = gates_of(self, task, wall_ms)
        for gate in gates:
            if gate.key in self.closures:
                gate.turn(is_open=False)
        kind = Kind(
            mode=task.mode,
            priority=task.priority,
            capabilities=task.terms.capabilities | {task.mode},
            min_health=task.terms.min_health or self.policy.min_health,
            allows_unknown_health=(
                task.terms.allows_unknown_health or self.policy.allow_unknown_health
            ),
            pin=task.pin,
            excluded=task.excluded,
            type_keys=type_keys(task),
            must_fit=task.terms.must_fit,
            estimated_ms=task.terms.estimated_ms if task.terms.must_fit else None,
            gates=tuple(gate.key for gate in gates),
        )
        shape = self.shapes.get(kind)
        if shape is None:
            if len(self.shapes) >= self.sweep_at:
                self._sweep()
            shape = self._new_shape(kind, gates, wall_ms)
        return shape

    def _sweep(self) -> None:
        """Forget shapes in which nothing waits, or a fleet of ever new names would only grow."""
        for kind, shape in list(self.shapes.items()):
            if not shape.live:
                del self.shapes[kind]
                self.fitting.pop(shape.number, None)
                shape.signature.shapes.remove(shape)
        for keys, signature in list(self.signatures.items()):
            if not signature.shapes:
                del self.signatures[keys]
                for gate in signature.gates:
                    gate.signatures.remove(signature)
        for key, gate in list(self.gates.items()):
            in_use = isinstance(gate, CountedGate) and gate.holders
            if not gate.signatures and not in_use and key not in self.type_cooldowns:
                del self.gates[key]
        self.sweep_at = max(SWEPT_SHAPES, 2 * len(self.shapes))

    def _new_shape(self, kind: Kind, gates: tuple[Gate, ...], wall_ms: int) -> Shape:
        signature = self.signatures.get(kind.gates)
        if signature is None:
            signature = self.signatures[kind.gates] = Signature(self.number(), gates)
        shape = self.shapes[kind] = Shape(self.number(), kind, signature)
        signature.shapes.append(shape)
        if kind.must_fit:
            self.fitting[shape.number] = shape
        self.set_head_start(shape, wall_ms)
        if kind.pin is not None:
            shape.boards[self.agent(kind.pin).own_board] = None
        else:
            boards = [c.board for c in self.classes.values() if c.key.takes(shape)]
            shape.boards = dict.fromkeys(sorted(boards, key=_rank))
        return shape

    def set_head_start(self, shape: Shape, wall_ms: int) -> None:
        """Give *shape* the head start of its priority, times the boost of its open windows."""
        boost = max(
            (gate.boost(wall_ms) for gate in shape.signature.gates if isinstance(gate, WindowGate)),
            default=1.0,
        )
        head_start_ms = int(self.policy.ageing.head_start_ms[shape.kind.priority] * boost)
        if head_start_ms != shape.head_start_ms:
            shape.head_start_ms = head_start_ms
            shape.show()

    def enter_class(self, agent: Agent, key: ClassKey) -> AgentClass:
        """Make *agent* a member of the class of *key*, which exists from now on."""
        joined = self.classes.get(key)
        if joined is None:
            joined = self.classes[key] = AgentClass(self.number(), key)
            for shape in self.shapes.values():
                if shape.kind.pin is None and key.takes(shape):
                    boards = sorted([*shape.boards, joined.board], key=_rank)
                    shape.boards = dict.fromkeys(boards)
                    joined.board.offer(shape)
        joined.members[agent.name] = agent
        agent.agent_class = joined
        return joined

    def leave_class(self, agent: Agent) -> None:
        """Let *agent* be a member of no class; a class without members is given up."""
        left = agent.agent_class
        if left is None:
            return
        agent.agent_class = None
        left.members.pop(agent.name, None)
        left.free.pop(agent.name, None)
        left.forget(agent)
        agent.free.clear()
        if not left.members:
            del self.classes[left.key]
            self.awake.pop(left.board, None)
            left.board.withdraw()
            for shape in self.shapes.values():
                shape.boards.pop(left.board, None)

    def unheard_done(self, agent: Agent, boot: str) -> None:
        """Wait for *boot* no longer if it holds nothing any more."""
        if boot in self.unheard and not any(
            task.attempt is not None and task.attempt.boot == boot for task in agent.held.values()
        ):
            del self.unheard[boot]

    # --- waking

    def wake_for(self, shape: Shape) -> None:
        """Look, before the step ends, whether somebody free can take from *shape*."""
        if any(board.free for board in shape.boards):
            self.ready[shape.number] = shape

    def wake_behind(self, gate: Gate) -> None:
        """Look, before the step ends, at everything that *gate* may have been the last to stop."""
        for signature in gate.signatures:
            if signature.is_open:
                attended = [board for board in signature.boards if board.free]
                if len(attended) > MANY_BOARDS:
                    self.lines[signature] = None
                else:
                    self.awake.update(dict.fromkeys(attended))


def _rank(board: Board) -> tuple[int, int, int]:
    return board.rank
