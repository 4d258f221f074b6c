"""Small plans to make mistakes in."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from coordinator.plan.load import Examined, examine

Edit = Callable[[dict[str, Any]], object]

SMALL: dict[str, Any] = {
    "fleet_name": "Small",
    "timezone": "Europe/Berlin",
    "agents": [
        {
            "name": "Main",
            "machine_id": "m1",
            "window_id": "w1",
            "mode": "quest",
            "capabilities": ["quest", "combat"],
            "priority": "high",
            "heartbeat_interval": 10,
            "performance_thresholds": {"cpu_max": 80},
            "schedule_preferences": {"preferred_hours": [9, 10], "avoid_hours": [1, 2]},
        },
        {"name": "Heals", "machine_id": "m1", "window_id": "w2", "capabilities": ["medic_follow"]},
    ],
    "schedule_windows": {"peak": {"start_time": "09:00", "end_time": "22:00"}},
    "anti_pattern_rules": {
        "night": {"type": "idle_block", "idle_start": "23:00", "idle_end": "06:00"},
        "failures": {"type": "recent_failure", "timeout": 3600, "max_failures": 3},
    },
    "global_constraints": {"max_concurrent_agents": 4, "max_concurrent_combat": 2},
    "notifications": {"channels": {"discord": {"url_env": "DISCORD_URL"}}},
}


@pytest.fixture
def small() -> dict[str, Any]:
    """A plan without a single problem, to be changed at will."""
    return copy.deepcopy(SMALL)


@pytest.fixture
def examined(small: dict[str, Any]) -> Callable[[Edit], Examined]:
    """Examine the small plan after one edit."""

    def after(edit: Edit) -> Examined:
        edit(small)
        return examine(json.dumps(small).encode())

    return after
