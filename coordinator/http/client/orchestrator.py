"""One control room, as a script speaks to it: typed calls, and errors that say what would be right.

A create is repeated under the same ``Idempotency-Key`` when the connection breaks, so it happens
once. Times are aware, or local time if they are not, as :meth:`datetime.astimezone` has it.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self

import httpx2

from coordinator.http.schemas.agents import Agent, HeartbeatAnswer
from coordinator.http.schemas.base import Problem
from coordinator.http.schemas.fleet import Summary
from coordinator.http.schemas.tasks import BulkAnswer, Task
from protocol.errors import FleetBusError
from protocol.vocabulary import AgentHealth, AgentStatus, Priority, TaskStatus

BASE: Final = "/api/orchestrator"
WITHIN_S: Final = 35.0
TRIES: Final = 3


class ApiError(FleetBusError):
    """The control room refused; ``problem`` says why, and where the fault is."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.status} {problem.title}: {problem.detail}")
        self.problem = problem


class Orchestrator:
    """A client of one control room; a context manager, or closed with :meth:`close`."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx2.Client(
            base_url=url.rstrip("/") + BASE,
            headers={"Authorization": f"Bearer {token}"},
            timeout=WITHIN_S,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # --- agents

    def register_agent(
        self,
        name: str,
        machine_id: str,
        window_id: str,
        capabilities: Iterable[str] = (),
        config_path: str | None = None,
        **more: Any,  # noqa: ANN401 -- the other fields of AgentRegistration
    ) -> Agent:
        """Introduce an agent that speaks HTTP; it lives as long as it beats."""
        body = {
            "name": name,
            "machine_id": machine_id,
            "window_id": window_id,
            "capabilities": sorted(capabilities),
            "config_path": config_path,
            **more,
        }
        return Agent.model_validate(self._call("POST", "/agents", body))

    def update_agent_heartbeat(
        self,
        name: str,
        status: AgentStatus | None = None,
        mode: str | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> HeartbeatAnswer:
        """Say that the agent lives; the answer says what it holds, and until when."""
        body = {"status": status, "mode": mode, "metrics": dict(metrics or {})}
        return HeartbeatAnswer.model_validate(self._call("POST", f"/agents/{name}/heartbeat", body))

    def check_agent_health(self, name: str) -> AgentHealth:
        """Return how well the agent is."""
        return self.agent(name).health

    def agent(self, name: str) -> Agent:
        """Return one agent."""
        return Agent.model_validate(self._call("GET", f"/agents/{name}"))

    def agents(self, **filters: Any) -> list[Agent]:  # noqa: ANN401 -- the query of the list
        """Return all agents that fit, page by page."""
        return [Agent.model_validate(row) for row in self._pages("/agents", filters)]

    # --- tasks

    def create_schedule_task(
        self,
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
        **more: Any,  # noqa: ANN401 -- the other fields of TaskCreation
    ) -> Task:
        """Create a task; when this returns, it is stored."""
        said = {
            "name": name,
            "mode": mode,
            "agent_name": agent_name,
            "priority": priority,
            "scheduled_for": _instant(scheduled_for),
            "estimated_duration_s": _seconds(estimated_duration),
            "constraints": {str(key): value for key, value in (constraints or {}).items()},
            "anti_pattern_rules": [dict(rule) for rule in anti_pattern_rules],
            "daily_cap": daily_cap,
            "weekly_cap": weekly_cap,
            "metadata": dict(metadata or {}),
            **more,
        }
        body = {key: value for key, value in said.items() if value is not None}
        key = {"Idempotency-Key": secrets.token_hex(16)}
        return Task.model_validate(self._call("POST", "/tasks", body, key))

    def create_tasks(
        self, tasks: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any] | None = None
    ) -> BulkAnswer:
        """Create up to 10,000 tasks at once, in the words of the API."""
        body = {"defaults": dict(defaults or {}), "tasks": [dict(task) for task in tasks]}
        key = {"Idempotency-Key": secrets.token_hex(16)}
        return BulkAnswer.model_validate(self._call("POST", "/tasks/bulk", body, key))

    def get_next_scheduled_task(self, agent_name: str, wait_s: float = 0.0) -> Task | None:
        """Take the next task that an agent of ours was given, if there is one."""
        said = self._call("GET", f"/agents/{agent_name}/next", query={"wait_s": wait_s})
        return None if said is None else Task.model_validate(said)

    def update_task_status(
        self,
        task_id: str,
        status: TaskStatus,
        success: bool | None = None,  # noqa: FBT001 -- the original's own signature
        error: str | None = None,
        **more: Any,  # noqa: ANN401 -- the other fields of StatusUpdate
    ) -> Task:
        """Say what became of a task; only legal moves are made."""
        said = {"status": status, "success": success, "error": error, **more}
        body = {key: value for key, value in said.items() if value is not None}
        return Task.model_validate(self._call("POST", f"/tasks/{task_id}/status", body))

    def task(self, task_id: str) -> Task:
        """Return one task."""
        return Task.model_validate(self._call("GET", f"/tasks/{task_id}"))

    def tasks(self, **filters: Any) -> list[Task]:  # noqa: ANN401 -- the query of the list
        """Return all tasks that fit, page by page."""
        return [Task.model_validate(row) for row in self._pages("/tasks", filters)]

    def cancel(self, task_id: str, reason: str) -> None:
        """Cancel a task."""
        self._call("POST", f"/tasks/{task_id}/actions", {"verb": "cancel", "reason": reason})

    # --- the fleet

    def summary(self) -> Summary:
        """Return the fleet in numbers."""
        return Summary.model_validate(self._call("GET", "/summary"))

    # --- HTTP

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 -- JSON
        may_repeat = method == "GET" or "Idempotency-Key" in (headers or {})
        for left in reversed(range(TRIES if may_repeat else 1)):
            try:
                answer = self._http.request(
                    method, path, json=body, headers=dict(headers or {}), params=dict(query or {})
                )
            except httpx2.TransportError:
                if not left:
                    raise
                continue
            break
        if answer.is_error:
            raise ApiError(_problem(answer))
        return answer.json()

    def _pages(self, path: str, filters: Mapping[str, Any]) -> Iterable[Any]:
        query = {"limit": 1000, **filters}
        while True:
            page = self._call("GET", path, query=query)
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]


def _problem(answer: httpx2.Response) -> Problem:
    try:
        return Problem.model_validate_json(answer.content)
    except ValueError:  # something between us and the control room answered
        return Problem(
            title=answer.reason_phrase,
            status=answer.status_code,
            detail=answer.text[:200],
            code="not_the_control_room",
        )


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone().isoformat()


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()
