"""What scenes tell of what they heard, and how they compare it."""

import itertools
from typing import Any, Final

from coordinator.cli.conformance.bus import Heard
from coordinator.cli.conformance.stage import Stage
from protocol.topics import AgentChannel

FOREIGN_BOOT: Final = "0123456789abcdef" * 2
"""The boot of a process that is somebody else."""


def line_of(heard: Heard | None) -> str:
    """Tell a message in a line; nothing of none."""
    if heard is None:
        return ""
    shown = ("task", "fence", "seq", "event", "state", "boot", "conn", "detail")
    told = ", ".join(f"{key} {heard.said[key]}" for key in shown if key in heard.said)
    return f"{told} ({heard.fault})" if heard.fault else told


def states(stage: Stage, since: float) -> str:
    """Tell the states that were stated from *since* on."""
    states = [str(one.said.get("state")) for one in stage.of(AgentChannel.PRESENCE, since)]
    return "presence " + (" then ".join(states) or "unchanged")


def own_presence(stage: Stage, since: float) -> list[Heard]:
    """List what the agent itself stated from *since* on."""
    return [
        heard
        for heard in stage.of(AgentChannel.PRESENCE, since)
        if heard.said.get("boot") == stage.boot and heard.said.get("state") == "online"
    ]


def content(report: Heard) -> dict[str, Any]:
    """Return what a report says, without when and over which connection."""
    changes = {"ts_ms", "conn", "epoch"}
    return {key: value for key, value in report.said.items() if key not in changes}


def pairs(values: list[Any]) -> list[tuple[Any, Any]]:
    """Pair each value with the next one."""
    return list(itertools.pairwise(values))
