"""The data directory of ``fleetbus up``: one supervisor at a time, and what it has running.

``up.lock`` is held by the living supervisor and by nobody once it is dead. ``up.json`` is there
while everything runs and says where. ``up.pids.json`` names every process, so that the next
supervisor can end what a killed one has left behind.
"""

import contextlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import psutil

from agent_client.host.remains import end_everywhere
from coordinator.cli.up.process import PartProcess
from protocol.errors import FleetBusError

END_LEFTOVERS_S = 7.0


class AlreadyUp(FleetBusError):
    """Another supervisor has this data directory."""

    def __init__(self, data: Path, holder: str) -> None:
        super().__init__(
            f"`fleetbus up` already runs on {data} (pid {holder or 'unknown'}); "
            "stop it with Ctrl-C there, or start another fleet with --data and other ports"
        )


class BadDataDirectory(FleetBusError):
    """A data directory that cannot be used."""

    def __init__(self, data: Path, error: OSError) -> None:
        super().__init__(
            f"--data {data}: cannot be used ({error.strerror or error}); name a directory "
            "that you may write to"
        )


def make_directory(data: Path) -> None:
    """Make the directory *data*, or raise :class:`OSError`."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    ignore = data / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")  # a store and a secret belong into no repository


@contextlib.contextmanager
def held(data: Path) -> Iterator[None]:
    """Make *data* and hold it while the caller supervises, or raise :class:`AlreadyUp`."""
    try:
        make_directory(data)
        lock = (data / "up.lock").open("a+")
    except OSError as error:
        raise BadDataDirectory(data, error) from None
    with lock:
        if not _lock(lock):
            lock.seek(0)
            raise AlreadyUp(data, lock.read(20).strip())
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            yield
        finally:
            for name in ("up.json", "up.pids.json"):
                (data / name).unlink(missing_ok=True)


def write_pids(data: Path, processes: Iterable[PartProcess]) -> None:
    """Note which processes would have to be ended if we were killed now."""
    running = [
        {"name": process.part.name, "pid": process.pid, "created": process.created}
        for process in processes
        if process.status is None
    ]
    _write(data / "up.pids.json", running)


def write_state(data: Path, state: Mapping[str, Any]) -> None:
    """Say to programs where everything is."""
    _write(data / "up.json", state)


def end_leftovers(data: Path) -> list[str]:
    """End what a killed supervisor has left running in *data*; return what that was."""
    found: list[tuple[str, psutil.Process]] = []
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        for entry in json.loads((data / "up.pids.json").read_bytes()):
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(entry["pid"])
                # The number alone may belong to somebody else by now.
                if process.create_time() == entry["created"]:
                    found.append((f"{entry['name']} (pid {process.pid})", process))
    for _, process in found:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs([process for _, process in found], timeout=END_LEFTOVERS_S)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=1)
    return [name for name, _ in found]


def hosted_agents(data: Path) -> list[dict[str, Any]]:
    """Return what the host of this machine says of its agents."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return list(json.loads((data / "host.json").read_bytes())["agents"])
    return []


def end_hosted(data: Path) -> list[int]:
    """End every agent that a killed host has left; return their process ids."""
    boots: list[str] = []
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        processes = json.loads((data / "host.json").read_bytes())["processes"]
        boots = [process["boot"] for process in processes]
    return [pid for boot in boots for pid in end_everywhere(boot)]


def _write(path: Path, document: object) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(document, indent=2) + "\n")
    draft.replace(path)


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> bool:
        # Far beyond the text, because Windows keeps others from reading what is locked.
        file.seek(1 << 20)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _lock(file: IO[str]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
