"""Health: judged from samples against thresholds, and calm near them."""

import pytest

from coordinator.core.health import HealthRecord
from coordinator.core.policy import AgentPolicy, Threshold
from protocol.vocabulary import AgentHealth
from tests.support.fleet import Fleet

CPU = Threshold(warning=70.0, critical=90.0, high=100.0)
FPS = Threshold(warning=30.0, critical=20.0, high_is_bad=False)


def after(*samples: float, rule: Threshold = CPU) -> str:
    """Say how well an agent is after these samples of one metric."""
    record = HealthRecord()
    for sample in samples:
        record.sample({"m": rule}, {"m": sample})
    return record.tier.value


@pytest.mark.parametrize(
    ("samples", "tier"),
    [
        ([10], "healthy"),
        ([80], "healthy"),
        ([80, 80], "warning"),
        ([80, 10, 80], "healthy"),
        ([95, 95], "critical"),
        ([80, 95], "critical"),
        ([80, 80, 95], "warning"),
        ([80, 80, 95, 95], "critical"),
        ([70, 70], "warning"),
        ([69.9, 69.9], "healthy"),
    ],
)
def test_a_worse_tier_is_entered_after_two_samples_in_a_row(
    samples: list[float], tier: str
) -> None:
    assert after(*samples) == tier


def test_a_hard_threshold_needs_one_sample_only() -> None:
    assert after(95, rule=Threshold(warning=70.0, critical=90.0, hard=True)) == "critical"


@pytest.mark.parametrize(
    ("samples", "tier"),
    [
        ([50, 50], "warning"),
        ([50, 50, 50], "healthy"),
        ([65, 65, 65, 65], "warning"),
        ([50, 65, 50, 50], "warning"),
        ([50, 65, 50, 50, 50], "healthy"),
        ([50, 50, 75, 50, 50], "warning"),
    ],
)
def test_a_tier_is_left_after_three_samples_that_are_better_by_a_tenth(
    samples: list[float], tier: str
) -> None:
    assert after(80, 80, *samples) == tier


def test_a_number_may_be_bad_when_it_is_low() -> None:
    assert after(25, 25, rule=FPS) == "warning"
    assert after(15, 15, rule=FPS) == "critical"
    assert after(15, 15, 60, 60, 60, rule=FPS) == "healthy"
    assert after(25, 25, 32, 32, 32, rule=FPS) == "warning"


def test_an_agent_is_as_well_as_its_worst_metric_and_says_why() -> None:
    record = HealthRecord()
    for _ in range(2):
        record.sample({"cpu_usage": CPU, "fps": FPS}, {"cpu_usage": 95.0, "fps": 25.0})

    assert record.tier is AgentHealth.CRITICAL
    assert record.reasons == ("cpu_usage 95 above 90 (critical)", "fps 25 below 30 (warning)")


def test_a_metric_that_is_absent_or_impossible_says_nothing() -> None:
    record = HealthRecord()
    record.sample({"cpu_usage": CPU, "fps": FPS}, {"cpu_usage": 400.0, "fps": 60.0})

    assert record.tier is AgentHealth.HEALTHY


def test_health_is_unknown_without_any_metric_or_without_a_required_one() -> None:
    record = HealthRecord()
    tiers = [record.tier.value]
    required = Threshold(warning=1.0, critical=2.0, required=True)
    for rules, metrics in (
        ({"cpu_usage": CPU}, {"cpu_usage": 10.0}),
        ({"cpu_usage": CPU}, {}),
        ({"lag": required}, {"cpu_usage": 10.0}),
    ):
        record.sample(rules, metrics)
        tiers.append(record.tier.value)

    assert tiers == ["unknown", "healthy", "unknown", "unknown"]
    assert record.reasons == ("lag is required and not known",)


def test_it_says_whether_anything_changed() -> None:
    record = HealthRecord()

    assert record.sample({"m": CPU}, {"m": 10.0})
    assert not record.sample({"m": CPU}, {"m": 11.0})
    assert not record.sample({"m": CPU}, {"m": 80.0})
    assert record.sample({"m": CPU}, {"m": 80.0})


def test_a_change_of_health_is_told_once() -> None:
    fleet = Fleet(unlisted=AgentPolicy("", thresholds={"cpu_usage": CPU}))
    fleet.agent("Main")
    fleet.measure("Main", cpu_usage=95.0)
    assert fleet.stories() == []
    fleet.measure("Main", cpu_usage=95.0)
    assert fleet.stories() == ["health"]
    fleet.measure("Main", cpu_usage=95.0)
    assert fleet.stories() == []


def test_the_health_of_a_lost_agent_is_unknown() -> None:
    fleet = Fleet()
    fleet.agent("Main")
    before = fleet.state.agents["Main"].tier
    fleet.crash("Main")
    fleet.pass_time(70)

    assert before is AgentHealth.HEALTHY
    assert fleet.state.agents["Main"].tier is AgentHealth.UNKNOWN
