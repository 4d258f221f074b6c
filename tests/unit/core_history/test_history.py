from json import dumps, loads

import pytest

from coordinator.core import history as module
from coordinator.core.history import (
    FEW,
    HALF_LIFE,
    History,
    history_from,
    history_record,
)
from protocol.vocabulary import ReportEvent

SUCCEEDED, FAILED = ReportEvent.SUCCEEDED.value, ReportEvent.FAILED.value


def learnt(
    runs: int, agent: str = "Main", ms: int = 60_000, history: History | None = None
) -> History:
    history = history or History()
    for _ in range(runs):
        history.observe("combat", agent, ms, SUCCEEDED)
    return history


def test_an_estimate_says_that_it_rests_on_the_runs_of_the_mode_on_the_agent() -> None:
    history = learnt(37)

    expected = history.expected_ms("combat", "Main", 1)

    assert expected is not None
    assert expected.ms == pytest.approx(60_000, rel=0.02)
    assert expected.basis == "p50 of 37 runs on Main"


def test_with_few_runs_on_an_agent_an_estimate_rests_on_the_mode() -> None:
    history = learnt(FEW, "Other", 10_000, learnt(FEW - 1))

    expected = history.expected_ms("combat", "Main", share=0.9)

    assert expected is not None
    assert expected.ms == pytest.approx(60_000, rel=0.02)
    assert expected.basis == f"p90 of {2 * FEW - 1} runs of combat"
    assert history.expected_ms("combat", None, share=0.9) == expected


def test_with_few_runs_of_the_mode_the_author_is_believed() -> None:
    history = learnt(FEW - 1)

    assert history.expected_ms("combat", "Main", 777) == (777, "the task's own estimate")
    assert history.expected_ms("combat", "Main") is None


def test_an_agent_is_taken_for_average_until_it_shows_otherwise() -> None:
    history = learnt(200)
    assert history.success_rate("unheard of") == 0.5
    assert history.success_rate("combat", "New") == history.success_rate("combat") > 0.95

    for _ in range(10):
        history.observe("combat", "New", 5, FAILED)

    assert history.success_rate("combat", "New") < 0.2
    assert history.success_rate("combat", "Main") > 0.95


def test_the_rate_follows_a_change() -> None:
    history = learnt(1_000)
    for _ in range(2 * HALF_LIFE):
        history.observe("combat", "Main", 5, FAILED)

    assert history.success_rate("combat") == pytest.approx(0.25, abs=0.03)


def test_only_runs_that_succeeded_say_how_long_it_takes() -> None:
    history = learnt(FEW)
    for _ in range(50):
        history.observe("combat", "Main", 1, FAILED)

    pace = history.pace("combat", "Main")

    assert pace.durations.count == FEW
    for ms in (pace.p50_ms, pace.p90_ms, pace.p99_ms):
        assert ms == pytest.approx(60_000, rel=0.02)


@pytest.mark.parametrize("outcome", ["cancelled", "abandoned", "rejected", "lease_expired", "lost"])
def test_who_cancelled_or_lost_a_task_teaches_nothing(outcome: str) -> None:
    history = History()

    assert history.observe("combat", "Main", 5, outcome) == ()
    assert history.paces == {}


@pytest.mark.interpreted
def test_what_was_not_seen_for_longest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 3)
    history = History()
    for agent in ("a", "b", "a"):
        history.observe("combat", agent, 5, SUCCEEDED)

    changed = history.observe("combat", "c", 5, SUCCEEDED)

    assert changed == ("combat", "combat/c", "combat/b")
    assert list(history.paces) == ["combat/a", "combat", "combat/c"]
    assert history_record(history, "combat/b") is None


def test_what_is_written_down_is_known_again() -> None:
    history, again = learnt(60), History()
    for key in history.paces:
        history_from(again, key, loads(dumps(history_record(history, key))))

    learnt(1, ms=1_000, history=history)
    learnt(1, ms=1_000, history=again)

    assert again.expected_ms("combat", "Main") == history.expected_ms("combat", "Main")
    assert again.success_rate("combat", "Main") == history.success_rate("combat", "Main")
    assert [history_record(again, key) for key in again.paces] == [
        history_record(history, key) for key in history.paces
    ]


def test_estimates_are_measured_against_the_run_before_it_is_learnt() -> None:
    history = learnt(FEW, ms=10_000)
    assert history.accuracy.p90_coverage is None

    history.observe("combat", "Main", 40_000, SUCCEEDED)
    history.observe("combat", "Main", 40_000, FAILED)

    assert history.accuracy.ratios.count == 1
    assert history.accuracy.ratios.quantile(0.5) == pytest.approx(4, rel=0.05)
    assert history.accuracy.p90_coverage == 0


def test_a_steady_fleet_is_estimated_well() -> None:
    history = History()
    for n in range(400):
        history.observe("combat", f"agent{n % 4}", 10_000 + 2_500 * (n * 7 % 11), SUCCEEDED)

    worst = history.accuracy.ratios.quantile(0.9)
    assert worst is not None
    assert worst < 2.5
    assert history.accuracy.p90_coverage == pytest.approx(0.9, abs=0.06)
