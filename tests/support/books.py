"""What the coordinator's store says in the end, read from its file as anybody could."""

import contextlib
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Books:
    """Each task's status, and how often each outcome of its attempts was entered."""

    statuses: dict[str, str]
    outcomes: dict[str, Counter[str]]
    answers: int
    """To how many requests."""


def read_books(data: Path) -> Books:
    """Read the SQLite store in *data*, whose coordinator may live or be dead."""
    uri = f"file:{data / 'fleet.db'}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True)) as store:
        statuses = dict(store.execute("SELECT id, status FROM tasks").fetchall())
        outcomes: dict[str, Counter[str]] = {}
        for task, outcome in store.execute("SELECT task, outcome FROM attempts"):
            outcomes.setdefault(task, Counter())[outcome] += 1
        (answers,) = store.execute("SELECT count(*) FROM replies").fetchone()
    return Books(statuses, outcomes, answers)
