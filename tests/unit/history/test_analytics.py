"""Figures of what a fleet did: use, waits, failures, days, and what kept it from working."""

from coordinator.core.analytics import RUNNING, Run, days_of, failures, figures, quantile
from coordinator.core.civil import Period

HOUR = 3_600_000
DAY = 24 * HOUR
START = 1_800_057_600_000  # midnight UTC


def run(
    agent: str = "Main",
    mode: str = "quest",
    *,
    at_h: float = 0,
    hours: float = 1,
    outcome: str = "succeeded",
    wait_ms: int | None = None,
) -> Run:
    begin, ran = START + int(at_h * HOUR), int(hours * HOUR)
    return Run("t", "n", mode, agent, outcome, begin, begin, begin + ran, ran, wait_ms)


def test_use_is_the_share_of_an_agents_slots_within_the_span() -> None:
    span = Period(START, START + 10 * HOUR)
    runs = [run(at_h=-1, hours=2), run(at_h=4), run(at_h=9, hours=3)]
    main, idle = figures(runs, "agent", span, (), {"Main": 2, "Idle": 1})

    assert main.ran_ms == 3 * HOUR
    assert main.average_running == 0.3
    assert main.utilisation == 0.15
    assert (main.runs, idle.key, idle.runs, idle.utilisation) == (2, "Idle", 0, 0)


def test_a_run_over_midnight_counts_on_both_days() -> None:
    span = Period(START, START + 2 * DAY)
    days = days_of(span, "UTC")
    (quest,) = figures([run(at_h=23, hours=3)], "mode", span, days, {})

    assert quest.ran_per_day == (HOUR, 2 * HOUR)
    assert quest.utilisation is None


def test_days_are_those_of_the_plans_zone_also_when_the_clock_changes() -> None:
    autumn = 1_792_879_200_000  # 2026-10-25 00:00 in Berlin, a day of 25 hours
    days = days_of(Period(autumn, autumn + 26 * HOUR), "Europe/Berlin")

    assert [(day.end_ms - day.start_ms) // HOUR for day in days] == [25, 24]


def test_what_still_runs_counts_as_time_and_not_as_a_run() -> None:
    span = Period(START, START + 10 * HOUR)
    (main,) = figures([run(hours=10, outcome=RUNNING)], "agent", span, (), {})

    assert (main.runs, main.ran_ms, main.utilisation) == (0, 10 * HOUR, 1.0)
    assert main.failure_rate is None


def test_waits_and_failures_are_counted_by_agent_and_mode() -> None:
    span = Period(START, START + DAY)
    runs = [run(wait_ms=ms) for ms in range(100)]
    runs += [run("Bad", "pvp", outcome="failed"), run("Bad", "pvp"), run(outcome="cancelled")]
    main = next(one for one in figures(runs, "agent", span, (), {}) if one.key == "Main")

    assert (main.wait_p50_ms, main.wait_p95_ms) == (49, 94)
    assert (main.runs, main.succeeded, main.other) == (101, 100, 1)
    assert failures(runs, span)[0] == ("Bad", "pvp", 2, 1)
    assert failures(runs, Period(START + DAY, START + 2 * DAY)) == []


def test_a_quantile_of_nothing_is_nothing() -> None:
    assert quantile([], 0.5) is None
    assert quantile([7], 0.95) == 7
