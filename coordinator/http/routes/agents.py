"""Routes about agents: the list, one of them, what it could do, and what operators do to it."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from coordinator.http.auth.guard import Operator, Reader
from coordinator.http.errors import REFUSALS, refusals
from coordinator.http.problems import Refused
from coordinator.http.room import Room, RoomOf
from coordinator.http.schemas.agents import (
    Agent,
    AgentAct,
    AgentHeartbeat,
    AgentRegistration,
    HeartbeatAnswer,
)
from coordinator.http.schemas.base import Done, Page
from coordinator.http.schemas.fleet import Why
from coordinator.http.schemas.tasks import Task
from coordinator.http.views.agents import agent_view, matching, page_of
from protocol.messages.base import AgentName
from protocol.vocabulary import AgentHealth, AgentStatus, SubmitOp

router = APIRouter(prefix="/agents", tags=["agents"], responses=REFUSALS)

LASTING = frozenset({SubmitOp.CORDON, SubmitOp.DRAIN, SubmitOp.MAINTENANCE})
"""What an operator does for a time."""

Name = Annotated[AgentName, Path(description="The agent's name")]


@router.get("", operation_id="list_agents")
async def list_agents(
    _who: Reader,
    room: RoomOf,
    status: Annotated[list[AgentStatus] | None, Query()] = None,
    health: Annotated[list[AgentHealth] | None, Query()] = None,
    capability: Annotated[list[str] | None, Query(description="All of them")] = None,
    machine: Annotated[str | None, Query(max_length=128)] = None,
    mode: Annotated[str | None, Query(max_length=64)] = None,
    q: Annotated[str | None, Query(max_length=200, description="Part of the name")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    sort: Annotated[
        str, Query(pattern="^-?(name|status|health|machine_id|last_heartbeat|error_count)$")
    ] = "name",
) -> Page[Agent]:
    """List the agents."""
    found = matching(
        room.mirror,
        statuses=status,
        healths=health,
        capabilities=capability,
        machine=machine,
        mode=mode,
        text=q,
    )
    return page_of(found, room.mirror, limit=limit, cursor=cursor, sort=sort)


@router.post("", operation_id="register_agent", status_code=201, responses=refusals(501))
async def register_agent(
    body: AgentRegistration, _who: Operator, room: RoomOf, response: Response
) -> Agent:
    """Introduce an agent that speaks HTTP instead of MQTT: it lives as long as it beats."""
    await room.agents.register(body)
    response.headers["Location"] = f"/api/orchestrator/agents/{body.name}"
    return _agent(room, body.name)


@router.get("/{name}", operation_id="get_agent")
async def get_agent(name: Name, _who: Reader, room: RoomOf) -> Agent:
    """Show one agent."""
    return _agent(room, name)


@router.delete("/{name}", operation_id="forget_agent")
async def forget_agent(name: Name, who: Operator, room: RoomOf) -> Done:
    """Forget an agent that holds nothing; what it was told is not welcome any more."""
    await room.link.ask(SubmitOp.FORGET, who, agent=name)
    room.agents.forget(name)
    return Done(message=f"{name} is forgotten")


@router.post("/{name}/heartbeat", operation_id="update_agent_heartbeat")
async def update_agent_heartbeat(
    name: Name, body: AgentHeartbeat, _who: Operator, room: RoomOf
) -> HeartbeatAnswer:
    """Say for an agent that speaks HTTP that it lives, how it is, and what it measures."""
    return await room.agents.beat(name, body)


@router.get("/{name}/next", operation_id="get_next_scheduled_task")
async def get_next_scheduled_task(
    name: Name,
    _who: Operator,
    room: RoomOf,
    wait_s: Annotated[float, Query(ge=0, le=30, description="Wait so long for one")] = 0.0,
) -> Task | None:
    """Take the next task that an agent which speaks HTTP was given, or null."""
    return await room.agents.next_task(name, wait_s)


@router.get("/{name}/why-idle", operation_id="why_agent_idle")
async def why_agent_idle(name: Name, who: Reader, room: RoomOf) -> Why:
    """Say why an agent does not do more."""
    reply = await room.link.ask(SubmitOp.WHY_IDLE, who, agent=name)
    return Why.of(reply.data)


@router.post("/{name}/actions", operation_id="act_on_agent")
async def act_on_agent(name: Name, body: AgentAct, who: Operator, room: RoomOf) -> Done:
    """Cordon, drain, put into maintenance, or return to service.

    Start, stop and restart are done by the host of its machine, if the agent is one of the plan.
    """
    op = SubmitOp(body.verb)
    if op not in LASTING and (body.for_s is not None or body.forever):
        path, value = ("forever", True) if body.for_s is None else ("for_s", body.for_s)
        lasting = ", ".join(sorted(LASTING))
        raise Refused.bad(
            f"body.{path}", value, f"left out: {body.verb} is done once; what lasts is {lasting}"
        )
    await room.link.ask(
        op, who, agent=name, reason=body.reason, for_s=body.for_s, forever=body.forever
    )
    return Done(message=f"{body.verb}: {name}")


def _agent(room: Room, name: str) -> Agent:
    view = agent_view(room.mirror, name)
    if view is None:
        raise Refused.unknown("agent", name)
    return view
