"""What a person at the terminal is told of the agents, by what their host writes down. Pure."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from coordinator.cli import screen
from protocol.vocabulary import HostedState

_SHOWN_LINES: Final = 5


class AgentsSeen:
    """The agents of this machine's host, as they were last looked at."""

    def __init__(self) -> None:
        self.known: dict[str, Mapping[str, Any]] = {}

    @property
    def running(self) -> dict[str, int]:
        """Agent to the id of its process."""
        return {name: said["pid"] for name, said in self.known.items() if "pid" in said}

    @property
    def ailing(self) -> set[str]:
        """Agents that have ended and are started again, or not."""
        ailing = {HostedState.WAITING, HostedState.ERROR, HostedState.STOPPED}
        return {name for name, said in self.known.items() if said["state"] in ailing}

    def look(self, agents: Sequence[Mapping[str, Any]], logs: Path) -> list[str]:
        """Take in how the agents are; return what is worth a line at the terminal."""
        before, self.known = self.known, {said["agent"]: said for said in agents}
        lines = []
        for name, said in self.known.items():
            was = before.get(name, {})
            if said != was:
                lines += _line(name, was, said, logs / f"agent-{name}.log")
        return lines


def _line(name: str, was: Mapping[str, Any], said: Mapping[str, Any], log: Path) -> list[str]:
    state, ended = said["state"], said.get("exit", "ended")
    if state == was.get("state") and said.get("pid") == was.get("pid"):
        return []
    match state:
        case HostedState.RUNNING:
            again = "runs again" if said.get("restarts") else "runs"
            return [f"{screen.GOOD} agent {name} {again} (pid {said['pid']})"]
        case HostedState.WAITING:
            return [f"{screen.WARN} agent {name} {ended}; starting it again soon (log: {log})"]
        case HostedState.ERROR:
            tail = [f"  {screen.printable(line)}" for line in said.get("last_lines", ())]
            shown = tail[-_SHOWN_LINES:] or ["  (nothing)"]
            return [f"{screen.BAD} agent {name} {ended}; the end of {log}:", *shown]
        case HostedState.STOPPED if was:
            return [f"agent {name} {ended}; it stays stopped"]
        case _:
            return []
