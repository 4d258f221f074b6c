"""Keeps parts running and stops them in order; the loop around real processes.

Whether and when a part is started again is decided in :mod:`agent_client.host.restarts`. There is
one thread, and it alone starts, looks after and ends processes. The agents are their host's to
keep; how they are is told from what it writes down.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from agent_client.host.process import TAIL_LINES, how_it_ended
from coordinator.cli import screen
from coordinator.cli.up.data import end_hosted, hosted_agents, write_pids
from coordinator.cli.up.hosted import AgentsSeen
from coordinator.cli.up.parts import Kind, Part
from coordinator.cli.up.process import PartProcess
from protocol.errors import FleetBusError

LOOK_S: Final = 0.1
PATIENCE_S: Final[dict[Kind, float]] = {
    Kind.HOST: 6.5,
    Kind.WEB: 5.5,
    Kind.COORDINATOR: 2.0,
    Kind.BROKER: 1.4,
}
"""How long each kind may take to finish; the control room does so beside the agents, and all
together take less than 10 s."""

IMPATIENT: Final = 2
"""Being asked to stop once more means: now."""


class Stopped(Exception):
    """The person or the system asked us to stop."""


class PartFailed(FleetBusError):
    """A part that cannot be kept running; the message ends with the end of its log."""

    def __init__(self, process: PartProcess, what: str) -> None:
        last = [f"  {screen.printable(line, limit=500)}" for line in process.said()[-TAIL_LINES:]]
        lines = "\n".join(last or ["  (nothing)"])
        super().__init__(f"{process.part.name} {what}; the end of {process.log}:\n{lines}")


class Supervisor:
    """Owns every process that it started, until :meth:`stop_all`."""

    def __init__(self, data: Path, say: Callable[[str], None]) -> None:
        self.stop_asked = 0
        self._data = data
        self._say = say
        self._processes: dict[str, PartProcess] = {}
        self._ends: dict[str, list[float]] = {}
        self._waiting: dict[str, tuple[float, Part]] = {}
        self.agents = AgentsSeen()
        self.changed: Callable[[], None] = lambda: None

    @property
    def processes(self) -> list[PartProcess]:
        """What runs, in the order it was started."""
        return [process for process in self._processes.values() if process.status is None]

    def start(self, part: Part) -> PartProcess:
        """Start *part*, or raise :class:`FleetBusError` when its program cannot be started."""
        try:
            process = PartProcess(part, self._data / "logs")
        except OSError as error:
            raise FleetBusError(
                f"{part.name} cannot be started: {part.command[0]}: {error.strerror or error}"
            ) from None
        self._processes[part.name] = process
        write_pids(self._data, self.processes)
        return process

    def check_starting(self) -> None:
        """Raise :class:`PartFailed` if a part has ended already, :class:`Stopped` if asked to."""
        if self.stop_asked:
            raise Stopped
        for process in self._processes.values():
            if process.part.kind is Kind.WEB:
                continue  # the fleet runs without it
            if (status := process.status) is not None:
                raise PartFailed(process, f"{how_it_ended(status)} while starting")

    def wait(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Wait until *ready*, looking after what is starting; say whether it was in time."""
        end = time.monotonic() + seconds
        while not ready():
            self.check_starting()
            if time.monotonic() > end:
                return False
            time.sleep(LOOK_S)
        return True

    def supervise(self) -> None:
        """Keep everything running until asked to stop.

        Raises :class:`PartFailed` when the broker or the coordinator ends too often.
        """
        while not self.stop_asked:
            now = time.monotonic()
            for process in list(self._processes.values()):
                if (status := process.status) is not None:
                    self._ended(process, status, now)
            for name, (due, part) in list(self._waiting.items()):
                if due <= now:
                    del self._waiting[name]
                    self._start_again(part)
            self.look_at_agents()
            time.sleep(LOOK_S)

    def look_at_agents(self) -> None:
        """Tell what became of the agents since the last look."""
        if Kind.HOST not in {process.part.kind for process in self._processes.values()}:
            return
        lines = self.agents.look(hosted_agents(self._data), self._data / "logs")
        for line in lines:
            self._say(line)
        if lines:
            self.changed()

    def stop_all(self) -> list[str]:
        """End every part, agents first and the broker last; return what had to be killed."""
        killed: list[str] = []
        for kinds in ((Kind.HOST, Kind.WEB), (Kind.COORDINATOR,), (Kind.BROKER,)):
            mine = [process for process in self.processes if process.part.kind in kinds]
            killed += self._stop(mine, PATIENCE_S[kinds[0]])
            if mine and Kind.HOST in kinds:
                killed += [f"an agent's process (pid {pid})" for pid in end_hosted(self._data)]
        self._processes.clear()
        return killed

    def _stop(self, processes: Iterable[PartProcess], seconds: float) -> list[str]:
        left = list(processes)
        if left:
            self._say(f"stopping {', '.join(process.part.name for process in left)}")
        for process in left:
            process.ask_to_stop()
        end = time.monotonic() + seconds
        while left and time.monotonic() < end and self.stop_asked < IMPATIENT:
            left = [process for process in left if process.status is None]
            time.sleep(LOOK_S / 2 if left else 0)
        for process in left:
            process.kill()
        return [f"{process.part.name} (pid {process.pid})" for process in left]

    def _ended(self, process: PartProcess, status: int, now: float) -> None:
        part = process.part
        del self._processes[part.name]
        ends = self._ends.setdefault(part.name, [])
        ends.append(now)
        due = part.restarts.next_start(ends)
        if due is not None:
            self._waiting[part.name] = (due, part)
            self._say(
                f"{screen.WARN} {part.name} {how_it_ended(status)}; "
                f"starting it again in {due - now:.1f} s (log: {process.log})"
            )
        else:
            failed = PartFailed(process, f"{how_it_ended(status)}, {len(ends)} times now: given up")
            if part.is_essential:
                raise failed
            self._say(f"{screen.BAD} {failed}")
        self.changed()

    def _start_again(self, part: Part) -> None:
        try:
            process = self.start(part)
        except FleetBusError as error:
            if part.is_essential:
                raise
            self._say(f"{screen.BAD} {error}")
            return
        self._say(f"{screen.GOOD} {part.name} runs again (pid {process.pid})")
        self.changed()
