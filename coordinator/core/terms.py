"""The terms of a task: what its author asked for beyond a name and a mode.

Many tasks have the same terms, so equal terms are one object, and the queue can treat tasks of
equal terms alike.
"""

from dataclasses import dataclass

from protocol.vocabulary import AgentHealth, OnLeaseLost


@dataclass(frozen=True, slots=True)
class Terms:
    """Conditions under which a task may start, and how it is run and repeated."""

    capabilities: frozenset[str] = frozenset()
    min_health: AgentHealth | None = None
    concurrency_key: str | None = None
    run_limit_ms: int | None = None
    progress_limit_ms: int | None = None
    cancel_grace_ms: int = 5_000
    max_attempts: int = 3
    on_lease_lost: OnLeaseLost = OnLeaseLost.STOP
    estimated_ms: int | None = None
