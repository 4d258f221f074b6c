"""One turn of the core: a state, a moment, and the effects decided so far.

The rules of the core are functions of a :class:`Turn`. Effects that depend on everything else that
a turn decides (``desired``, agents' standing in the queue) are noted while it runs and settled at
its end.
"""

from dataclasses import dataclass, field

from coordinator.core.agents import Agent
from coordinator.core.effects import Effect, LogEvent, SaveTask, ShowAgent, ShowTask
from coordinator.core.hosts.model import Host
from coordinator.core.instant import Instant
from coordinator.core.state import State
from coordinator.core.tasks import Phase, Task
from protocol.vocabulary import TaskStatus


@dataclass(slots=True)
class Turn:
    """What the rules work on while one event is decided."""

    state: State
    now: Instant
    effects: list[Effect] = field(default_factory=list)
    restated: dict[str, Agent] = field(default_factory=dict)
    """Agents whose desired state must be stated anew."""
    hosts_changed: bool = False
    """Whether what hosts should run may have changed."""
    deaf_hosts: set[str] = field(default_factory=set)
    """Hosts that have not heard the newest of it."""

    def do(self, effect: Effect) -> None:
        """Decide *effect*."""
        self.effects.append(effect)

    def tell(self, kind: str, subject: str | None, text: str, **data: object) -> None:
        """Add a line to the fleet's story."""
        self.effects.append(LogEvent(kind, subject, text, data))

    def restate(self, agent: Agent) -> None:
        """State to *agent*, at the end of the turn, what it should hold."""
        self.restated[agent.name] = agent

    def rehost(self, deaf: Host | None = None) -> None:
        """State to hosts, at the end of the turn, what they should run; to a *deaf* one again."""
        self.hosts_changed = True
        if deaf is not None:
            self.deaf_hosts.add(deaf.name)

    def show(self, agent: Agent) -> None:
        """Let everyone see what became of *agent*, unless it was forgotten."""
        if not agent.is_forgotten:
            self.effects.append(ShowAgent(agent.name))

    def drop(self, reason: str) -> None:
        """Count something that was ignored."""
        self.state.dropped[reason] += 1

    def move(self, task: Task, phase: Phase, outcome: TaskStatus | None = None) -> None:
        """Bring *task* into *phase*, keep count, and have it stored and shown."""
        before = task.status
        task.phase, task.outcome = phase, outcome
        after = task.status
        if before is not after:
            tally = self.state.tally
            tally[before, task.priority, task.mode] -= 1
            tally[after, task.priority, task.mode] += 1
        self.effects.append(SaveTask(task.id))
        if task.attempt is not None or outcome is not None or task.starts:
            self.effects.append(ShowTask(task.id))
