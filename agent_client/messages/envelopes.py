"""What every message of one side carries."""

from dataclasses import dataclass

from agent_client.fields import AgentName, BootId, Count, Label, Version
from protocol.limits import PROTOCOL_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class FromAgent:
    """What every message of an agent carries."""

    v: Version = PROTOCOL_VERSION
    ts_ms: Count
    agent: AgentName
    boot: BootId
    epoch: Count
    conn: Count
    seq: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class FromCoordinator:
    """What every message of the coordinator carries."""

    v: Version = PROTOCOL_VERSION
    ts_ms: Count
    coord: Label
    term: Count
