"""The usage examples of the original document, through the Python client, on a real fleet."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from coordinator.http.client import (
    AgentCapability,
    AgentHealth,
    AgentStatus,
    ApiError,
    ScheduleConstraint,
    SchedulePriority,
    ScheduleStatus,
    check_agent_health,
    create_schedule_task,
    get_next_scheduled_task,
    get_registry_summary,
    get_schedule_summary,
    register_agent,
    update_agent_heartbeat,
    update_task_status,
)
from coordinator.http.client.functions import the_orchestrator
from tests.support.control_room import ControlRoom, wait_until

pytestmark = pytest.mark.xdist_group("http")

METRICS = {
    "cpu_usage": 45.2,
    "memory_usage": 67.8,
    "response_time": 1200,
    "fps": 60,
    "network_latency": 85,
}


@pytest.fixture
def _here(room: ControlRoom, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FLEETBUS_URL", room.address)
    monkeypatch.setenv("FLEETBUS_TOKEN", room.secrets["operate"])
    the_orchestrator.cache_clear()
    yield
    the_orchestrator().close()
    the_orchestrator.cache_clear()


@pytest.mark.usefixtures("_here")
def test_the_usage_examples_of_the_original_document_work_from_register_to_completed(
    admin: httpx2.Client,
) -> None:
    agent = register_agent(
        name="Seed",
        machine_id="DESKTOP-ABC123",
        window_id="SWG_MAIN_01",
        capabilities={AgentCapability.QUEST, AgentCapability.COMBAT},
        config_path="config/agent_main.json",
    )
    assert agent.name == "Seed"
    assert set(agent.capabilities) == {"quest", "combat"}
    assert agent.config_path == "config/agent_main.json"

    update_agent_heartbeat("Seed", AgentStatus.IDLE, "quest", METRICS)
    wait_until(lambda: check_agent_health("Seed") is AgentHealth.HEALTHY)

    task = create_schedule_task(
        name="Daily Quest Run",
        mode="quest",
        agent_name="Seed",
        priority=SchedulePriority.HIGH,
        scheduled_for=datetime.now(UTC) - timedelta(seconds=1),
        estimated_duration=timedelta(hours=2),
        constraints={
            ScheduleConstraint.DAILY_CAP: 3,
            ScheduleConstraint.TIME_WINDOW: "peak_hours",
            ScheduleConstraint.AGENT_CAPABILITY: AgentCapability.QUEST.value,
        },
        anti_pattern_rules=[{"type": "recent_failure", "timeout": 3600, "max_failures": 2}],
        daily_cap=3,
        metadata={"quest_type": "daily", "difficulty": "normal"},
    )
    assert task.estimated_duration_s == 7200
    assert task.constraints == {
        "daily_cap": 3,
        "time_window": "peak_hours",
        "agent_capability": "quest",
    }
    assert task.metadata == {"quest_type": "daily", "difficulty": "normal"}

    next_task = get_next_scheduled_task("Seed")
    assert next_task is not None
    assert next_task.id == task.id
    assert update_task_status(next_task.id, ScheduleStatus.RUNNING).status == "running"
    done = update_task_status(next_task.id, ScheduleStatus.COMPLETED, success=True)
    assert done.status == "completed"
    assert done.current_daily_count == 1

    # Told once a second; the room is shared with tests that register agents of their own.
    wait_until(lambda: get_registry_summary()["total_agents"] >= 4)
    assert set(get_registry_summary()["agents_by_status"]) == set(AgentStatus)
    wait_until(lambda: get_schedule_summary()["completed_tasks"] >= 1)  # so is this

    with pytest.raises(ApiError, match="409"):
        update_task_status(next_task.id, ScheduleStatus.RUNNING)
    update_agent_heartbeat("Seed", AgentStatus.OFFLINE)
    wait_until(lambda: the_orchestrator().agent("Seed").status is AgentStatus.OFFLINE)
    assert admin.delete("/agents/Seed").status_code == 200  # the room is as it was


@pytest.mark.usefixtures("_here")
def test_an_agent_that_speaks_mqtt_cannot_be_taken_over_by_http() -> None:
    with pytest.raises(ApiError) as raised:
        register_agent("Main", "a machine", "a window")
    assert raised.value.problem.status == 409
    with pytest.raises(ApiError, match="has not registered here"):
        update_agent_heartbeat("Main")
