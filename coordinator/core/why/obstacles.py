"""What stands between one agent and any task, kept per class so that explaining need not scan.

Whenever an agent's place in the queue is settled, its obstacles are written down in its class.
Agents with the same obstacles are one entry there, so a fleet of any size is explained by looking
at a few entries of each class.
"""

from typing import TYPE_CHECKING, NamedTuple

from coordinator.core.why.codes import in_order

if TYPE_CHECKING:
    from coordinator.core.agents import Agent
    from coordinator.core.turn import Turn


class Obstacles(NamedTuple):
    """Why an agent starts nothing (``codes``, in order), or nothing of certain types."""

    codes: tuple[str, ...] = ()
    cooling: tuple[tuple[str, str], ...] = ()
    """(type key, reason token) of each cooldown about one type of task."""


NONE = Obstacles()


def is_deaf(turn: "Turn", agent: "Agent") -> bool:
    """Say whether *agent* has not taken in for too long what it was told."""
    since_ms = agent.behind_since_ms
    if since_ms is None:
        return False
    return turn.now.mono_ms - since_ms > turn.state.policy.lease.offer_timeout_ms


def obstacles_of(turn: "Turn", agent: "Agent") -> Obstacles:
    """Name everything that keeps *agent* from work; nothing does exactly when it is free."""
    codes = {block.code for block in agent.blocks}
    if not agent.is_present or agent.boot is None or is_deaf(turn, agent):
        codes.add("AGENT_OFFLINE")
    if agent.is_present and not agent.takes_work:
        codes.add("CORDONED")
    if len(agent.held) >= agent.slots:
        codes.add("AGENT_BUSY")
    if not codes and not agent.cooldowns:
        return NONE
    wall_ms = turn.now.wall_ms
    cooling = {
        (cooldown.type_key, cooldown.code)
        for cooldown in agent.cooldowns.values()
        if cooldown.type_key != "*" and cooldown.is_closed(wall_ms)
    }
    return Obstacles(in_order(codes), tuple(sorted(cooling)))
