"""The plan that a simulated coordinator begins with."""

from dataclasses import replace
from typing import Final

from coordinator.core.policy import LeasePolicy, Policy, Threshold
from tests.simulation.scenario import COMBAT_LIMIT, Shape

POLICY: Final = Policy(lease=LeasePolicy(margin_ms=1_000), retry_cap_ms=20_000)
THRESHOLDS: Final = {"cpu_usage": Threshold(warning=70, critical=90, hard=True)}


def plan_of(shape: Shape) -> Policy:
    """Return the plan for a fleet of *shape*, with the shorter of its leases."""
    return replace(
        POLICY,
        limits={"global": shape.global_limit, "mode:combat": COMBAT_LIMIT},
        unlisted=replace(POLICY.unlisted, thresholds=THRESHOLDS),
        lease=replace(POLICY.lease, lease_ms=shape.leases_ms[0]),
    )
