"""Agents as the coordinator knows them.

An agent is its name. Each start of its process is a *boot*; boots are ordered by ``epoch``, and
only the newest counts. What is said of liveness here is of this term of the coordinator and is
learnt again after a restart; what must survive is listed in :mod:`coordinator.core.records`.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from coordinator.core.health import HealthRecord
from coordinator.core.policy import AgentPolicy
from coordinator.core.queue.board import Board
from protocol.messages import Assignment, HostedAgent, Info
from protocol.vocabulary import AgentHealth, AgentMode, AgentStatus, HostedState, PresenceState

if TYPE_CHECKING:
    from coordinator.core.blocks import Block
    from coordinator.core.cooldowns import Cooldown
    from coordinator.core.queue.classes import AgentClass
    from coordinator.core.tasks import Task
    from coordinator.core.verbs import Verb
    from coordinator.core.why.obstacles import Obstacles

KEPT_BOOTS: Final = 16
_THERE: Final = frozenset({PresenceState.ONLINE, PresenceState.PAUSED, PresenceState.DRAINING})


@dataclass(slots=True)
class Ledger:
    """Which reports of one boot are stored: all up to ``ack``, and some beyond a gap."""

    ack: int = 0
    beyond: set[int] = field(default_factory=set)

    def has(self, seq: int) -> bool:
        """Say whether report *seq* is stored already."""
        return seq <= self.ack or seq in self.beyond

    def add(self, seq: int) -> None:
        """Note that report *seq* is stored."""
        self.beyond.add(seq)
        while self.ack + 1 in self.beyond:
            self.ack += 1
            self.beyond.discard(self.ack)


@dataclass(frozen=True, slots=True)
class DesiredState:
    """What one boot of an agent should hold: the content of one ``desired``, fixed by its rev."""

    agent: str
    boot: str
    rev: int
    as_of: int
    mode: AgentMode
    report_ack: dict[str, int]
    tasks: tuple[Assignment, ...]


@dataclass(slots=True)
class Agent:
    """One agent, from the first time that it was heard of or planned."""

    name: str
    policy: AgentPolicy

    # What it said of itself.
    info: Info | None = None
    epoch: int = 0
    boot: str | None = None
    prev_boot: str | None = None
    presence: PresenceState = PresenceState.OFFLINE
    conn: int = 0
    mode: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    last_heartbeat_wall_ms: int | None = None

    # What this term of the coordinator knows of its current boot.
    seq: int = 0
    metrics_seq: int = 0
    measured_ms: int | None = None
    """Monotonic time of the newest metrics of this boot."""
    heard_ms: int | None = None
    """Monotonic time at which the newest heartbeat was processed; ``None`` before the first."""
    awaited_ms: int = 0
    """Monotonic time since when a first heartbeat of this boot is waited for."""
    interval_ms: int = 10_000
    suspect: bool = False
    lost: bool = False
    seen: tuple[int, int] = (0, 0)
    behind_since_ms: int | None = None
    rev: int = 0
    desired: DesiredState | None = None
    suspect_timer_ms: int | None = None

    # What it holds and has reported.
    held: "dict[str, Task]" = field(default_factory=dict)
    ledgers: dict[str, Ledger] = field(default_factory=dict)

    # What operators and rules say of it.
    desired_mode: AgentMode = AgentMode.ACTIVE
    verb: "Verb | None" = None
    blocks: "tuple[Block, ...]" = ()
    """What keeps it from starting anything, as last judged."""
    judge_again_ms: int = 0
    """When, on the wall clock, the blocks have to be judged again."""
    judge_timer_ms: int = 0
    """For which of these times a timer is set."""
    cooldowns: "dict[tuple[str, str], Cooldown]" = field(default_factory=dict)
    """By rule and type of task."""
    busy_since_ms: int | None = None
    idle_since_ms: int | None = None
    resting_until_ms: int | None = None
    host: str | None = None
    """Which host said of it last that it runs it."""
    hosted: HostedAgent | None = None
    dead_boot: str | None = None
    """The boot that its host knows to be dead: no word of it counts any more."""
    leaving: bool = False
    """Whether its pool gives it nothing new: it goes as soon as it holds nothing, or is gone."""
    forgotten_epoch: int = 0
    """Tombstone: boots up to this epoch are not welcome any more."""
    health: HealthRecord = field(default_factory=HealthRecord)
    errors_today: int = 0
    last_error: str | None = None

    weighs: tuple[str, int] = ("", 0)
    """On which machine how many of its tasks are counted."""

    # Where it stands in the queue.
    agent_class: "AgentClass | None" = None
    obstacles: "Obstacles | None" = None
    """What stood between it and any task when its place was settled last."""
    free: "dict[str, Agent]" = field(default_factory=dict)
    """Holds the agent itself while it could start something; what its own board looks at."""
    own_board: Board = field(init=False)
    """Tasks that ask for this agent and no other."""

    def __post_init__(self) -> None:
        self.own_board = Board(self.free)

    @property
    def is_free(self) -> bool:
        """Whether it could start something now."""
        return bool(self.free)

    @property
    def capabilities(self) -> frozenset[str]:
        """What the agent says it can do, or else what the plan says."""
        if self.info is not None and self.info.capabilities:
            return frozenset(self.info.capabilities)
        return self.policy.capabilities

    @property
    def machine(self) -> str:
        """On which machine it is, as it says, or else as the plan does."""
        return self.info.machine_id if self.info is not None else self.policy.machine_id

    @property
    def slots(self) -> int:
        """How many tasks it may hold at once: the least that it and the plan say."""
        said = self.info.slots if self.info is not None else 1
        return said if self.policy.slots is None else min(said, self.policy.slots)

    @property
    def is_forgotten(self) -> bool:
        """Whether it was forgotten, and no newer process of its name has come since."""
        return 0 < self.forgotten_epoch >= self.epoch

    @property
    def is_present(self) -> bool:
        """Whether it was heard in this term and nothing speaks against its being there."""
        return (
            self.heard_ms is not None
            and not self.suspect
            and not self.lost
            and self.presence in _THERE
        )

    @property
    def takes_work(self) -> bool:
        """Whether the agent and its operator let it have new work."""
        return self.presence is PresenceState.ONLINE and self.desired_mode is AgentMode.ACTIVE

    @property
    def status(self) -> AgentStatus:
        """The public status."""
        if self.lost or self.presence in {PresenceState.OFFLINE, PresenceState.LOST}:
            gave_up = self.hosted is not None and self.hosted.state is HostedState.ERROR
            return AgentStatus.ERROR if gave_up else AgentStatus.OFFLINE
        if self.is_in_maintenance:
            return AgentStatus.MAINTENANCE
        if self.held:
            return AgentStatus.BUSY
        return AgentStatus.ONLINE if self.heard_ms is None else AgentStatus.IDLE

    @property
    def is_in_maintenance(self) -> bool:
        """Whether an operator keeps it for maintenance tasks."""
        return self.verb is not None and self.verb.kind == "maintenance"

    @property
    def tier(self) -> AgentHealth:
        """The present health."""
        return self.health.tier

    def long_gone(self) -> list[str]:
        """Name the boots whose ledgers are given up when that of one more is opened."""
        too_many = max(0, len(self.ledgers) - KEPT_BOOTS + 1)
        return [boot for boot in self.ledgers if boot != self.boot][:too_many]

    def acks(self) -> dict[str, int]:
        """Say which reports of which boots are stored."""
        return {boot: ledger.ack for boot, ledger in self.ledgers.items() if ledger.ack}
