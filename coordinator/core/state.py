"""The whole state of the fleet, and the indexes that make deciding cheap.

Tasks and agents are the truth; shapes, classes, boards, permits and counts are derived from them
and are rebuilt at a start. :mod:`coordinator.core.audit` recomputes them and reports differences.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from coordinator.core.agents import Agent
from coordinator.core.gates import GLOBAL, Gate, PermitGate, Signature, mode_key
from coordinator.core.policy import Policy
from coordinator.core.queue.board import Board
from coordinator.core.queue.classes import AgentClass, ClassKey
from coordinator.core.queue.shapes import Kind, Shape
from coordinator.core.tasks import Task
from coordinator.core.terms import Terms
from coordinator.core.timers import Timers
from protocol.messages import Reply
from protocol.vocabulary import CoordinatorState, Priority, TaskStatus

KEPT_ENDED: Final = 10_000
"""How many ended tasks stay in memory; the store has them all."""
SHOWN_ENDED: Final = 1_000
"""How many ended tasks keep their retained topic, whatever their time to live."""
KEPT_REQUESTS: Final = 10_000


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

    gates: dict[str, Gate] = field(default_factory=dict)
    signatures: dict[tuple[str, ...], Signature] = field(default_factory=dict)
    shapes: dict[Kind, Shape] = field(default_factory=dict)
    classes: dict[ClassKey, AgentClass] = field(default_factory=dict)
    terms: dict[Terms, Terms] = field(default_factory=dict)
    awake: dict[Board, None] = field(default_factory=dict)
    """Boards whose free agents may find work: to be looked at before the step ends."""
    numbered: int = 0

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

    # --- gates, shapes and classes

    def permit_gate(self, key: str) -> PermitGate:
        """Return the gate of permit *key*, which exists from now on."""
        gate = self.gates.get(key)
        if gate is None:
            gate = PermitGate(key, _code_of(key), self.policy.limit(key))
            self.gates[key] = gate
        if not isinstance(gate, PermitGate):
            raise TypeError(f"{key} is no permit")
        return gate

    def shape_of(self, task: Task) -> Shape:
        """Return the shape of *task* under the plan in force."""
        gates = self._gates_of(task)
        kind = Kind(
            mode=task.mode,
            priority=task.priority,
            capabilities=task.terms.capabilities | {task.mode},
            min_health=task.terms.min_health or self.policy.min_health,
            pin=task.pin,
            excluded=task.excluded,
            type_keys=(),
            gates=tuple(gate.key for gate in gates),
        )
        shape = self.shapes.get(kind)
        if shape is None:
            shape = self._new_shape(kind, gates)
        return shape

    def _gates_of(self, task: Task) -> tuple[Gate, ...]:
        gates: list[Gate] = [
            self.permit_gate(GLOBAL),
            self.permit_gate(mode_key(task.mode)),
        ]
        if task.terms.concurrency_key is not None:
            gates.append(self.permit_gate(f"key:{task.terms.concurrency_key}"))
        return tuple(gates)

    def _new_shape(self, kind: Kind, gates: tuple[Gate, ...]) -> Shape:
        signature = self.signatures.get(kind.gates)
        if signature is None:
            signature = self.signatures[kind.gates] = Signature(self.number(), gates)
        head_start = self.policy.ageing.head_start_ms[kind.priority]
        shape = self.shapes[kind] = Shape(self.number(), kind, signature, head_start)
        if kind.pin is not None:
            shape.boards[self.agent(kind.pin).own_board] = None
        else:
            for agent_class in self.classes.values():
                if agent_class.key.takes(shape):
                    shape.boards[agent_class.board] = None
        return shape

    def enter_class(self, agent: Agent, key: ClassKey) -> AgentClass:
        """Make *agent* a member of the class of *key*, which exists from now on."""
        joined = self.classes.get(key)
        if joined is None:
            joined = self.classes[key] = AgentClass(self.number(), key)
            for shape in self.shapes.values():
                if shape.kind.pin is None and key.takes(shape):
                    shape.boards[joined.board] = None
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
        for board in shape.boards:
            if board.free:
                self.awake[board] = None

    def wake_behind(self, gate: Gate) -> None:
        """Look, before the step ends, at everything that *gate* may have been the last to stop."""
        for signature in gate.signatures:
            if signature.is_open:
                for board in signature.boards:
                    if board.free:
                        self.awake[board] = None


def _code_of(key: str) -> str:
    if key == GLOBAL:
        return "GLOBAL_LIMIT"
    return "MODE_LIMIT" if key.startswith("mode:") else "KEY_LIMIT"
