"""Finding records of a whole store that do not say any more what was written.

A bit that flips inside of a record leaves every page of the database in order, so its own check
finds nothing. At a start each record is looked at as far as its form goes, which costs half of what
the check of the pages does; whoever is to leave out what cannot be read looks closer.
"""

import sqlite3
from collections.abc import Callable
from typing import Any, Final

import orjson

from coordinator.core.policy import Policy
from coordinator.core.records import agent_from, ledger_from, remember_mark, task_from
from coordinator.core.state import State
from protocol.messages import Reply

NONSENSE: Final = (ValueError, TypeError, KeyError, AttributeError)
"""What reading a record that makes no sense raises."""


def _mark_from(name: str, record: Any) -> None:  # noqa: ANN401 -- any JSON
    if record is not None:
        kind, key = name.split(" ", 1)
        remember_mark(State(Policy(), "", term=0), kind, key, record)


_RECORDS: Final[dict[str, tuple[str, Callable[[str, Any], object]]]] = {
    "tasks": ("id", lambda _name, record: task_from(record)),
    "agents": ("name", lambda _name, record: agent_from(record, Policy())),
    "ledgers": ("agent", lambda _name, record: ledger_from(record)),
    "marks": ("kind || ' ' || key", _mark_from),
    "replies": ("request_id", lambda _name, record: Reply.model_validate(record)),
    "events": ("number", lambda _name, record: record),
}
"""For each table how a record is named, and read."""


def first_unreadable(connection: sqlite3.Connection) -> str | None:
    """Name a record that is no JSON; ``None`` if all are."""
    for table in _tables(connection):
        # As text, because what SQLite makes of a blob depends on its version.
        wrong = "NOT json_valid(CAST(doc AS TEXT)) LIMIT 1"
        row = connection.execute(f"SELECT {_RECORDS[table][0]} FROM {table} WHERE {wrong}")  # noqa: S608 -- our names
        for (name,) in row:
            return f"{table}: {name}"
    return None


def leave_out_unreadable(connection: sqlite3.Connection) -> list[str]:
    """Delete each record that a coordinator could not read; return what they were."""
    left_out = []
    for table in _tables(connection):
        name_of, read = _RECORDS[table]
        for row, name, doc in connection.execute(f"SELECT rowid, {name_of}, doc FROM {table}"):  # noqa: S608 -- our names
            try:
                read(name, orjson.loads(doc))
            except NONSENSE:
                left_out.append((table, row, name))
    for table, row, _ in left_out:
        connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (row,))  # noqa: S608 -- our names
    return [f"{table}: {name}" for table, _, name in left_out]


def _tables(connection: sqlite3.Connection) -> list[str]:
    """Name the tables with records that there are: an older schema may lack some."""
    rows = connection.execute(
        "SELECT t.name FROM sqlite_master t, pragma_table_info(t.name) c "
        "WHERE t.type = 'table' AND c.name = 'doc'"
    )
    return [name for (name,) in rows if name in _RECORDS]
