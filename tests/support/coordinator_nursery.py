"""Real coordinators that start at once, for tests that kill many of them.

``python -m tests.support.coordinator_nursery`` loads the coordinator's code and then forks a new
process for every line on its standard input, a JSON object of environment variables, and prints its
process id. Such a process is a coordinator in everything but the second it saves.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

_ROOT: Final = Path(__file__).parents[2]
_ENDS_WITHIN_S: Final = 60.0


@dataclass
class Child:
    """One coordinator; nobody else may collect its end, so its id stays its own until then."""

    pid: int
    fd: int

    def has_ended(self, within_s: float = 0.0) -> bool:
        """Say whether it is dead, waiting so long for it."""
        return bool(select.select([self.fd], [], [], within_s)[0])

    def kill(self) -> None:
        """End it as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.fd, signal.SIGKILL)
        if not self.has_ended(_ENDS_WITHIN_S):
            raise TimeoutError(f"process {self.pid} outlives SIGKILL")
        os.close(self.fd)


class Nursery:
    """Starts coordinators; they write to the log at ``log``."""

    def __init__(self, log: Path) -> None:
        self._children: list[Child] = []
        clean = {key: value for key, value in os.environ.items() if key[:9] != "FLEETBUS_"}
        with log.open("w") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.coordinator_nursery"],
                env=clean | {"PYTHONPATH": str(_ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=out,
                text=True,
            )

    def start(self, environment: Mapping[str, str]) -> Child:
        """Start one; it may be killed by whoever asked for it only."""
        stdin, stdout = _pipes(self._process)
        stdin.write(json.dumps(dict(environment)) + "\n")
        stdin.flush()
        pid = int(stdout.readline())
        return Child(pid, os.pidfd_open(pid))

    def close(self) -> None:
        """Start no more; those that live go on."""
        stdin, stdout = _pipes(self._process)
        stdin.close()
        self._process.wait(_ENDS_WITHIN_S)
        stdout.close()


@contextlib.contextmanager
def nursery(log: Path) -> Iterator[Nursery]:
    """Have a nursery; whoever starts a child ends it before."""
    found = Nursery(log)
    try:
        yield found
    finally:
        found.close()


def _pipes(process: "subprocess.Popen[str]") -> tuple[IO[str], IO[str]]:
    if process.stdin is None or process.stdout is None:
        raise ValueError("a nursery is spoken to on its pipes")
    return process.stdin, process.stdout


def main() -> None:
    from coordinator.settings import load
    from coordinator.shell import crash, service

    children = []
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.environ.update(json.loads(line))
            crash._at = crash._chosen()  # chosen at import, which was before
            devnull = os.open(os.devnull, os.O_RDWR)
            os.dup2(devnull, 0)
            os.dup2(devnull, 1)
            os._exit(service.run(load({})))
        children.append(child)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        # The one before is dead: only now may its id be given to another process.
        for former in children[:-1]:
            os.waitpid(former, 0)
        del children[:-1]
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
