"""Alerts and channels as the API shows them."""

from typing import Literal

from pydantic import Field

from coordinator.core.alerts.words import AlertSeverity, AlertWhen
from coordinator.http.schemas.base import Asked, Instant, Said

AlertState = Literal["open", "acknowledged", "resolved"]


class Alert(Said):
    """Something that is, or was, worth a person's attention."""

    id: str
    rule: str = Field(description="The name of the rule, in the plan or by default")
    when: AlertWhen
    cause: str = Field(description="What its subjects have in common, such as a machine")
    severity: AlertSeverity
    state: AlertState
    title: str = Field(description="One sentence")
    text: str = Field(description="The same, with how long it lasts")
    subjects: list[str] = Field(description="Agents, tasks or limits; at most 100 are named")
    count: int = Field(description="How many subjects there are")
    most: int = Field(description="How many there were at once")
    since: Instant
    resolved_at: Instant | None = None
    acknowledged_by: str | None = None
    told_at: Instant | None = Field(None, description="When a message of it was sent last")


class ChannelStatus(Said):
    """A channel of the plan, and what became of its messages since the control room started."""

    name: str
    enabled: bool
    min_severity: AlertSeverity
    address_from: str = Field(description="The variable or file that holds the address")
    waiting: int
    sent: int
    failed: int
    dropped: int
    last_error: str | None = None


class Alerts(Said):
    """The alerts, newest first, and where they go."""

    items: list[Alert]
    next_cursor: str | None = None
    total: int
    open: int
    channels: list[ChannelStatus]


class TestAlert(Asked):
    """Which channel to try."""

    channel: str = Field(min_length=1, max_length=128)
