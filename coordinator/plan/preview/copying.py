"""A state of the core made from a snapshot: everyone is present and well, nobody is alive.

An agent that was offline, or never seen, is assumed to be there: the preview asks what the plan
lets happen, and not whether a machine will be on. What an operator or the agent itself has
decided (a cordon, a pause) stays.
"""

import hashlib
from typing import Final

from coordinator.core.agents import Agent
from coordinator.core.effects import Effect
from coordinator.core.events import Heard
from coordinator.core.instant import Instant
from coordinator.core.policy import Policy
from coordinator.core.records import Record, agent_from, remember_mark, task_from
from coordinator.core.recovery import restore
from coordinator.core.state import State
from coordinator.plan.preview.snapshot import Snapshot
from protocol.messages import Heartbeat, Presence
from protocol.vocabulary import AgentHealth, AgentMode, PresenceState

NEVER_HEARD: Final = "everybody"
"""Stands for a boot that is waited for, until all agents have been introduced."""


def state_of(snapshot: Snapshot, policy: Policy, now: Instant) -> tuple[State, list[Effect]]:
    """Return a state that is still recovering, and what was decided while it was filled."""
    state = State(policy, "preview", term=1)
    agents = {record["name"]: agent_from(record, policy) for record in snapshot.agents}
    present = {
        name: agent
        for name, agent in agents.items()
        if name in policy.agents or agent.epoch > agent.forgotten_epoch
    }
    for name in policy.agents:
        if name not in present:
            present[name] = state.agent(name)
    for agent in present.values():
        agent.desired_mode = _lasting(agent)
    for kind, key, record in snapshot.marks:
        remember_mark(state, kind, key, record)
    boots = {name: agent.boot for name, agent in present.items()}
    tasks = [task_from(_without_dead_attempt(record, boots)) for record in snapshot.tasks]
    for task in tasks:
        state.tally[task.status, task.priority, task.mode] += 1
    effects = restore(state, present.values(), tasks, now)
    state.unheard = {NEVER_HEARD: ""}
    state.recovered_by_ms = 2**62
    return state, effects


def introductions(state: State, now: Instant) -> list[Heard]:
    """Return what every agent says when it comes up."""
    said = []
    for agent in state.agents.values():
        agent.health.tier = AgentHealth.HEALTHY
        held = next((t.attempt.boot for t in agent.held.values() if t.attempt is not None), None)
        envelope = {
            "ts_ms": now.wall_ms,
            "agent": agent.name,
            "boot": held or agent.boot or _boot_of(agent.name),
            "epoch": agent.epoch if agent.boot else max(now.wall_ms, agent.forgotten_epoch + 1),
            "conn": agent.conn + 1,
            "seq": 1,
        }
        presence = Presence.model_validate({**envelope, "state": PresenceState.ONLINE})
        heartbeat = {
            **envelope,
            "interval_s": agent.interval_ms / 1000,
            "uptime_s": 1,
            "slots_free": 1,
            "holding": [
                {"task": task.id, "fence": task.fence, "phase": "running"}
                for task in agent.held.values()
            ],
            "seen": {"term": 0, "rev": 0},
        }
        said += [Heard(presence), Heard(Heartbeat.model_validate(heartbeat))]
    return said


def _lasting(agent: Agent) -> AgentMode:
    """Return the mode that is wanted of *agent*; one that was to stop has come back."""
    mode = agent.desired_mode
    return AgentMode.ACTIVE if mode is AgentMode.STOP else mode


def _without_dead_attempt(record: Record, boots: dict[str, str | None]) -> Record:
    """Take a task back from a process that is known to be gone."""
    attempt = record.get("attempt")
    if attempt is None or boots.get(attempt["agent"]) == attempt["boot"]:
        return record
    rest = {key: value for key, value in record.items() if key not in {"attempt", "want"}}
    return {**rest, "phase": "ready"}


def _boot_of(name: str) -> str:
    return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
