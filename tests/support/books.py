"""What the coordinator's store says in the end, read from its file as anybody could."""

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.postgres import Database


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
        return _books(lambda query: store.execute(query).fetchall())


def read_books_of(database: Database) -> Books:
    """Read the store in *database*."""
    return _books(lambda query: database.cluster.execute(query, database.name))


def _books(rows: Callable[[str], list[Any]]) -> Books:
    outcomes: dict[str, Counter[str]] = {}
    for task, outcome in rows("SELECT task, outcome FROM attempts"):
        outcomes.setdefault(task, Counter())[outcome] += 1
    ((answers,),) = rows("SELECT count(*) FROM replies")
    return Books(dict(rows("SELECT id, status FROM tasks")), outcomes, answers)
