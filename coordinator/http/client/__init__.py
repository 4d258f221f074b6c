"""A small client of the control room for scripts, in the words of the original orchestrator.

``Orchestrator(url, token)`` has everything; the functions of this module are the same for the one
that ``FLEETBUS_URL`` and ``FLEETBUS_TOKEN`` name::

    from coordinator.http.client import create_schedule_task, get_schedule_summary

    task = create_schedule_task(name="Daily Quest Run", mode="quest")
    print(get_schedule_summary()["pending_tasks"])
"""

from coordinator.http.client.functions import (
    check_agent_health,
    create_schedule_task,
    get_next_scheduled_task,
    get_registry_summary,
    get_schedule_summary,
    register_agent,
    update_agent_heartbeat,
    update_task_status,
)
from coordinator.http.client.orchestrator import ApiError, Orchestrator
from coordinator.http.schemas.agents import Agent
from coordinator.http.schemas.tasks import Task
from protocol.vocabulary import AgentCapability, AgentHealth, AgentStatus
from protocol.vocabulary import Constraint as ScheduleConstraint
from protocol.vocabulary import Priority as SchedulePriority
from protocol.vocabulary import TaskStatus as ScheduleStatus

__all__ = [
    "Agent",
    "AgentCapability",
    "AgentHealth",
    "AgentStatus",
    "ApiError",
    "Orchestrator",
    "ScheduleConstraint",
    "SchedulePriority",
    "ScheduleStatus",
    "Task",
    "check_agent_health",
    "create_schedule_task",
    "get_next_scheduled_task",
    "get_registry_summary",
    "get_schedule_summary",
    "register_agent",
    "update_agent_heartbeat",
    "update_task_status",
]
