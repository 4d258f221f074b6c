"""Taking a host's word that a process is dead: exactly what its boot held is free at once.

A host says so only of a process of which it chose the boot, was the parent, collected the end, and
found nothing left. So there is no lease to wait for: nobody executes under these fences any more.
"""

from coordinator.core.agents import Agent
from coordinator.core.assignments import end_attempt
from coordinator.core.losses import lost_attempt
from coordinator.core.standing import refresh
from coordinator.core.turn import Turn
from protocol.vocabulary import PresenceState


def take_proof(turn: Turn, agent: Agent, boot: str) -> None:
    """Take back what the dead *boot* of *agent* held, and believe no late word of it."""
    if boot == agent.boot and agent.dead_boot != boot:
        agent.dead_boot = boot
        agent.presence = PresenceState.OFFLINE
        turn.tell("agent_dead", agent.name, f"the process of {agent.name} has ended, says its host")
        turn.show(agent)
        refresh(turn, agent)
    for task in list(agent.held.values()):
        attempt = task.attempt
        if attempt is not None and attempt.boot == boot:
            end_attempt(turn, task, "process_dead")
            lost_attempt(turn, task, "the process that ran it has ended, says its host")
