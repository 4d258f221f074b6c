"""The original implementation summary: every word of it has a row, and works as it is written."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import BaseModel

from coordinator.http import client
from coordinator.http.schemas.agents import Agent
from coordinator.http.schemas.fleet import Summary
from coordinator.http.schemas.tasks import Task
from coordinator.plan.load import examine_document
from coordinator.plan.problems import Severity

ROOT: Final = Path(__file__).parents[3]
PAGE: Final = (ROOT / "docs" / "seed.md").read_text("utf-8")

WORDS: Final[dict[str, str]] = {
    "AgentStatus": "online offline busy idle error maintenance",
    "AgentHealth": "healthy warning critical unknown",
    "AgentCapability": (
        "quest combat crafting farming medic_follow pvp trading exploration social"
    ),
    "SchedulePriority": "critical high normal low maintenance",
    "ScheduleStatus": "pending running completed failed cancelled paused",
    "ScheduleConstraint": "daily_cap time_window agent_capability",
}
FIELDS: Final[dict[type[BaseModel], str]] = {
    Agent: (
        "name machine_id window_id status health capabilities current_mode last_heartbeat uptime_s "
        "performance_metrics error_count last_error registration_time config_path session_data"
    ),
    Task: (
        "id name mode agent_name priority status created_at scheduled_for started_at completed_at "
        "estimated_duration_s actual_duration_s constraints anti_pattern_rules daily_cap "
        "weekly_cap current_daily_count current_weekly_count error_count last_error metadata"
    ),
    Summary: (
        "total_agents online_agents busy_agents healthy_agents agents_by_status agents_by_health "
        "total_tasks pending_tasks running_tasks completed_tasks failed_tasks tasks_by_priority "
        "tasks_by_status"
    ),
}
FUNCTIONS: Final = (
    "register_agent update_agent_heartbeat check_agent_health create_schedule_task "
    "get_next_scheduled_task update_task_status get_registry_summary get_schedule_summary"
)
METRICS: Final = "cpu_usage memory_usage response_time fps network_latency"
PLAN: Final[dict[str, Any]] = {
    "fleet_name": "MorningStar Fleet",
    "description": "Multi-client orchestration fleet for SWG automation",
    "version": "1.0.0",
    "agents": [
        {
            "name": "Main",
            "machine_id": "DESKTOP-ABC123",
            "window_id": "SWG_MAIN_01",
            "mode": "quest",
            "capabilities": ["quest", "combat", "exploration", "social"],
            "config_path": "config/agent_main.json",
            "priority": "high",
            "auto_start": True,
            "heartbeat_interval": 30,
            "performance_thresholds": {
                "cpu_max": 80.0,
                "memory_max": 85.0,
                "response_time_max": 5000,
            },
            "schedule_preferences": {
                "preferred_hours": [9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22],
                "avoid_hours": [0, 1, 2, 3, 4, 5, 6, 7, 8],
                "max_daily_runtime": 12,
                "cooldown_periods": [
                    {"start": "12:00", "end": "13:00", "reason": "lunch_break"},
                    {"start": "18:00", "end": "19:00", "reason": "dinner_break"},
                ],
            },
        },
        {
            "name": "Heals",
            "machine_id": "DESKTOP-ABC123",
            "window_id": "SWG_HEALS_01",
            "mode": "medic_follow",
            "capabilities": ["medic_follow", "combat", "social"],
            "config_path": "config/agent_heals.json",
            "priority": "normal",
            "auto_start": True,
            "heartbeat_interval": 30,
            "performance_thresholds": {
                "cpu_max": 70.0,
                "memory_max": 75.0,
                "response_time_max": 3000,
            },
        },
    ],
    "schedule_windows": {
        "peak_hours": {
            "start_time": "09:00",
            "end_time": "22:00",
            "days_of_week": [0, 1, 2, 3, 4, 5, 6],
            "priority_boost": 1.5,
            "description": "Peak activity hours",
        }
    },
    "anti_pattern_rules": {
        "recent_failure_cooldown": {
            "type": "recent_failure",
            "timeout": 3600,
            "max_failures": 3,
            "description": "Cooldown after recent task failures",
        },
        "idle_block_night": {
            "type": "idle_block",
            "idle_start": "23:00",
            "idle_end": "06:00",
            "description": "Night idle block",
        },
    },
    "global_constraints": {
        "max_concurrent_agents": 4,
        "max_concurrent_combat": 2,
        "max_concurrent_crafting": 1,
        "max_concurrent_farming": 2,
        "min_agent_health": "healthy",
        "max_daily_errors": 10,
        "max_weekly_errors": 50,
    },
}


def keys_of(document: object) -> set[str]:
    """Return every key of a document, at any depth, except names that somebody chose."""
    if isinstance(document, list):
        return set().union(*(keys_of(entry) for entry in document))
    if not isinstance(document, dict):
        return set()
    return set(document).union(*(keys_of(value) for value in document.values()))


@pytest.mark.parametrize("name", WORDS)
def test_the_words_of_the_original_are_the_words_here(name: str) -> None:
    kind: type[StrEnum] = getattr(client, name)
    for word in WORDS[name].split():
        assert kind(word).value == word
        assert kind[word.upper()].value == word


@pytest.mark.parametrize("model", FIELDS, ids=lambda model: model.__name__)
def test_the_fields_of_the_original_are_there(model: type[BaseModel]) -> None:
    assert set(FIELDS[model].split()) <= set(model.model_fields)


def test_the_plan_that_the_original_prints_is_read_as_it_stands() -> None:
    problems = examine_document(PLAN).problems
    assert [problem for problem in problems if problem.severity is Severity.ERROR] == []


def test_no_word_of_the_original_is_without_a_row() -> None:
    chosen = {"peak_hours", "recent_failure_cooldown", "idle_block_night"}
    wanted = {*WORDS, *FUNCTIONS.split(), *METRICS.split(), *(keys_of(PLAN) - chosen)}
    for words in (*WORDS.values(), *FIELDS.values()):
        wanted.update(words.split())
    said = set(re.findall(r"[A-Za-z_]+", PAGE)) | {
        word.lower() for word in re.findall(r"\w+", PAGE)
    }
    assert wanted - said == set()


def test_every_row_names_what_shows_it() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and " --- " not in line]
    heads = {line for line in rows if line.endswith("| Shown by |")}
    unshown = [
        row
        for row in rows
        if row not in heads
        and not re.search(r"`(test_\w+|tests/[\w/.]+|benchmarks/[\w/.]+|make \w+)`", row)
    ]
    assert heads
    assert unshown == []
