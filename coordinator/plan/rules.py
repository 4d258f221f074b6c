"""Anti-pattern rules: what must not happen again too soon, too late at night or for too long."""

from typing import Annotated, Literal

from pydantic import Field

from coordinator.plan.base import Part
from coordinator.plan.hours import EVERY_DAY, Days
from coordinator.plan.values import Agent, AtLeastOne, Clock, Duration, EndClock, Name, Text, Zone


class RecentFailure(Part):
    """After ``max_failures`` failures within ``window``, wait ``timeout``; then one probe decides.

    ``window`` is as long as ``timeout`` unless it is given; every opening in a row doubles the
    wait up to ``max_timeout``, by default eight times ``timeout``.
    """

    type: Literal["recent_failure"]
    timeout: Duration
    max_failures: AtLeastOne
    window: Duration | None = None
    max_timeout: Duration | None = None
    scope: Literal["agent_type", "agent", "type"] = "agent_type"
    description: Text = ""


class IdleBlock(Part):
    """Nothing starts in this range of local time: on no agent, or on those of ``applies_to``."""

    type: Literal["idle_block"]
    idle_start: Clock
    idle_end: EndClock
    days_of_week: Days = EVERY_DAY
    timezone: Zone | None = None
    applies_to: Annotated[tuple[Agent, ...], Field(min_length=1)] | None = None
    description: Text = ""


class TaskCooldownRule(Part):
    """The least time between two runs of one type on one agent, or of one key in the fleet."""

    type: Literal["task_cooldown"]
    min_interval: Duration
    measured_from: Literal["start", "end"] = Field(default="end", alias="from")
    cooldown_key: Name | None = None
    description: Text = ""


class RestRule(Part):
    """After so much continuous work, rest; gaps shorter than ``merge_gap`` count as work."""

    type: Literal["rest"]
    after: Duration
    rest: Duration = Field(alias="for")
    merge_gap: Duration = 60.0
    description: Text = ""


Rule = Annotated[
    RecentFailure | IdleBlock | TaskCooldownRule | RestRule, Field(discriminator="type")
]
