"""The timeline: attempts as bars, and the hours of the plan as shades behind them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from coordinator.core.analytics import RUNNING, Run
from coordinator.core.civil import Window, hours_windows, intervals
from coordinator.core.policy import Policy
from coordinator.http.schemas.analytics import Bar, Shade
from coordinator.http.schemas.base import instant

MOST_SHADES: Final = 5_000


def bar_of(run: Run) -> Bar:
    """Show one attempt."""
    return Bar.model_construct(
        task=run.task,
        name=run.name,
        mode=run.mode,
        agent=run.agent,
        fence=run.fence,
        outcome=run.outcome,
        offered_at=instant(run.offered_ms),
        started_at=instant(run.started_ms),
        ended_at=None if run.outcome == RUNNING else instant(run.ended_ms),
    )


def shades_of(policy: Policy, agents: Sequence[str], from_ms: int, until_ms: int) -> list[Shade]:
    """Show when windows are open and blocks hold, for *agents*, or for all if none is named."""
    found: list[Shade] = []
    for kind, owner, window in _windows(policy, agents):
        for start_ms, end_ms in intervals(window, from_ms, until_ms):
            if len(found) >= MOST_SHADES:
                return found
            shade = {
                "kind": kind,
                "name": window.reason or window.name,
                "agent": owner,
                "from": instant(start_ms),
                "until": instant(end_ms),
            }
            found.append(Shade.model_validate(shade))
    return found


def _windows(policy: Policy, agents: Sequence[str]) -> Iterator[tuple[str, str | None, Window]]:
    for window in policy.windows.values():
        yield "window", None, window
    yield from (("idle_block", None, window) for window in policy.idle_blocks)
    named = {name: policy.agent(name) for name in agents} if agents else policy.agents
    for name, own in named.items():
        parts: tuple[tuple[str, Iterable[Window]], ...] = (
            ("idle_block", own.cooldown_periods),
            ("avoid_hours", hours_windows(own.avoid_hours, own.zone, "avoid")),
            ("preferred_hours", hours_windows(own.preferred_hours, own.zone, "preferred")),
        )
        for kind, windows in parts:
            yield from ((kind, name, window) for window in windows)
