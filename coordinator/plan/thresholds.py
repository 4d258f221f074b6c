"""Thresholds: ``<metric>_max``, ``<metric>_min`` and ``<metric>_warning``, for any metric.

``X_max`` says from where on an agent is critical when much of X is bad, ``X_min`` when little of
it is; ``X_warning`` is where the warning begins, by default 90 % of the way. The plan's short
names of the known metrics are translated to those on the bus here and nowhere else.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final, Self

from pydantic import ConfigDict, Field, model_validator

from coordinator.plan.base import Part
from coordinator.plan.values import unknown_keys

Bound = Annotated[float, Field(ge=0, le=2**53)]

NEVER_CRITICAL: Final = float(2**53)
"""The critical bound of a metric that has a warning only."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric with a name of its own in the plan, its unit and its physical range."""

    on_bus: str
    unit: str
    high_is_bad: bool = True
    high: float = float(2**53)


KNOWN_METRICS: Final = MappingProxyType(
    {
        "cpu": Metric("cpu_usage", "%", high=100.0),
        "memory": Metric("memory_usage", "%", high=100.0),
        "response_time": Metric("response_time", "ms"),
        "network_latency": Metric("network_latency", "ms"),
        "fps": Metric("fps", "frames per second", high_is_bad=False),
    }
)
ENDINGS: Final = ("_max", "_min", "_warning")
KNOWN_KEYS: Final = tuple(
    f"{name}{ending}"
    for name, metric in KNOWN_METRICS.items()
    for ending in ("_max" if metric.high_is_bad else "_min", "_warning")
)


class Thresholds(Part):
    """When the metrics of an agent make it less healthy."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Bound] = Field(init=False)  # type: ignore[mutable-override]  # pydantic checks extra keys by it

    required: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    """Metrics without which the agent's health is unknown."""
    hard: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    """Metrics of which a single bad sample is enough."""

    @model_validator(mode="after")
    def _only_known_endings(self) -> Self:
        strange = [key for key in self.bounds if not key.endswith(ENDINGS)]
        if strange:
            raise unknown_keys(strange, KNOWN_KEYS, "must be <metric>_max, _min or _warning")
        return self

    @property
    def bounds(self) -> dict[str, float]:
        """Every key that was written, with its number."""
        return dict(self.__pydantic_extra__ or {})

    def metrics(self) -> list[str]:
        """Return the plan's names of all metrics that have a bound, in order."""
        return sorted({key.rpartition("_")[0] for key in self.bounds})
