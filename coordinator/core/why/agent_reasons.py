"""One agent's side of a reason, in words: what about it is in the way, and until when."""

from coordinator.core.agents import Agent
from coordinator.core.blocks import NEVER_MS
from coordinator.core.cooldowns import held_back
from coordinator.core.instant import Instant
from coordinator.core.queue.shapes import Kind
from protocol.vocabulary import PresenceState

_SHOWN = 4


def reason(agent: Agent, code: str, kind: Kind | None, now: Instant) -> tuple[str, int | None]:
    """Say how *agent* fails the gate *code*, and until when if that is known (wall clock)."""
    for block in agent.blocks:
        if block.code == code:
            return block.text, until(block.until_ms)
    match code:
        case "NO_CAPABLE_AGENT":
            return _incapable(agent, kind), None
        case "AGENT_OFFLINE":
            return _away(agent, now), None
        case "CORDONED":
            return _not_in_service(agent), until(agent.verb.until_ms) if agent.verb else None
        case "HEALTH_TOO_LOW":
            least = kind.min_health.value if kind and kind.min_health else "more"
            why = f" ({'; '.join(agent.health.reasons)})" if agent.health.reasons else ""
            return f"it is {agent.tier.value}{why}, {least} is asked for", None
        case "AGENT_BUSY":
            held = list(agent.held)
            more = f" and {len(held) - _SHOWN} more" if len(held) > _SHOWN else ""
            return f"it holds {', '.join(held[:_SHOWN])}{more}", None
        case _:
            return _cooling(agent, code, kind, now)


def _cooling(agent: Agent, code: str, kind: Kind | None, now: Instant) -> tuple[str, int | None]:
    cooldown = held_back(agent, kind.type_keys, now.wall_ms) if kind is not None else None
    if cooldown is not None:
        if cooldown.until_ms <= now.wall_ms:
            return f"{cooldown.probe} tries whether it works again", None
        return cooldown.text, until(cooldown.until_ms)
    return code.lower().replace("_", " "), None


def until(wall_ms: int) -> int | None:
    """Return *wall_ms*, or ``None`` when it is for ever."""
    return wall_ms if wall_ms < NEVER_MS else None


def _incapable(agent: Agent, kind: Kind | None) -> str:
    if kind is not None and agent.name in kind.excluded:
        return "it has rejected such a task"
    missing = sorted(kind.capabilities - agent.capabilities) if kind is not None else []
    return f"it cannot do {', '.join(missing)}"


def _away(agent: Agent, now: Instant) -> str:
    if agent.lost:
        return "it is lost: its lease ran out"
    if agent.suspect:
        silent_s = (now.mono_ms - agent.heard_ms) / 1000 if agent.heard_ms is not None else 0
        return f"it is suspect, not heard for {silent_s:.0f} s"
    if agent.presence in {PresenceState.OFFLINE, PresenceState.LOST}:
        return "it is offline"
    if agent.heard_ms is None:
        return "it has not been heard since the coordinator started"
    return "it does not answer what it is told"


def _not_in_service(agent: Agent) -> str:
    if agent.verb is not None:
        return f"{agent.verb.kind.value} by {agent.verb.actor}: {agent.verb.reason}"
    if agent.presence is not PresenceState.ONLINE:
        return f"it says that it is {agent.presence.value}"
    return f"it is to {agent.desired_mode.value}"
