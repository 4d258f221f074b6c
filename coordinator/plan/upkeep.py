"""The parts of a plan that keep a fleet in order: alerts, channels, copies, history and leases.

No secret stands in a plan, because plans are kept, compared and shown to people: a channel says
in which environment variable or file its address is.
"""

from pathlib import PurePath
from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, model_validator

from coordinator.core.alerts.words import AlertSeverity, AlertWhen
from coordinator.plan.base import Part
from coordinator.plan.thresholds import Thresholds
from coordinator.plan.values import AtLeastOne, Clock, Duration, Name, Span, Text, refusal
from protocol.vocabulary import Priority

VARIABLE: Final = r"^[A-Z_][A-Z0-9_]*$"


class AlertRule(Part):
    """Raise an alert when something has been so for ``after``, on the named channels."""

    when: AlertWhen
    after: Span = 0.0
    severity: AlertSeverity = AlertSeverity.WARNING
    notify: Annotated[tuple[Name, ...], Field(max_length=32)] = ()
    """Channels; none means every channel."""
    enabled: bool = True
    description: Text = ""


class Monitoring(Part):
    """Thresholds for every agent that has no such threshold of its own, and the alerts."""

    thresholds: Thresholds = Thresholds()
    alerts: dict[Name, AlertRule] = Field(default_factory=dict)
    description: Text = ""


class Channel(Part):
    """Where alerts go: an Apprise-style address, kept in an environment variable or a file."""

    url_env: Annotated[str, StringConstraints(pattern=VARIABLE)] | None = None
    url_file: Annotated[str, StringConstraints(min_length=1)] | None = None
    min_severity: AlertSeverity = AlertSeverity.WARNING
    enabled: bool = True
    description: Text = ""

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.url_env is None) == (self.url_file is None):
            raise refusal("needs either url_env or url_file, and not both")
        if self.url_file is not None and "://" in self.url_file:
            raise refusal("url_file names a file, not the address itself")
        return self

    @property
    def file(self) -> PurePath | None:
        """The file that holds the address, relative to the plan's folder unless absolute."""
        return PurePath(self.url_file) if self.url_file is not None else None


class QuietHours(Part):
    """When only critical alerts are sent, in the plan's zone."""

    start: Clock
    end: Clock


class Notifications(Part):
    """Who is told of alerts, and how often."""

    channels: dict[Name, Channel] = Field(default_factory=dict)
    quiet_hours: QuietHours | None = None
    repeat_after: Duration = 3600.0
    """The same alert is sent again no sooner than this."""
    description: Text = ""


class Backup(Part):
    """Copies of the store: how often, and how many are kept."""

    interval: Duration = 86_400.0
    keep: AtLeastOne = 7
    description: Text = ""


class Retention(Part):
    """How long history is kept."""

    tasks: Duration = 90 * 86_400.0
    """Finished tasks and their attempts."""
    events: Duration = 90 * 86_400.0
    metrics: Duration = 7 * 86_400.0
    description: Text = ""


class Leases(Part):
    """The terms on which work is lent; seconds, as in the protocol.

    ``heartbeat`` is for agents that state none. A lease is never shorter than ``min_heartbeats``
    heartbeats of its agent, and its margin never smaller than ``margin_share`` of it.
    """

    heartbeat: Annotated[float, Field(ge=0.1, le=3600)] = 10.0
    lease_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    margin_s: Annotated[float, Field(ge=0.05, le=600)] = 2.0
    margin_share: Annotated[float, Field(ge=0.01, le=0.4)] = 0.02
    min_heartbeats: Annotated[int, Field(ge=2, le=100)] = 4
    offer_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 15.0
    suspect_after_intervals: Annotated[float, Field(ge=1, le=100)] = 2.5


class Scheduling(Part):
    """How priorities age, how failures are retried, and how long ended tasks stay on the bus."""

    head_start: dict[Priority, Span] = Field(default_factory=dict)
    critical_max_share: Annotated[float, Field(gt=0, le=1)] = 0.8
    retry_base: Duration = 1.0
    retry_cap: Duration = 300.0
    task_ttl: Duration = 300.0
