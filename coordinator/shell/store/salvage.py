"""Reading from a damaged store whatever can be read, so that people still see their fleet.

Each table is read until its first broken page, from both ends; a row that makes no sense is left
out. What comes of it is for looking at: nobody may decide anything by it.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import orjson

from coordinator.core.policy import Policy
from coordinator.core.records import agent_from, task_from
from coordinator.shell.store.changes import Memory, Row
from coordinator.shell.store.engine import FILE_NAME
from coordinator.shell.store.examination import open_to_read

log = logging.getLogger("fleetbus.store")


def salvage(data: Path, policy: Policy) -> Memory:
    """Return what can be read of the store in the directory *data*."""
    memory = Memory(term=0, last_event=0, tasks=[], agents=[], ledgers=[], marks=[], tally=[])
    file = data / FILE_NAME
    if not file.exists():
        return memory
    with suppress(sqlite3.Error), closing(open_to_read(file)) as connection:
        meta = {row[0]: row[1] for row in _rows(connection, "SELECT rowid, key, value FROM meta")}
        memory.term = int(meta.get("term", 0))
        memory.tasks = _sound(connection, "tasks", task_from)
        memory.agents = _sound(connection, "agents", lambda record: agent_from(record, policy))
        counts: dict[tuple[str, str, str], int] = {}
        for *kind, _ in _rows(connection, "SELECT rowid, status, priority, mode, 0 FROM tasks"):
            known = (str(kind[0]), str(kind[1]), str(kind[2]))
            counts[known] = counts.get(known, 0) + 1
        memory.tally = [(*kind, count) for kind, count in counts.items()]
    log.warning(
        "of the damaged store %d tasks and %d agents can be read",
        len(memory.tasks),
        len(memory.agents),
    )
    return memory


def _sound(connection: sqlite3.Connection, table: str, check: Callable[[Row], object]) -> list[Row]:
    found: list[Row] = []
    for (doc,) in _rows(connection, f"SELECT rowid, doc FROM {table}"):  # noqa: S608 -- our names
        with suppress(ValueError, TypeError, KeyError, AttributeError):
            record = orjson.loads(doc)
            check(record)
            found.append(record)
    return found


def _rows(connection: sqlite3.Connection, query: str) -> Iterator[tuple[Any, ...]]:
    """Yield what can be read, without the row's number, each row once."""
    seen: set[int] = set()
    for direction in ("ASC", "DESC"):
        with suppress(sqlite3.Error):
            for number, *values in connection.execute(f"{query} ORDER BY rowid {direction}"):
                if number in seen:
                    break  # the other end has been here
                seen.add(number)
                yield tuple(values)
