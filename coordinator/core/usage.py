"""Usage: what has been counted in the current day or week, and survives a restart.

A period never comes back: when the clock is set back, the one that was current stays current, so
nothing that was used up is to be had a second time.
"""

from dataclasses import dataclass

from coordinator.core.civil.periods import Period, day_of, week_of
from coordinator.core.policy import Policy

DAY = "day"
WEEK = "week"


@dataclass(slots=True)
class Usage:
    """A number that begins at zero with every period."""

    key: str
    unit: str
    """``day`` or ``week``."""
    period: Period
    amount: int = 0

    def at(self, policy: Policy, wall_ms: int) -> int:
        """Return what is used of the period that holds *wall_ms*, which becomes current."""
        if wall_ms >= self.period.end_ms:
            self.period = self.period.then(period_of(policy, self.unit, wall_ms), wall_ms)
            self.amount = 0
        return self.amount


def period_of(policy: Policy, unit: str, wall_ms: int) -> Period:
    """Return the day or week of the plan's zone that holds *wall_ms*."""
    if unit == DAY:
        return day_of(wall_ms, policy.zone, policy.day_start_min)
    return week_of(wall_ms, policy.zone, policy.week_start, policy.day_start_min)
