"""What the writer says to the database in nearly every transaction, in each database's dialect."""

from typing import Any, Final

from sqlalchemy import JSON, Dialect, Select, Table, bindparam, cast, func, select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.expression import UpdateBase

from coordinator.shell.store.schema import META, REPLIES

COUNT_ONE: Final = (
    update(META)
    .where((META.c.key == bindparam("count")) & (META.c.value == bindparam("known")))
    .values(value=bindparam("next"))
)
"""Counts a transaction, if nobody else has written since the last one."""


def replies_to(dialect: Dialect) -> Select[Any]:
    """Look for the answers to ``asked``, a JSON list of request ids, of one client, ``asker``.

    One parameter for them all, however many, keeps it one statement. Not a list of pairs: SQLite
    would read the whole table for it.
    """
    ids: Any
    if dialect.name == "postgresql":
        ids = func.json_array_elements_text(cast(bindparam("asked"), JSON)).column_valued("one")
    else:
        ids = func.json_each(bindparam("asked")).table_valued("value").c.value
    return select(REPLIES.c.request_id, REPLIES.c.doc).where(
        REPLIES.c.client == bindparam("asker"), REPLIES.c.request_id.in_(select(ids))
    )


def upsert(table: Table, dialect: Dialect) -> UpdateBase:
    """Insert a row of *table*, or put it in the place of the one with its key.

    What is fixed is not written again, so a task that moves on leaves most of its indexes alone.
    """
    if dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 -- slow to load

        statement: Any = postgresql.insert(table)
    else:
        statement = sqlite.insert(table)
    keys = [column.name for column in table.primary_key]
    updated = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if column.name not in keys and not column.info.get("fixed")
    }
    done: UpdateBase = statement.on_conflict_do_update(index_elements=keys, set_=updated)
    return done


def columns(table: Table) -> list[str]:
    """Name the columns of *table* that its rows are given; the others number themselves."""
    return [column.name for column in table.columns if column is not table.autoincrement_column]
