"""What the fleet did, as the API shows it: figures, series, and a timeline."""

from typing import Literal

from pydantic import Field

from coordinator.http.schemas.base import Instant, Said


class Totals(Said):
    """The figures of the whole fleet. Durations are seconds."""

    runs: int
    succeeded: int
    failed: int
    other: int
    failure_rate: float | None
    ran_s: float
    average_running: float
    utilisation: float | None
    wait_p50_s: float | None
    wait_p95_s: float | None
    run_p50_s: float | None
    run_p95_s: float | None
    agents: int
    modes: int


class Figures(Said):
    """The figures of one agent or one mode. Durations are seconds."""

    key: str
    runs: int = Field(description="Attempts that ended")
    succeeded: int
    failed: int
    other: int = Field(description="Cancelled, lost, refused")
    failure_rate: float | None = Field(description="Failed of those that succeeded or failed")
    ran_s: float
    average_running: float = Field(description="Attempts that ran at once, on average")
    utilisation: float | None = Field(description="Of an agent: the share of its slots in use")
    wait_p50_s: float | None
    wait_p95_s: float | None
    run_p50_s: float | None
    run_p95_s: float | None
    ran_per_day_s: list[float] = Field(description="In the order of `days`")


class FailureCell(Said):
    """How often one mode failed on one agent."""

    agent: str
    mode: str
    runs: int
    failed: int


class LostTime(Said):
    """Agents' time without work for one reason."""

    code: str
    agent_hours: float


class LostTimes(Said):
    """Agents' time without work, as far as the control room looked."""

    covered_s: float
    reasons: list[LostTime]


class Analytics(Said):
    """What the fleet did from ``from`` to ``until``."""

    fleet_name: str
    timezone: str
    from_: Instant = Field(alias="from")
    until: Instant
    days: list[str] = Field(description="The civil days of the plan's zone")
    is_cut_off: bool = Field(description="There were more attempts than are looked at")
    totals: Totals
    agents: list[Figures]
    modes: list[Figures]
    failures: list[FailureCell]
    lost: LostTimes


class Points(Said):
    """One series: the start of each bucket, and what was measured in it."""

    name: str
    at: list[Instant]
    mean: list[float]
    low: list[float]
    high: list[float]


class SeriesPage(Said):
    """Series of one agent, or of the fleet, in one resolution."""

    subject: str = Field(description="An agent; empty for the fleet")
    step_s: int
    series: list[Points]


class Bar(Said):
    """One attempt."""

    task: str
    name: str
    mode: str
    agent: str
    fence: int
    outcome: str = Field(description="`running` while it has none")
    offered_at: Instant
    started_at: Instant | None
    ended_at: Instant | None


class Shade(Said):
    """A range of time with a meaning."""

    kind: Literal["window", "idle_block", "avoid_hours", "preferred_hours"]
    name: str
    agent: str | None = Field(description="Nothing: it holds for every agent")
    from_: Instant = Field(alias="from")
    until: Instant


class Timeline(Said):
    """Attempts as bars, and the plan's hours as shades."""

    from_: Instant = Field(alias="from")
    until: Instant
    bars: list[Bar]
    shades: list[Shade]
    agents: list[str] = Field(description="Everybody who had an attempt in this time")
    is_cut_off: bool = Field(description="There are more bars than are told, older ones")
