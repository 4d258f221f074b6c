"""The terms of a task: what its author asked for beyond a name and a mode.

Many tasks have the same terms, so equal terms are one object, and the queue can treat tasks of
equal terms alike.
"""

from dataclasses import dataclass

from protocol.vocabulary import AgentHealth, OnLeaseLost


@dataclass(frozen=True, slots=True)
class Terms:
    """Conditions under which a task may start, and how it is run and repeated.

    A task with a cap, a cooldown or a rule of its own is one of a *series*: it shares them with
    all tasks of its ``name``.
    """

    capabilities: frozenset[str] = frozenset()
    min_health: AgentHealth | None = None
    allows_unknown_health: bool = False
    windows: tuple[str, ...] = ()
    """Names of windows, one of which must be open."""
    must_fit: bool = False
    """Do not start what is not expected to end before the window closes."""
    daily_cap: int | None = None
    weekly_cap: int | None = None
    cooldown_ms: int | None = None
    """The least time between two runs of this name on one agent."""
    cooldown_key: str | None = None
    """Under which key the plan's fleet-wide cooldowns apply."""
    max_failures: int | None = None
    """With ``failure_timeout_ms``: a failure cooldown of this name on one agent."""
    failure_timeout_ms: int | None = None
    failure_window_ms: int | None = None
    concurrency_key: str | None = None
    run_limit_ms: int | None = None
    progress_limit_ms: int | None = None
    cancel_grace_ms: int = 5_000
    max_attempts: int = 3
    on_lease_lost: OnLeaseLost = OnLeaseLost.STOP
    estimated_ms: int | None = None
