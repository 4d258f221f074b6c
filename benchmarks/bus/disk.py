"""How long this machine's disk takes to promise a write: no commit of a task can be quicker."""

import contextlib
import sqlite3
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Disk:
    commits: int
    commit_p50_ms: float


def measure(commits: int) -> Disk:
    took_ms = []
    with tempfile.TemporaryDirectory(prefix="fleetbus-bench-") as folder:
        file = Path(folder) / "disk.db"
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as store:
            store.execute("PRAGMA journal_mode=WAL")
            store.execute("PRAGMA synchronous=FULL")
            store.execute("CREATE TABLE rows (number INTEGER PRIMARY KEY, doc BLOB)")
            for number in range(commits):
                began = time.perf_counter()
                store.execute("INSERT INTO rows VALUES (?, ?)", (number, bytes(1000)))
                took_ms.append(1000 * (time.perf_counter() - began))
    return Disk(commits, statistics.median(took_ms))
