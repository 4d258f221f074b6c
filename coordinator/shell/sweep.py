"""Clearing what the broker still shows and no record explains.

A broker remembers retained topics longer than a coordinator that was stopped in the middle of
clearing them, or that was restored from a backup. So at every connection, for a few seconds, the
coordinator reads its own retained topics and clears those that it would not have stated.
"""

from dataclasses import dataclass
from typing import Final

from coordinator.core.state import State
from protocol.topics import Address, InboxTopic, RegistryTopic, TaskTopic

SWEPT: Final = ("tasks/+", "registry/+", "inbox/+/desired")
SWEEP_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Sweep:
    """Judges retained topics of one coordinator."""

    state: State

    def is_leftover(self, address: Address) -> bool:
        """Say whether *address* shows something of which nothing is known."""
        match address:
            case TaskTopic(task):
                known = self.state.tasks.get(task)
                return known is None or (known.is_over and task not in self.state.shown_ended)
            case RegistryTopic(name) | InboxTopic(agent=name):
                agent = self.state.agents.get(name)
                return agent is None or agent.is_forgotten
            case _:
                return False
