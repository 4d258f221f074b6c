"""Health: how well an agent is, judged from its metrics against the plan's thresholds.

Each metric has a tier. A worse tier is entered after two samples in a row (one, for a *hard*
threshold) and left after three that are better by a tenth, so that a number that trembles at its
threshold does not make an agent tremble. The agent is as well as its worst metric; with no usable
metric its health is unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from coordinator.core.policy import Threshold
from protocol.vocabulary import AgentHealth

SAMPLES_TO_WORSEN: Final = 2
SAMPLES_TO_RECOVER: Final = 3
HYSTERESIS: Final = 0.1

_SEVERITY: Final = {
    AgentHealth.HEALTHY: 0,
    AgentHealth.WARNING: 1,
    AgentHealth.CRITICAL: 2,
}


@dataclass(slots=True)
class _MetricHealth:
    tier: AgentHealth = AgentHealth.HEALTHY
    worse: int = 0
    better: int = 0
    value: float = 0.0
    known: bool = False


@dataclass(slots=True)
class HealthRecord:
    """The health of one agent and what it rests on."""

    tier: AgentHealth = AgentHealth.UNKNOWN
    reasons: tuple[str, ...] = ()
    _metrics: dict[str, _MetricHealth] = field(default_factory=dict)

    def sample(self, thresholds: Mapping[str, Threshold], metrics: Mapping[str, float]) -> bool:
        """Judge one set of metrics; say whether tier or reasons changed."""
        for name, threshold in thresholds.items():
            record = self._metrics.setdefault(name, _MetricHealth())
            value = metrics.get(name)
            if value is None or not threshold.low <= value <= threshold.high:
                record.known = False
                continue
            first, record.known, record.value = not record.known, True, value
            self._judge(record, threshold, value, first=first)
        return self._conclude(thresholds, any_metric=bool(metrics))

    def forget(self) -> bool:
        """Know nothing any more, as after too long a silence; say whether that changed anything."""
        self._metrics.clear()
        changed = self.tier is not AgentHealth.UNKNOWN
        self.tier, self.reasons = AgentHealth.UNKNOWN, ()
        return changed

    @staticmethod
    def _judge(record: _MetricHealth, rule: Threshold, value: float, *, first: bool) -> None:
        now = _tier_of(value, rule, 0.0)
        if first:
            record.tier, record.worse, record.better = AgentHealth.HEALTHY, 0, 0
        if _SEVERITY[now] > _SEVERITY[record.tier]:
            record.worse, record.better = record.worse + 1, 0
            if rule.hard or record.worse >= SAMPLES_TO_WORSEN:
                record.tier, record.worse = now, 0
            return
        record.worse = 0
        clearly = _tier_of(value, rule, HYSTERESIS)
        if _SEVERITY[clearly] < _SEVERITY[record.tier]:
            record.better += 1
            if record.better >= SAMPLES_TO_RECOVER:
                record.tier, record.better = clearly, 0
        else:
            record.better = 0

    def _conclude(self, thresholds: Mapping[str, Threshold], *, any_metric: bool) -> bool:
        tier, reasons = AgentHealth.HEALTHY, []
        for name, rule in thresholds.items():
            record = self._metrics[name]
            if not record.known:
                if rule.required:
                    return self._become(AgentHealth.UNKNOWN, (f"{name} is required and not known",))
                continue
            if record.tier is AgentHealth.HEALTHY:
                continue
            bound = rule.critical if record.tier is AgentHealth.CRITICAL else rule.warning
            side = "above" if rule.high_is_bad else "below"
            reasons.append(f"{name} {record.value:g} {side} {bound:g} ({record.tier.value})")
            if _SEVERITY[record.tier] > _SEVERITY[tier]:
                tier = record.tier
        if not any_metric:
            return self._become(AgentHealth.UNKNOWN, ())
        return self._become(tier, tuple(reasons))

    def _become(self, tier: AgentHealth, reasons: tuple[str, ...]) -> bool:
        changed = (tier, reasons) != (self.tier, self.reasons)
        self.tier, self.reasons = tier, reasons
        return changed


def _tier_of(value: float, rule: Threshold, inside: float) -> AgentHealth:
    """Judge one value; *inside* demands that it be better than a threshold by that share."""
    if rule.high_is_bad:
        if value >= rule.critical * (1 - inside):
            return AgentHealth.CRITICAL
        return AgentHealth.WARNING if value >= rule.warning * (1 - inside) else AgentHealth.HEALTHY
    if value <= rule.critical * (1 + inside):
        return AgentHealth.CRITICAL
    return AgentHealth.WARNING if value <= rule.warning * (1 + inside) else AgentHealth.HEALTHY
