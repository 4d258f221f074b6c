"""Whatever happens to a fleet: alerts end, messages are few, and maintenance is silent."""

from collections import Counter
from dataclasses import replace
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.core.alerts.observation import (
    AgentSeen,
    FailedTask,
    Happening,
    Observation,
    Waiting,
)
from coordinator.core.alerts.rules import HOUR_MS
from coordinator.core.alerts.telling import ALERT_PER_HOUR, RULE_PER_HOUR, News
from protocol.vocabulary import AgentHealth, CoordinatorState
from tests.support.alert_watch import CALM, START_MS, AlertWatch

AGENTS = st.builds(
    AgentSeen,
    name=st.sampled_from(["a", "b", "c", "d", "e"]),
    machine=st.sampled_from(["host-a", "host-b"]),
    is_gone=st.booleans(),
    health=st.sampled_from(list(AgentHealth)),
    in_maintenance=st.booleans(),
)
FAILED = st.builds(
    FailedTask, task=st.sampled_from(["t1", "t2", "t3"]), mode=st.sampled_from(["m", "n"])
)
KINDS = st.sampled_from(["backup_failed", "backup_made", "plan_refused", "plan_applied"])
OBSERVATIONS = st.builds(
    Observation,
    bus=st.sampled_from([True, True, True, False]),
    coordinator=st.sampled_from(
        [CoordinatorState.ONLINE, CoordinatorState.ONLINE, CoordinatorState.OFFLINE, None]
    ),
    agents=st.none() | st.lists(AGENTS, max_size=5, unique_by=lambda a: a.name).map(tuple),
    waiting=st.just(()) | st.just((Waiting("NO_CAPABLE_AGENT", 1, "t1", START_MS, START_MS),)),
    limits=st.just({}),
    failed=st.lists(FAILED, max_size=3).map(tuple),
)
STEPS = st.lists(
    st.tuples(OBSERVATIONS, st.lists(KINDS, max_size=2), st.sampled_from([1, 7, 45, 90, 400])),
    max_size=60,
)


def live(steps: list[tuple[Observation, list[str], int]]) -> AlertWatch:
    """Live through *steps*, each seen every ten seconds for as long as it says."""
    watch, numbers = AlertWatch(repeat_ms=60_000), count(1)
    for seen, kinds, seconds in steps:
        news = tuple(Happening(next(numbers), watch.now_ms, kind) for kind in kinds)
        watch.last(seconds, replace(seen, happenings=news), step_s=10)
    return watch


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_every_alert_is_open_or_over_and_calm_ends_them_all(
    steps: list[tuple[Observation, list[str], int]],
) -> None:
    watch = live(steps)
    still = {alert.id for alert in watch.state.alerts.values()}
    assert all(alert.resolved_ms is not None or alert.id in still for alert in watch.ever.values())

    watch.last(1, replace(CALM, happenings=(Happening(10**6, 0, "backup_made"),)))
    watch.last(1, replace(CALM, happenings=(Happening(10**6 + 1, 0, "plan_applied"),)))
    watch.last(3 * 3600, step_s=30)
    assert watch.state.alerts == {}
    assert watch.state.watched == {}
    assert all(alert.resolved_ms is not None for alert in watch.ever.values())


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_of_one_alert_and_of_one_rule_there_are_few_messages_in_any_hour(
    steps: list[tuple[Observation, list[str], int]],
) -> None:
    watch = live(steps)
    for end_ms, _ in watch.notices:
        hour = [n for at_ms, n in watch.notices if end_ms - HOUR_MS < at_ms <= end_ms]
        by_rule = Counter(notice.rule for notice in hour)
        by_alert = Counter(alert.key for notice in hour for alert in notice.alerts)
        assert max(by_rule.values()) <= RULE_PER_HOUR
        assert max(by_alert.values()) <= ALERT_PER_HOUR


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_nothing_is_told_of_who_is_in_maintenance(
    steps: list[tuple[Observation, list[str], int]],
) -> None:
    watch = AlertWatch(repeat_ms=60_000)
    for seen, _, seconds in steps:
        told_before = len(watch.notices)
        watch.last(seconds, seen, step_s=10)
        if not seen.bus or seen.agents is None or seen.coordinator is not CoordinatorState.ONLINE:
            continue  # then nobody can know
        silent = {agent.name for agent in seen.agents if agent.in_maintenance}
        for _, notice in watch.notices[told_before:]:
            for alert in notice.alerts:
                assert silent.isdisjoint(alert.subjects)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_the_end_is_told_of_what_was_told_and_only_of_that(
    steps: list[tuple[Observation, list[str], int]],
) -> None:
    watch = live(steps)
    told: set[int] = set()
    for _, notice in watch.notices:
        for alert in notice.alerts:
            if notice.news is News.RESOLVED:
                assert alert.id in told
                told.remove(alert.id)
            else:
                told.add(alert.id)
