"""One mistake each: where it is told, with which value, and what is said to be right."""

from collections.abc import Callable
from typing import Any

import pytest

from coordinator.plan.load import Examined
from coordinator.plan.problems import Severity

Edit = Callable[[dict[str, Any]], object]


def put(path: str, value: object) -> Edit:
    """Write *value* at a path such as ``agents.0.name``."""

    def edit(plan: dict[str, Any]) -> None:
        *holders, last = path.split(".")
        here: Any = plan
        for part in holders:
            here = here[int(part)] if isinstance(here, list) else here.setdefault(part, {})
        if isinstance(here, list):
            here[int(last)] = value
        else:
            here[last] = value

    return edit


def cut(path: str) -> Edit:
    def edit(plan: dict[str, Any]) -> None:
        *holders, last = path.split(".")
        here: Any = plan
        for part in holders:
            here = here[int(part)] if isinstance(here, list) else here[part]
        del here[last]

    return edit


TWIN = {"name": "Main", "machine_id": "m9", "window_id": "w9"}
IN_THE_GAP = {"start_time": "02:15", "end_time": "02:45"}
NIGHTLY = {"name": "nightly", "mode": "quest", "every": "1h"}

ERRORS: list[tuple[str, Edit, str, object, str | None]] = [
    ("no name", cut("fleet_name"), "fleet_name", None, None),
    ("unknown key", put("agent", []), "agent", [], "did you mean 'agents'?"),
    (
        "misspelt key of an agent",
        put("agents.0.heartbeat_intervall", 5),
        "agents[0].heartbeat_intervall",
        5,
        "did you mean 'heartbeat_interval'?",
    ),
    (
        "misspelt key, two levels down",
        put("agents.0.schedule_preferences.prefered_hours", [1]),
        "agents[0].schedule_preferences.prefered_hours",
        [1],
        "did you mean 'preferred_hours'?",
    ),
    (
        "misspelt key of a rule",
        put("anti_pattern_rules.night.idle_strat", "22:00"),
        "anti_pattern_rules.night.idle_strat",
        "22:00",
        "did you mean 'idle_start'?",
    ),
    (
        "misspelt constraint",
        put("global_constraints.max_daily_eror", 5),
        "global_constraints.max_daily_eror",
        5,
        "did you mean 'max_daily_errors'?",
    ),
    (
        "misspelt threshold",
        put("agents.0.performance_thresholds.cpu_mx", 5),
        "agents[0].performance_thresholds.cpu_mx",
        5,
        "did you mean 'cpu_max'?",
    ),
    (
        "misspelt priority",
        put("agents.0.priority", "hihg"),
        "agents[0].priority",
        "hihg",
        "did you mean 'high'?",
    ),
    (
        "misspelt health",
        put("global_constraints.min_agent_health", "helthy"),
        "global_constraints.min_agent_health",
        "helthy",
        "did you mean 'healthy'?",
    ),
    (
        "misspelt type of rule",
        put("anti_pattern_rules.night.type", "idl_block"),
        "anti_pattern_rules.night.type",
        "idl_block",
        "did you mean 'idle_block'?",
    ),
    (
        "rule without a type",
        cut("anti_pattern_rules.night.type"),
        "anti_pattern_rules.night.type",
        None,
        None,
    ),
    ("missing key", cut("schedule_windows.peak.end_time"), "schedule_windows.peak", {}, "or all_"),
    (
        "true for a limit",
        put("global_constraints.max_concurrent_agents", True),
        "global_constraints.max_concurrent_agents",
        True,
        None,
    ),
    (
        "true for the limit of a mode",
        put("global_constraints.max_concurrent_pvp", True),
        "global_constraints.max_concurrent_pvp",
        True,
        None,
    ),
    (
        "limit below nothing",
        put("global_constraints.max_concurrent_combat", -1),
        "global_constraints.max_concurrent_combat",
        -1,
        None,
    ),
    (
        "half an agent",
        put("global_constraints.max_concurrent_agents", 1.5),
        "global_constraints.max_concurrent_agents",
        1.5,
        None,
    ),
    (
        "text for a number",
        put("agents.0.heartbeat_interval", "10"),
        "agents[0].heartbeat_interval",
        "10",
        None,
    ),
    ("one for yes", put("agents.0.auto_start", 1), "agents[0].auto_start", 1, None),
    (
        "hour that no day has",
        put("agents.0.schedule_preferences.avoid_hours", [1, 24]),
        "agents[0].schedule_preferences.avoid_hours[1]",
        24,
        None,
    ),
    (
        "day that no week has",
        put("schedule_windows.peak.days_of_week", [0, 7]),
        "schedule_windows.peak.days_of_week[1]",
        7,
        None,
    ),
    (
        "clock time without a leading zero",
        put("schedule_windows.peak.start_time", "9:00"),
        "schedule_windows.peak.start_time",
        "9:00",
        "did you mean '09:00'?",
    ),
    (
        "clock time that is none",
        put("schedule_windows.peak.end_time", "25:00"),
        "schedule_windows.peak.end_time",
        "25:00",
        None,
    ),
    (
        "window that ends when it starts",
        put("schedule_windows.peak.end_time", "09:00"),
        "schedule_windows.peak.end_time",
        "09:00",
        "use all_day: true for whole days",
    ),
    (
        "block that ends when it starts",
        put("anti_pattern_rules.night.idle_end", "23:00"),
        "anti_pattern_rules.night.idle_end",
        "23:00",
        "00:00 to 24:00 is the whole day",
    ),
    (
        "window on no day",
        put("schedule_windows.peak.days_of_week", []),
        "schedule_windows.peak.days_of_week",
        [],
        "leave it out for every day",
    ),
    (
        "boost that holds back",
        put("schedule_windows.peak.priority_boost", 0.5),
        "schedule_windows.peak.priority_boost",
        0.5,
        None,
    ),
    ("offset for a zone", put("timezone", "+02:00"), "timezone", "+02:00", "name a place"),
    (
        "offset in disguise",
        put("timezone", "Etc/GMT+5"),
        "timezone",
        "Etc/GMT+5",
        None,
    ),
    ("abbreviation", put("timezone", "CET"), "timezone", "CET", "did you mean 'Europe/Berlin'?"),
    (
        "city without its continent",
        put("agents.0.timezone", "New York"),
        "agents[0].timezone",
        "New York",
        "did you mean 'America/New_York'?",
    ),
    (
        "misspelt zone",
        put("schedule_windows.peak.timezone", "Europe/Berln"),
        "schedule_windows.peak.timezone",
        "Europe/Berln",
        "did you mean 'Europe/Berlin'?",
    ),
    ("name with a space", put("agents.0.name", "a b"), "agents[0].name", "a b", None),
    ("reserved name", put("agents.1.name", "coordinator"), "agents[1].name", "coordinator", None),
    (
        "two agents of one name",
        lambda plan: plan["agents"].append(dict(TWIN)),
        "agents[2].name",
        "Main",
        "every agent needs its own name",
    ),
    (
        "two agents in one window",
        put("agents.1.window_id", "w1"),
        "agents[1].window_id",
        "w1",
        "two agents cannot steer one window",
    ),
    (
        "agent that never works",
        put("agents.0.schedule_preferences", {"avoid_hours": list(range(6, 23))}),
        "agents[0].schedule_preferences.avoid_hours",
        list(range(6, 23)),
        "free some hours, or give the idle block applies_to",
    ),
    (
        "agent whose breaks never end",
        put(
            "agents.0.schedule_preferences",
            {"cooldown_periods": [{"start": "05:00", "end": "24:00"}]},
        ),
        "agents[0].schedule_preferences",
        None,
        "free some hours, or give the idle block applies_to",
    ),
    (
        "warning beyond critical",
        put("agents.0.performance_thresholds.cpu_warning", 90),
        "agents[0].performance_thresholds.cpu_warning",
        90,
        "at most 80",
    ),
    (
        "warning beyond critical, where little is bad",
        put("agents.0.performance_thresholds", {"fps_min": 30, "fps_warning": 20}),
        "agents[0].performance_thresholds.fps_warning",
        20,
        "at least 30",
    ),
    (
        "threshold in the wrong direction",
        put("agents.0.performance_thresholds", {"fps_max": 30}),
        "agents[0].performance_thresholds.fps_max",
        30,
        "did you mean 'fps_min'?",
    ),
    (
        "percentage above all",
        put("agents.0.performance_thresholds", {"memory_max": 120}),
        "agents[0].performance_thresholds.memory_max",
        120,
        "at most 100",
    ),
    (
        "custom metric without a direction",
        put("monitoring.thresholds", {"queue_warning": 5}),
        "monitoring.thresholds.queue_warning",
        5,
        "add queue_max or queue_min",
    ),
    (
        "block for an agent that is not there",
        put("anti_pattern_rules.night.applies_to", ["Mian"]),
        "anti_pattern_rules.night.applies_to[0]",
        "Mian",
        "did you mean 'Main'?",
    ),
    (
        "alert to a channel that is not there",
        put("monitoring.alerts.gone", {"when": "agent_offline", "notify": ["dicsord"]}),
        "monitoring.alerts.gone.notify[0]",
        "dicsord",
        "did you mean 'discord'?",
    ),
    (
        "duration that is none",
        put("backup.interval", "6 hours"),
        "backup.interval",
        "6 hours",
        None,
    ),
    ("no time between copies", put("backup.interval", 0), "backup.interval", 0, None),
    (
        "secret in the plan",
        put("notifications.channels.discord.url", "discord://canary"),
        "notifications.channels.discord.url",
        "***",
        "secrets do not belong in a plan: use url_env or url_file",
    ),
    (
        "margin as long as the lease",
        put("leases.margin_s", 30),
        "leases.margin_s",
        30,
        "less than 30",
    ),
    (
        "schedule with two rhythms",
        put("schedules", [{**NIGHTLY, "cron": "0 3 * * *"}]),
        "schedules[0]",
        {**NIGHTLY, "cron": "0 3 * * *"},
        None,
    ),
    (
        "cron expression that is none",
        put("schedules", [{"name": "n", "mode": "quest", "cron": "0 25 * * *"}]),
        "schedules[0].cron",
        "0 25 * * *",
        "five fields, such as '30 9 * * MON-FRI'",
    ),
    (
        "schedule in a window that is not there",
        put("schedules", [{**NIGHTLY, "time_window": "paek"}]),
        "schedules[0].time_window",
        "paek",
        "did you mean 'peak'?",
    ),
    (
        "scope of a cap that is none",
        put("global_constraints.daily_caps", {"combat": 3}),
        "global_constraints.daily_caps.combat",
        "combat",
        "did you mean 'mode:combat'?",
    ),
]

WARNINGS: list[tuple[str, Edit, str, object, str | None]] = [
    (
        "wait for what does not last",
        put("monitoring.alerts.failed", {"when": "task_failed", "after": 60}),
        "monitoring.alerts.failed.after",
        60,
        "leave out after",
    ),
    (
        "alert that no channel is loud enough for",
        put("monitoring.alerts.gone", {"when": "agent_offline", "severity": "info"}),
        "monitoring.alerts.gone.severity",
        "info",
        "a channel's min_severity is at least 'warning'",
    ),
    (
        "alert to a channel that is switched off",
        lambda plan: (
            put("notifications.channels.pager", {"url_env": "P", "enabled": False})(plan),
            put("monitoring.alerts.gone", {"when": "agent_offline", "notify": ["pager"]})(plan),
        ),
        "monitoring.alerts.gone.notify",
        ["pager"],
        None,
    ),
    (
        "alerts repeated every second",
        put("notifications.repeat_after", "1s"),
        "notifications.repeat_after",
        1,
        "at least 60",
    ),
    (
        "quiet hours without hours",
        put("notifications.quiet_hours", {"start": "22:00", "end": "22:00"}),
        "notifications.quiet_hours.end",
        "22:00",
        "a later or earlier time of day",
    ),
    (
        "mode that no agent has",
        put("global_constraints.max_concurrent_combta", 1),
        "global_constraints.max_concurrent_combta",
        "combta",
        "did you mean 'combat'?",
    ),
    (
        "schedule whose mode no agent has",
        put("schedules", [{**NIGHTLY, "mode": "qest"}]),
        "schedules[0].mode",
        "qest",
        "did you mean 'quest'?",
    ),
    (
        "capability that no agent has",
        put("schedules", [{**NIGHTLY, "capabilities": ["pvp"]}]),
        "schedules[0].capabilities[0]",
        "pvp",
        None,
    ),
    (
        "schedule for an agent that is not there",
        put("schedules", [{**NIGHTLY, "agent": "Haels"}]),
        "schedules[0].agent",
        "Haels",
        "did you mean 'Heals'?",
    ),
    (
        "closed limit",
        put("global_constraints.max_concurrent_combat", 0),
        "global_constraints.max_concurrent_combat",
        0,
        None,
    ),
    (
        "limit above that of the fleet",
        put("global_constraints.max_concurrent_combat", 9),
        "global_constraints.max_concurrent_combat",
        9,
        "max_concurrent_agents lets 4 run at once",
    ),
    (
        "weekly cap below the daily one",
        put("global_constraints", {"daily_caps": {"fleet": 9}, "weekly_caps": {"fleet": 5}}),
        "global_constraints.weekly_caps.fleet",
        5,
        "one day may already have 9",
    ),
    (
        "weekly cap that no week reaches",
        put("global_constraints", {"max_daily_errors": 2, "max_weekly_errors": 15}),
        "global_constraints.max_weekly_errors",
        15,
        "2 a day make 14 a week",
    ),
    (
        "cap of nothing",
        put("global_constraints.daily_caps", {"name:boss": 0}),
        "global_constraints.daily_caps.name:boss",
        0,
        None,
    ),
    (
        "cap of an agent that is not there",
        put("global_constraints.daily_caps", {"agent:Mian": 3}),
        "global_constraints.daily_caps.agent:Mian",
        "Mian",
        "did you mean 'Main'?",
    ),
    (
        "hour that is preferred and avoided",
        put("agents.0.schedule_preferences.avoid_hours", [1, 9]),
        "agents[0].schedule_preferences.preferred_hours",
        [9, 10],
        "take them out of one of the two",
    ),
    (
        "runtime that no day has room for",
        put("agents.0.schedule_preferences.max_daily_runtime", 18),
        "agents[0].schedule_preferences.max_daily_runtime",
        18,
        "no day has more than 17 free hours",
    ),
    (
        "window that the clock skips in spring",
        put("schedule_windows.early", IN_THE_GAP),
        "schedule_windows.early",
        "02:15",
        "move it, or make it longer",
    ),
    (
        "heartbeat too slow for the lease",
        lambda plan: (
            put("leases.lease_s", 60)(plan),
            put("agents.0.heartbeat_interval", 30)(plan),
        ),
        "agents[0].heartbeat_interval",
        30,
        "at most 15 s",
    ),
    (
        "custom metric that looks like a known one",
        put("agents.0.performance_thresholds", {"memroy_max": 80}),
        "agents[0].performance_thresholds.memroy_max",
        80,
        "did you mean 'memory'?",
    ),
    (
        "day named twice",
        put("schedule_windows.peak.days_of_week", [1, 1]),
        "schedule_windows.peak.days_of_week",
        [1, 1],
        "use [1]",
    ),
]

CASES = [(*case, Severity.ERROR) for case in ERRORS]
CASES += [(*case, Severity.WARNING) for case in WARNINGS]


def test_the_plan_that_the_mistakes_are_made_in_has_none(
    examined: Callable[[Edit], Examined],
) -> None:
    assert examined(lambda _: None).problems == ()


@pytest.mark.parametrize(
    ("edit", "path", "value", "suggestion", "severity"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_a_mistake_is_told_once_with_its_place_value_and_remedy(
    examined: Callable[[Edit], Examined],
    edit: Edit,
    path: str,
    value: object,
    suggestion: str | None,
    severity: Severity,
) -> None:
    found = examined(edit)

    assert [problem.path for problem in found.problems] == [path]
    problem = found.problems[0]
    assert problem.severity is severity
    assert problem.value == value or (isinstance(value, dict) and isinstance(problem.value, dict))
    assert (problem.suggestion or "").startswith(suggestion or "")
    assert suggestion is None or problem.suggestion is not None
    assert (found.plan is None) is (severity is Severity.ERROR)
