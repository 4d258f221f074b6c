"""The words of alerts: what can raise one, and how loud it is."""

from enum import StrEnum


class AlertWhen(StrEnum):
    """What can raise an alert."""

    AGENT_OFFLINE = "agent_offline"
    """An agent was lost; one that said goodbye has not gone missing."""
    AGENT_UNHEALTHY = "agent_unhealthy"
    """A metric of an agent is beyond a threshold."""
    AGENT_CONFLICT = "agent_conflict"
    """Two agents use one window, or an agent starts over and over under one name."""
    TASK_FAILED = "task_failed"
    """A task failed for good."""
    TASK_WAITING = "task_waiting"
    """A task waits for longer than ``after``, for another reason than the plan's own hours."""
    TASK_IMPOSSIBLE = "task_impossible"
    """A task waits for what does not come by waiting, such as an ability that no agent has."""
    LIMIT_SATURATED = "limit_saturated"
    """A limit is used up while tasks wait for it."""
    ERROR_BUDGET = "error_budget"
    STORE_TROUBLE = "store_trouble"
    """The coordinator cannot write its store, or the store cannot be read."""
    BUS_TROUBLE = "bus_trouble"
    """The broker does not answer."""
    COORDINATOR_GONE = "coordinator_gone"
    PLAN_REFUSED = "plan_refused"
    BACKUP_FAILED = "backup_failed"


class AlertSeverity(StrEnum):
    """How loud an alert is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Greater is louder."""
        return _RANK[self]


_RANK = {AlertSeverity.INFO: 0, AlertSeverity.WARNING: 1, AlertSeverity.CRITICAL: 2}
