"""What one agent process remembers beyond its own life: the lock and the journal, as one thing.

Without a state directory there is :class:`Forgetful`, which remembers nothing and costs nothing.
"""

import platform
from pathlib import Path
from typing import Final, Protocol

from agent_client.core.effects import Effect
from agent_client.core.fence import Fence
from agent_client.core.outbox import StoredReport
from agent_client.settings import AgentSettings
from agent_client.state.journal import Journal
from agent_client.state.lock import InstanceLock

_MACHINE_ID: Final = Path("/etc/machine-id")


class Memory(Protocol):
    """What the loop asks of it."""

    prev_boot: str | None
    """The boot before this one, if it is known to be dead."""
    cut_off: tuple[Fence, ...]
    """What dead predecessors were working on."""
    earlier_reports: tuple[StoredReport, ...]
    """What dead predecessors reported without getting an acknowledgement."""
    lock_file: int | None
    """The open lock, for guards to inherit."""

    def note(self, effect: Effect) -> None:
        """Take down what of *effect* a successor has to know."""

    def commit(self) -> None:
        """Make what was noted survive this process."""

    def close(self, *, release: bool) -> None:
        """Finish; without *release*, the name stays taken until the process is gone."""


class Forgetful:
    """The memory of an agent without a state directory."""

    def __init__(self) -> None:
        self.prev_boot: str | None = None
        self.cut_off: tuple[Fence, ...] = ()
        self.earlier_reports: tuple[StoredReport, ...] = ()
        self.lock_file: int | None = None

    def note(self, effect: Effect) -> None:
        """Forget it."""

    def commit(self) -> None:
        """Do nothing."""

    def close(self, *, release: bool) -> None:
        """Do nothing."""


class StateDirectory:
    """The memory of an agent that keeps its state in *folder*.

    Raises :class:`AlreadyRunning` if another process of this machine is that agent.
    """

    def __init__(self, folder: Path, *, agent: str, boot: str, wall_ms: int) -> None:
        self._lock = InstanceLock(folder / f"{agent}.lock", agent)
        self._journal = Journal(
            folder / f"{agent}.journal", agent=agent, host=this_host(), boot=boot, wall_ms=wall_ms
        )
        self.prev_boot: str | None = self._journal.prev_boot
        self.cut_off: tuple[Fence, ...] = self._journal.cut_off
        self.earlier_reports: tuple[StoredReport, ...] = self._journal.earlier_reports
        self.lock_file: int | None = self._lock.file

    def note(self, effect: Effect) -> None:
        """Take down what of *effect* a successor has to know."""
        self._journal.note(effect)

    def commit(self) -> None:
        """Make what was noted survive this process."""
        self._journal.commit()

    def close(self, *, release: bool) -> None:
        """Finish; without *release*, the name stays taken until the process is gone."""
        self._journal.close()
        if release:
            self._lock.release()


def memory_of(settings: AgentSettings, boot: str, wall_ms: int) -> Memory:
    """Open the memory that *settings* ask for."""
    if settings.state_dir is None:
        return Forgetful()
    return StateDirectory(settings.state_dir, agent=settings.name, boot=boot, wall_ms=wall_ms)


def this_host() -> str:
    """Name this machine, as well as it can be told from its copies."""
    try:
        machine = _MACHINE_ID.read_text().strip()
    except OSError:
        machine = ""
    return f"{platform.node()} {machine}".strip()
