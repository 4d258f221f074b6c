"""What agents say: presence, info, heartbeat, metrics and reports."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from protocol.limits import MAX_HOLDINGS, MAX_METRICS, MAX_SLOTS
from protocol.messages.base import (
    BootId,
    Capability,
    Count,
    Flag,
    FromAgent,
    Label,
    Message,
    Percent,
    Seconds,
    TaskId,
    Text,
)
from protocol.vocabulary import HoldingPhase, PresenceState, ReportEvent

MetricName = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9_.]{1,64}$")]
MetricValue = Annotated[float, Field(strict=True)]


class Presence(FromAgent):
    """Whether the agent is there; also, with ``state`` lost, its last will.

    ``prev_boot`` is set when this process holds the machine's single-instance lock and so knows
    that the process of that boot is dead.
    """

    state: PresenceState
    reason: Text | None = None
    prev_boot: BootId | None = None


class ClientInfo(Message):
    """Which client library the agent speaks through."""

    name: Label
    version: Label
    lang: Label


class ProtocolRange(Message):
    """The protocol versions that the agent speaks."""

    min: Label = "1.0"
    max: Label = "1.0"


class Info(FromAgent):
    """What the agent is: machine and window, abilities, number of slots."""

    machine_id: Label
    window_id: Label
    capabilities: tuple[Capability, ...] = Field(default=(), max_length=64)
    labels: dict[Label, Text] = Field(default_factory=dict, max_length=64)
    slots: Annotated[int, Field(strict=True, ge=1, le=MAX_SLOTS)] = 1
    features: tuple[Label, ...] = Field(default=(), max_length=32)
    config_path: Text | None = None
    client: ClientInfo | None = None
    proto: ProtocolRange = ProtocolRange()
    heartbeat_s: Annotated[float, Field(strict=True, ge=0.05, le=3600)] = 10.0


class Holding(Message):
    """One assignment that the agent holds, from acceptance until its end is acknowledged."""

    task: TaskId
    fence: Count
    phase: HoldingPhase
    pct: Percent | None = None
    step: Text | None = None
    for_ms: Count = 0


class Seen(Message):
    """The newest ``desired`` that the agent applied, and the age of its newest lease."""

    term: Count = 0
    rev: Count = 0
    lease_age_ms: Count | None = None


class Heartbeat(FromAgent):
    """A sign of life, a renewal request, and the full list of what the agent holds."""

    interval_s: Annotated[float, Field(strict=True, ge=0.05, le=3600)]
    uptime_s: Seconds = 0.0
    mode: Label | None = None
    slots_free: Count = 0
    holding: tuple[Holding, ...] = Field(default=(), max_length=MAX_HOLDINGS)
    seen: Seen = Seen()
    report_seq: Count = 0
    outbox: Count = 0


class Metrics(FromAgent):
    """The agent's latest numbers; a number that is absent is not known."""

    m: dict[MetricName, MetricValue] = Field(max_length=MAX_METRICS)


class Failure(Message):
    """Why an assignment failed or was rejected."""

    code: Label
    message: Annotated[str, StringConstraints(strict=True, max_length=16_384)] = ""
    retryable: Flag = True
    retry_after_s: Seconds | None = None


class ReportDetail(Message):
    """What belongs to the event: the failure, the progress, or the result."""

    code: Label | None = None
    message: Annotated[str, StringConstraints(strict=True, max_length=16_384)] | None = None
    retryable: Flag | None = None
    retry_after_s: Seconds | None = None
    pct: Percent | None = None
    step: Text | None = None
    eta_s: Seconds | None = None
    result: Any = None
    ran_ms: Count | None = None


class Report(FromAgent):
    """One step in the life of one assignment, sent again until it is acknowledged.

    A report keeps the ``boot`` and ``seq`` it was born with, so that a restarted agent can send
    it again from its disk and it still counts once.
    """

    task: TaskId
    fence: Count
    event: ReportEvent
    detail: ReportDetail = ReportDetail()
