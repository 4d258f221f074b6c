"""One part as a real process; see :mod:`agent_client.host.process`."""

from pathlib import Path

from agent_client.host.process import Process
from coordinator.cli.up.parts import Part


class PartProcess(Process):
    """A started part; whoever starts it ends it."""

    def __init__(self, part: Part, logs: Path) -> None:
        super().__init__(part.command, part.environment, logs / part.log_name)
        self.part = part
