"""The original orchestrator's functions, for the control room that the environment names."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from pydantic_settings import BaseSettings, SettingsConfigDict

from coordinator.http.client.orchestrator import Orchestrator
from coordinator.http.schemas.agents import Agent, HeartbeatAnswer
from coordinator.http.schemas.tasks import Task
from protocol.vocabulary import AgentHealth, AgentStatus, Priority, TaskStatus


class ClientSettings(BaseSettings):
    """Where the control room is, and who asks."""

    model_config = SettingsConfigDict(env_prefix="FLEETBUS_", frozen=True, extra="ignore")

    url: str = "http://127.0.0.1:8080"
    token: str


@lru_cache(maxsize=1)
def the_orchestrator() -> Orchestrator:
    """Return the client of the control room that ``FLEETBUS_URL`` and ``FLEETBUS_TOKEN`` name."""
    chosen = ClientSettings()
    return Orchestrator(chosen.url, chosen.token)


def register_agent(
    name: str,
    machine_id: str,
    window_id: str,
    capabilities: Iterable[str] = (),
    config_path: str | None = None,
) -> Agent:
    """Introduce an agent that speaks HTTP."""
    return the_orchestrator().register_agent(name, machine_id, window_id, capabilities, config_path)


def update_agent_heartbeat(
    name: str,
    status: AgentStatus | None = None,
    mode: str | None = None,
    metrics: Mapping[str, float] | None = None,
) -> HeartbeatAnswer:
    """Say that an agent lives, what it does and what it measures."""
    return the_orchestrator().update_agent_heartbeat(name, status, mode, metrics)


def check_agent_health(name: str) -> AgentHealth:
    """Return how well an agent is."""
    return the_orchestrator().check_agent_health(name)


def create_schedule_task(
    name: str,
    mode: str,
    agent_name: str | None = None,
    priority: Priority = Priority.NORMAL,
    scheduled_for: datetime | None = None,
    estimated_duration: timedelta | None = None,
    constraints: Mapping[str, Any] | None = None,
    anti_pattern_rules: Sequence[Mapping[str, Any]] = (),
    daily_cap: int | None = None,
    weekly_cap: int | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Task:
    """Create a task; when this returns, it is stored."""
    return the_orchestrator().create_schedule_task(
        name,
        mode,
        agent_name,
        priority,
        scheduled_for,
        estimated_duration,
        constraints,
        anti_pattern_rules,
        daily_cap,
        weekly_cap,
        metadata,
    )


def get_next_scheduled_task(agent_name: str) -> Task | None:
    """Take the next task that an agent was given, if there is one."""
    return the_orchestrator().get_next_scheduled_task(agent_name)


def update_task_status(
    task_id: str,
    status: TaskStatus,
    success: bool | None = None,  # noqa: FBT001 -- the original's own signature
    error: str | None = None,
) -> Task:
    """Say what became of a task."""
    return the_orchestrator().update_task_status(task_id, status, success, error)


def get_registry_summary() -> dict[str, Any]:
    """Return the agents in numbers."""
    return _summary()


def get_schedule_summary() -> dict[str, Any]:
    """Return the tasks in numbers."""
    return _summary()


def _summary() -> dict[str, Any]:
    return the_orchestrator().summary().model_dump(mode="json")
