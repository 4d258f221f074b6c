"""What operators do to agents and to the fleet: each with a reason, an actor and an expiry.

When a verb expires, what was before it is in force again. Nothing that an operator did is
forgotten silently: each verb, and its end, is a line in the fleet's story and shown as a reason.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from coordinator.core.blocks import NEVER_MS, Block
from coordinator.core.closures import close, reopen
from coordinator.core.effects import SaveAgent, SaveMark
from coordinator.core.gating import FLEET, permit_gate
from coordinator.core.timers import Due
from protocol.vocabulary import AgentMode

if TYPE_CHECKING:
    from coordinator.core.agents import Agent
    from coordinator.core.turn import Turn

HOUR_MS: Final = 3_600_000
FOREVER: Final = NEVER_MS


class VerbKind(StrEnum):
    """What an operator can do to an agent."""

    CORDON = "cordon"
    """Nothing new; what it has goes on."""
    DRAIN = "drain"
    """As cordon, and the agent itself is told, so that it can leave when it is done."""
    MAINTENANCE = "maintenance"
    """Only maintenance tasks."""


@dataclass(frozen=True, slots=True)
class Verb:
    """Something an operator did to an agent."""

    kind: VerbKind
    reason: str
    actor: str
    until_ms: int
    previous: "Verb | None" = None

    def block(self) -> Block | None:
        """Say how it keeps the agent from work; maintenance does so by the agent's class."""
        if self.kind is VerbKind.MAINTENANCE:
            return None
        return Block("CORDONED", self.until_ms, f"{self.kind.value} by {self.actor}: {self.reason}")


@dataclass(frozen=True, slots=True)
class Hold:
    """An operator holds a permit key: nothing new takes it."""

    reason: str
    actor: str
    until_ms: int


def apply(turn: "Turn", agent: "Agent", verb: Verb) -> None:
    """Put *verb* in force for *agent*; what is over before it need not be remembered behind it."""
    previous = verb.previous
    while previous is not None and previous.until_ms <= verb.until_ms:
        previous = previous.previous
    agent.verb = replace(verb, previous=previous)
    if verb.until_ms < FOREVER:
        turn.state.timers.at_wall(verb.until_ms, Due.AGENT, agent.name)
    text = f"{verb.actor}: {verb.kind.value} {agent.name}: {verb.reason}"
    turn.tell("operator", agent.name, text, verb=verb.kind.value, until_ms=verb.until_ms)
    settle_mode(turn, agent)


def lift(turn: "Turn", agent: "Agent", actor: str) -> bool:
    """Take back everything that operators did to *agent*; say whether there was anything."""
    if agent.verb is None:
        return False
    turn.tell("operator", agent.name, f"{actor}: {agent.name} is back in service")
    agent.verb = None
    settle_mode(turn, agent)
    return True


def expire(turn: "Turn", agent: "Agent") -> None:
    """Let what was before be in force again if the present verb of *agent* is over."""
    while agent.verb is not None and agent.verb.until_ms <= turn.now.wall_ms:
        turn.tell("operator", agent.name, f"{agent.verb.kind.value} of {agent.name} has expired")
        agent.verb = agent.verb.previous
        settle_mode(turn, agent)


def settle_mode(turn: "Turn", agent: "Agent") -> None:
    """Want of *agent* as a whole what its operators and its pool want of it now."""
    drains = agent.leaving or (agent.verb is not None and agent.verb.kind is VerbKind.DRAIN)
    mode = AgentMode.DRAIN if drains else AgentMode.ACTIVE
    if agent.is_forgotten:
        mode = AgentMode.STOP
    if agent.desired_mode is not mode:
        agent.desired_mode = mode
        turn.restate(agent)
    agent.judge_again_ms = 0
    turn.do(SaveAgent(agent.name))
    turn.show(agent)


def pause_fleet(turn: "Turn", reason: str, actor: str, until_ms: int) -> None:
    """Start nothing new anywhere until *until_ms*."""
    close(turn, FLEET, until_ms, reason, actor)
    turn.tell("operator", None, f"{actor} paused the fleet: {reason}", until_ms=until_ms)


def resume_fleet(turn: "Turn", actor: str) -> bool:
    """Let the fleet go on; say whether it was paused."""
    was_paused = reopen(turn, FLEET)
    if was_paused:
        turn.tell("operator", None, f"{actor} resumed the fleet")
    return was_paused


def hold_key(turn: "Turn", key: str, hold: Hold) -> None:
    """Let nothing new take permit *key* until the hold is over."""
    state = turn.state
    state.holds[key] = hold
    permit_gate(state, key).hold(is_held=True)
    state.timers.at_wall(hold.until_ms, Due.GATE, key)
    turn.do(SaveMark("hold", key))
    turn.tell("operator", key, f"{hold.actor} holds {key}: {hold.reason}", until_ms=hold.until_ms)


def let_go_of_key(turn: "Turn", key: str, why: str) -> bool:
    """Let permit *key* be taken again; say whether it was held."""
    state = turn.state
    if state.holds.pop(key, None) is None:
        return False
    gate = permit_gate(state, key)
    if gate.hold(is_held=False):
        state.wake_behind(gate)
    turn.do(SaveMark("hold", key))
    turn.tell("operator", key, f"{key} is not held any more: {why}")
    return True


def expire_hold(turn: "Turn", key: str) -> None:
    """Let go of permit *key* if its hold is over."""
    hold = turn.state.holds.get(key)
    if hold is not None and hold.until_ms <= turn.now.wall_ms:
        let_go_of_key(turn, key, "the hold has expired")
