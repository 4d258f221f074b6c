"""What raises an alert, what is told of it and when it is over."""

from dataclasses import replace

import pytest

from coordinator.core.alerts.judge import acknowledge
from coordinator.core.alerts.observation import AgentSeen, FailedTask, Observation, Room, Waiting
from coordinator.core.alerts.rules import DEFAULTS, Rule, with_defaults
from coordinator.core.alerts.telling import News
from coordinator.core.alerts.words import AlertSeverity, AlertWhen
from protocol.vocabulary import AgentHealth, CoordinatorState
from tests.support.alert_watch import CALM, START_MS, AlertWatch, agents, happened

FORTY = [f"bot-{n:02}" for n in range(40)]
NO_BUS = Observation(bus=False)
HOUR_S = 3600
ALL_LOST = "40 agents are lost (machine host-a): bot-00, bot-01, bot-02, bot-03, bot-04 and 35 more"


def test_there_is_a_default_for_every_kind_and_its_words_are_the_plans() -> None:
    assert {rule.when for rule in DEFAULTS} == set(AlertWhen)


def test_a_machine_with_forty_agents_gone_is_one_message() -> None:
    watch = AlertWatch()

    assert watch.last(120, agents(FORTY, is_gone=True)) == [f"Warning: agent offline: {ALL_LOST}"]


def test_agents_that_go_one_after_the_other_are_gathered() -> None:
    watch = AlertWatch()
    for gone in range(1, 5):
        seen = agents(FORTY[:gone], is_gone=True)
        assert watch.last(0.5, seen, step_s=0.5) == []

    assert len(watch.last(120, agents(FORTY[:4], is_gone=True))) == 1
    assert "4 agents" in watch.notices[0][1].body


def test_what_is_over_before_its_time_is_never_mentioned() -> None:
    watch = AlertWatch()
    watch.last(55, agents(["Main"], is_gone=True))

    assert watch.last(300, agents(["Main"])) == []
    assert watch.ever == {}


def test_an_alert_is_told_to_be_over_once_it_has_stayed_over() -> None:
    watch = AlertWatch()
    watch.last(70, agents(["Main"], is_gone=True))

    assert watch.last(58, agents(["Main"])) == []
    assert watch.last(5, agents(["Main"])) == [
        "Resolved: agent offline: over after 1 min: Main is lost"
    ]
    assert watch.open == []


def test_an_agent_that_comes_and_goes_is_one_alert() -> None:
    watch = AlertWatch()
    watch.last(70, agents(["Main"], is_gone=True))
    for _ in range(40):
        watch.last(20, agents(["Main"]))
        watch.last(20, agents(["Main"], is_gone=True))

    assert [notice.news for _, notice in watch.notices] == [News.RAISED]
    assert len(watch.ever) == 1


def test_what_lasts_is_repeated_until_somebody_has_seen_it() -> None:
    watch = AlertWatch(repeat_ms=600_000)
    watch.last(1500, agents(["Main"], is_gone=True))
    assert [notice.news for _, notice in watch.notices] == [
        News.RAISED,
        News.REPEATED,
        News.REPEATED,
    ]

    watch.state = acknowledge(watch.state, 1, "ops", watch.now_ms)
    assert watch.last(HOUR_S, agents(["Main"], is_gone=True), step_s=10) == []
    assert len(watch.last(120, agents(["Main"]))) == 1


def test_only_an_alert_that_is_open_can_be_seen_to() -> None:
    with pytest.raises(KeyError):
        acknowledge(AlertWatch().state, 1, "ops", START_MS)


def test_an_alert_that_grows_a_lot_is_told_again_but_not_at_once() -> None:
    watch = AlertWatch()
    watch.last(70, agents(FORTY[:3], is_gone=True))

    assert watch.last(120, agents(FORTY, is_gone=True)) == []
    assert watch.last(240, agents(FORTY, is_gone=True)) == [
        f"Warning: agent offline: {ALL_LOST} (for 5 min)"
    ]


def test_nothing_is_said_of_an_agent_in_maintenance() -> None:
    watch = AlertWatch()

    assert watch.last(HOUR_S, agents(FORTY, is_gone=True, in_maintenance=True), step_s=10) == []
    assert watch.ever == {}


def test_an_open_alert_ends_without_a_word_when_its_agent_goes_to_maintenance() -> None:
    watch = AlertWatch()
    watch.last(70, agents(["Main"], is_gone=True))

    assert watch.last(300, agents(["Main"], is_gone=True, in_maintenance=True)) == []
    assert watch.open == []
    assert watch.ever[1].resolved_ms is not None


def test_an_agent_that_said_goodbye_is_not_missed() -> None:
    watch = AlertWatch()

    assert watch.last(HOUR_S, agents(["Main"], is_present=False), step_s=10) == []


def test_health_says_which_metric_is_beyond_its_threshold() -> None:
    watch = AlertWatch()
    unwell = agents(
        ["Main"], health=AgentHealth.CRITICAL, reasons=("cpu_usage 97 above 95 (critical)",)
    )

    assert watch.last(299, unwell) == []
    assert watch.last(10, unwell) == [
        "Warning: agent unhealthy: Main: cpu_usage 97 above 95 (critical)"
    ]


def test_two_agents_at_one_window_are_a_conflict() -> None:
    watch = AlertWatch()

    assert watch.last(20, agents(["Main", "Twin"], window="w1")) == [
        "Critical: agent conflict: Main and Twin use window w1 of host-a at once"
    ]


@pytest.mark.parametrize("window", ["", "default"])
def test_agents_that_name_no_window_share_none(window: str) -> None:
    assert AlertWatch().last(60, agents(["Main", "Twin"], window=window)) == []


def test_an_agent_that_starts_over_and_over_is_a_conflict() -> None:
    watch = AlertWatch()
    seen = replace(agents(["Main"]), restarts={"Main": 4})

    assert "started 4 times" in watch.last(20, seen)[0]


def test_without_a_bus_nothing_else_is_judged() -> None:
    watch = AlertWatch()
    watch.last(70, agents(["Main"], is_gone=True))

    assert watch.last(600, NO_BUS) == ["Critical: bus trouble: the broker does not answer"]
    assert sorted(watch.open) == ["Main is lost", "the broker does not answer"]


def test_a_coordinator_that_is_gone_or_cannot_store_is_told() -> None:
    watch = AlertWatch()
    gone = replace(CALM, coordinator=CoordinatorState.OFFLINE, coordinator_reason="stopped")
    safe = replace(CALM, coordinator=CoordinatorState.SAFE, coordinator_reason="the disk is full")

    assert watch.last(40, gone) == [
        "Critical: coordinator gone: no coordinator is at work: stopped"
    ]
    assert watch.last(40, safe) == [
        "Critical: store trouble: the coordinator assigns nothing: the disk is full"
    ]
    assert any("cannot be read" in said for said in watch.last(100, replace(CALM, store=False)))


def test_tasks_that_fail_are_gathered_by_their_mode() -> None:
    watch = AlertWatch()
    failed = tuple(FailedTask(f"t{n}", "combat", "boom", "Main") for n in range(3))

    assert watch.last(10, replace(CALM, failed=failed)) == [
        "Warning: task failed: 3 tasks failed (mode combat): t0, t1, t2"
    ]
    assert watch.last(HOUR_S, step_s=5) == [
        "Resolved: task failed: over after 15 min: 3 tasks failed (mode combat): t0, t1, t2"
    ]


def test_a_task_that_waits_too_long_is_told_but_not_one_that_waits_for_its_hours() -> None:
    watch = AlertWatch()

    def seen(code: str) -> Observation:
        return replace(CALM, waiting=(Waiting(code, 3, "t1", START_MS, START_MS),))

    assert watch.last(HOUR_S - 10, seen("AGENT_BUSY"), step_s=5) == []
    assert watch.last(20, seen("AGENT_BUSY")) == [
        "Warning: task waiting: 3 tasks wait for AGENT_BUSY, t1 for longest"
    ]
    assert watch.last(4 * HOUR_S, seen("OUTSIDE_WINDOW"), step_s=60)[1:] == []


def test_a_queue_that_moves_is_no_trouble_however_long_it_is() -> None:
    watch = AlertWatch()
    for _ in range(200):
        young_ms = watch.now_ms - 600_000
        waiting = (Waiting("MODE_LIMIT", 900, "t1", young_ms, START_MS - 9 * HOUR_S * 1000),)
        assert watch.last(60, replace(CALM, waiting=waiting), step_s=30) == []


def test_what_never_comes_by_waiting_is_told_soon() -> None:
    watch = AlertWatch()
    waiting = (Waiting("NO_CAPABLE_AGENT", 1, "t1", START_MS),)

    assert watch.last(70, replace(CALM, waiting=waiting)) == [
        "Warning: task impossible: 1 task waits for NO_CAPABLE_AGENT, t1 for longest"
    ]


def test_a_full_limit_is_told_only_while_tasks_wait_for_it() -> None:
    watch = AlertWatch()
    full = replace(CALM, limits={"mode:combat": Room(2, 2), "global": Room(1, 4)})
    assert watch.last(HOUR_S, full, step_s=5) == []

    waiting = (Waiting("MODE_LIMIT", 1, "t1", None),)
    assert watch.last(HOUR_S, replace(full, waiting=waiting), step_s=5)[:1] == [
        "Info: limit saturated: mode:combat is full (2 of 2) while tasks wait for MODE_LIMIT"
    ]


def test_an_error_budget_is_used_up_until_its_period_ends_or_somebody_resets_it() -> None:
    spent = happened(7, "error_budget", "10 errors", until_ms=START_MS + HOUR_S * 1000)
    watch = AlertWatch()
    assert watch.last(60, spent) == ["Critical: error budget: nothing new begins: 10 errors"]
    assert len(watch.last(60, happened(8, "operator", budget="reset"))) == 1

    watch = AlertWatch(repeat_ms=10**9)
    watch.last(60, spent)
    assert watch.last(HOUR_S, step_s=30) == [
        "Resolved: error budget: over after 1 h: nothing new begins: 10 errors"
    ]


def test_a_refused_plan_and_a_failed_backup_are_so_until_it_works_again() -> None:
    watch = AlertWatch(repeat_ms=10**9)
    assert watch.last(5, happened(1, "plan_refused", "line 3")) == ["Warning: plan refused: line 3"]
    assert watch.last(5, happened(2, "backup_failed", "no room")) == [
        "Critical: backup failed: no room"
    ]
    assert watch.last(20 * HOUR_S, step_s=60) == []
    assert len(watch.last(60, happened(3, "backup_made"))) == 1
    assert len(watch.last(60, happened(4, "plan_applied"))) == 1
    assert watch.open == []


def test_a_line_of_the_story_counts_once() -> None:
    watch = AlertWatch()
    watch.last(5, happened(2, "backup_failed", "no room"))
    watch.last(60, happened(3, "backup_made"))

    assert watch.last(600, happened(2, "backup_failed", "no room")) == []


def test_in_quiet_hours_only_critical_alerts_are_told_and_the_others_after() -> None:
    watch = AlertWatch(is_quiet=True)
    watch.last(200, agents(["Main"], is_gone=True))
    assert watch.notices == []
    assert watch.last(60, NO_BUS) == ["Critical: bus trouble: the broker does not answer"]

    watch.is_quiet = False
    assert watch.last(10, agents(["Main"], is_gone=True)) == [
        "Warning: agent offline: Main is lost (for 3 min)"
    ]


def test_many_machines_at_once_are_one_message_of_many_lines() -> None:
    watch = AlertWatch()
    lost = tuple(AgentSeen(f"bot-{n}", f"host-{n}", is_gone=True) for n in range(30))

    (message,) = watch.last(120, replace(CALM, agents=lost))
    assert message.count("\n") == 20
    assert message.endswith("and 10 more alerts")


def test_a_rule_of_the_plan_replaces_the_default_of_its_kind_and_may_disable_it() -> None:
    gone = Rule("gone", AlertWhen.AGENT_OFFLINE, 5000, AlertSeverity.CRITICAL, ("pager",))
    rules = with_defaults([gone, Rule("none", AlertWhen.TASK_FAILED, enabled=False)])
    assert [rule.name for rule in rules if rule.when is AlertWhen.AGENT_OFFLINE] == ["gone"]
    assert AlertWhen.TASK_FAILED not in {rule.when for rule in rules}

    watch = AlertWatch(rules=rules)
    watch.last(20, agents(["Main"], is_gone=True))
    assert watch.notices[0][1].channels == ("pager",)


def test_two_rules_of_one_kind_are_judged_apart() -> None:
    early = Rule("early", AlertWhen.AGENT_OFFLINE, 0, AlertSeverity.INFO)
    late = Rule("late", AlertWhen.AGENT_OFFLINE, 300_000, AlertSeverity.CRITICAL)
    watch = AlertWatch(rules=(early, late))

    assert [said[:9] for said in watch.last(400, agents(["Main"], is_gone=True))] == [
        "Info: ear",
        "Critical:",
    ]


def test_a_rule_that_takes_a_defaults_name_keeps_the_default_apart() -> None:
    rules = with_defaults([Rule("task_failed", AlertWhen.TASK_WAITING)])

    assert len({rule.name for rule in rules}) == len(rules)


def test_an_alert_of_a_rule_that_is_no_more_ends_without_a_word() -> None:
    watch = AlertWatch()
    watch.last(70, agents(["Main"], is_gone=True))
    watch.rules = ()

    assert watch.last(300, agents(["Main"], is_gone=True)) == []
    assert watch.open == []
