"""Who is measured and how each is run: the peers in their recommended fast configuration."""

import contextlib
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.peers.environment import HERE

WORKERS: Final = 2
_WAIT_S: Final = 180.0


@dataclass(frozen=True)
class Peer:
    """A task queue on Redis: the module of its app, and the command of its workers."""

    name: str
    app: str
    worker: tuple[str, ...]
    keeps: str
    """What it promises about a task that is accepted."""


REDIS_KEEPS: Final = "in Redis's memory"
PEERS: Final = (
    Peer(
        "Huey",
        "huey_app",
        ("huey.bin.huey_consumer", "huey_app.huey", "-k", "process", "-w", str(WORKERS), "-n"),
        REDIS_KEEPS,
    ),
    Peer(
        "Taskiq (stream)",
        "taskiq_app",
        (
            *("taskiq", "worker", "taskiq_app:broker", "--workers", str(WORKERS)),
            *("--log-level", "WARNING"),
        ),
        REDIS_KEEPS,
    ),
    Peer(
        "Celery",
        "celery_app",
        (
            *("celery", "-A", "celery_app", "worker", "-P", "prefork", "-c", str(WORKERS)),
            *("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING"),
        ),
        REDIS_KEEPS,
    ),
    Peer(
        "Dramatiq",
        "dramatiq_app",
        ("dramatiq", "dramatiq_app", "-p", str(WORKERS), "-t", "8"),
        REDIS_KEEPS,
    ),
)
DASK: Final = "Dask"


@dataclass
class Contender:
    """One that runs and can be asked; see :func:`running_peer` and :func:`running_dask`."""

    python: Path
    app: str
    environment: Mapping[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def ask(self, what: str, count: int) -> dict[str, float]:
        """Let its own client measure *what*."""
        measure = HERE / "apps" / "measure.py"
        command = [str(self.python), str(measure), self.app, what, str(count)]
        done = subprocess.run(
            command,
            env=dict(self.environment),
            cwd=HERE / "apps",
            capture_output=True,
            text=True,
            timeout=_WAIT_S,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{self.app} {what} has failed:\n{done.stderr[-2000:]}")
        answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return answer

    def memory_mib(self) -> float:
        """Return the resident memory of its workers and of what they started."""
        total = 0
        for process in self.processes:
            parent = psutil.Process(process.pid)
            for one in (parent, *parent.children(recursive=True)):
                total += one.memory_info().rss
        return total / 2**20


@contextlib.contextmanager
def running_peer(peer: Peer, python: Path, url: str, log: Path) -> Iterator[Contender]:
    """Run the workers of *peer*."""
    environment = _environment(python) | {"PEERS_REDIS": url}
    module = ("-m", *peer.worker)
    with _running(Contender(python, peer.app, environment), log, module) as contender:
        yield contender


@contextlib.contextmanager
def running_dask(python: Path, log: Path) -> Iterator[Contender]:
    """Run a scheduler and its worker processes."""
    environment = _environment(python)
    scheduler = ("-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0")
    quiet = ("--no-dashboard",)
    contender = Contender(python, "dask_app", environment)
    with _running(contender, log, (*scheduler, *quiet)):
        url = _said(log, r"(tcp://127\.0\.0\.1:\d+)")
        contender.environment = environment | {"PEERS_DASK": url}
        worker = ("-m", "distributed.cli.dask_worker", url, "--nworkers", str(WORKERS))
        more = ("--nthreads", "1", *quiet)
        with _running(contender, log.with_suffix(".worker.log"), (*worker, *more)):
            yield contender


@contextlib.contextmanager
def _running(contender: Contender, log: Path, words: tuple[str, ...]) -> Iterator[Contender]:
    with log.open("w") as out:
        process = subprocess.Popen(
            [contender.python, *words],
            cwd=HERE / "apps",
            env=dict(contender.environment),
            stdout=out,
            stderr=out,
        )
    contender.processes.append(process)
    try:
        yield contender
    finally:
        family = [
            psutil.Process(process.pid),
            *psutil.Process(process.pid).children(recursive=True),
        ]
        process.terminate()
        _, alive = psutil.wait_procs(family, timeout=5)
        for one in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        process.wait()


def _said(log: Path, pattern: str) -> str:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if found := re.search(pattern, log.read_text()):
            return found[1]
        time.sleep(0.1)
    raise RuntimeError(f"{log} does not say {pattern} within 20 s")


def _environment(python: Path) -> dict[str, str]:
    kept: dict[str, Any] = {key: os.environ[key] for key in ("HOME", "LANG") if key in os.environ}
    return kept | {
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(HERE / "apps"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
