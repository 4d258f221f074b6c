"""The closed sets of words that stand in messages, in the plan and on the screen.

Their values are what people type and read; they never change within a protocol version.
"""

from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Final


class Word(StrEnum):
    """One word of a closed set."""

    if not TYPE_CHECKING:
        # As in its base, where each look costs two calls of Python; a task is worth thirty looks.
        value = property(attrgetter("_value_"))


class AgentStatus(Word):
    """What an agent is doing, as the coordinator sees it."""

    ONLINE = "online"
    OFFLINE = "offline"
    BUSY = "busy"
    IDLE = "idle"
    ERROR = "error"
    MAINTENANCE = "maintenance"


class AgentHealth(Word):
    """How well an agent is, judged from its metrics."""

    HEALTHY = "healthy"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


class AgentCapability(Word):
    """The capabilities of the original fleet; any other lower-case word is as good."""

    QUEST = "quest"
    COMBAT = "combat"
    CRAFTING = "crafting"
    FARMING = "farming"
    MEDIC_FOLLOW = "medic_follow"
    PVP = "pvp"
    TRADING = "trading"
    EXPLORATION = "exploration"
    SOCIAL = "social"


class Priority(Word):
    """How urgent a task is, most urgent first."""

    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"
    MAINTENANCE = "maintenance"


class TaskStatus(Word):
    """The public status of a task; ``phase`` says more."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"

    @property
    def is_terminal(self) -> bool:
        """Whether a task in this status never changes again."""
        return self in _TERMINAL


_TERMINAL = frozenset({TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED})


class Constraint(Word):
    """What a task may ask for in its ``constraints``."""

    DAILY_CAP = "daily_cap"
    WEEKLY_CAP = "weekly_cap"
    TIME_WINDOW = "time_window"
    AGENT_CAPABILITY = "agent_capability"
    MIN_HEALTH = "min_health"
    ALLOW_UNKNOWN_HEALTH = "allow_unknown_health"
    COOLDOWN = "cooldown"
    COOLDOWN_KEY = "cooldown_key"
    MUST_FIT = "must_fit"


class PresenceState(Word):
    """What an agent says of itself; ``lost`` is said by its last will."""

    ONLINE = "online"
    DRAINING = "draining"
    PAUSED = "paused"
    OFFLINE = "offline"
    LOST = "lost"


class HostedState(Word):
    """How it is with an agent on its host.

    ``waiting``: it ended and is started again in a moment. ``error``: it ended too often and is not
    started again until somebody asks for it. ``stopped``: it ended by itself, or was to end.
    """

    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    WAITING = "waiting"
    ERROR = "error"


class CoordinatorState(Word):
    """What the coordinator says of itself; ``offline`` is also its last will.

    ``safe``: its store cannot be written, so it assigns nothing, grants no lease and takes no
    request that changes something, but answers questions; the presence says why.
    """

    RECOVERING = "recovering"
    ONLINE = "online"
    DRAINING = "draining"
    SAFE = "safe"
    OFFLINE = "offline"


class HoldingPhase(Word):
    """How far an agent is with an assignment that it holds."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    REPORTING = "reporting"


LEAVING: Final = "leaving"
"""Code of a rejection by a process that is about to end: its successor may have the task."""


class ReportEvent(Word):
    """A step in the life of one assignment."""

    STARTED = "started"
    PROGRESS = "progress"
    PAUSED = "paused"
    RESUMED = "resumed"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"
    REJECTED = "rejected"

    @property
    def is_terminal(self) -> bool:
        """Whether the agent has let go of the assignment."""
        return self in _REPORT_ENDS


_REPORT_ENDS = frozenset(
    {
        ReportEvent.SUCCEEDED,
        ReportEvent.FAILED,
        ReportEvent.CANCELLED,
        ReportEvent.ABANDONED,
        ReportEvent.REJECTED,
    }
)


class AgentMode(Word):
    """What the coordinator wants of an agent as a whole."""

    ACTIVE = "active"
    PAUSED = "paused"
    DRAIN = "drain"
    STOP = "stop"


class Want(Word):
    """What the coordinator wants of one assignment."""

    RUN = "run"
    PAUSE = "pause"
    CANCEL = "cancel"


class OnLeaseLost(Word):
    """What an agent does with a task whose lease runs out."""

    STOP = "stop"
    FINISH = "finish"


class SubmitOp(Word):
    """What a client may ask of the coordinator."""

    CREATE = "create"
    CREATE_MANY = "create_many"
    """Create each of ``specs`` that can be; all of them in one commit."""
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    ACT_ON_MANY = "act_on_many"
    """Do ``verb`` to each of ``tasks`` that allows it."""
    GET = "get"
    LOOK = "look"
    """Say why each of ``tasks`` waits, or which tasks wait for the reason ``key``."""
    WHY = "why"
    WHY_IDLE = "why_idle"
    WHY_SUMMARY = "why_summary"
    CORDON = "cordon"
    DRAIN = "drain"
    MAINTENANCE = "maintenance"
    RETURN = "return"
    """Take back what operators did to an agent."""
    FORGET = "forget"
    START = "start"
    """Have an agent of the plan started by the host of its machine."""
    STOP = "stop"
    RESTART = "restart"
    PAUSE_FLEET = "pause_fleet"
    RESUME_FLEET = "resume_fleet"
    HOLD = "hold"
    RELEASE = "release"
    RESET_BUDGET = "reset_budget"
    PLAN = "plan"


class PlanAction(Word):
    """What ``plan`` asks: to look at plans, or to put one in force."""

    SHOW = "show"
    HISTORY = "history"
    CHECK = "check"
    DIFF = "diff"
    PREVIEW = "preview"
    APPLY = "apply"
    ROLLBACK = "rollback"
