"""Statements that every batch needs, turned into the database's own text once.

Composing and looking up a statement costs SQLAlchemy several times what the database needs to carry
it out. What is said in every transaction is therefore compiled when the store is opened, and what
is written to SQLite goes past it, within the transaction that it keeps.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, CursorResult, Dialect, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.expression import UpdateBase


class Prepared:
    """One statement in the text and parameter style of one database."""

    def __init__(
        self,
        statement: UpdateBase | Select[Any],
        dialect: Dialect,
        columns: Sequence[str] | None = None,
    ) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=columns)
        self._text = str(compiled)
        order: Sequence[str] | None = getattr(compiled, "positiontup", None)
        self._parameters: Callable[[Mapping[str, Any]], Any] = (
            dict if order is None else _in_order(order)
        )
        """Puts the parameters of one row in the order of the text, where it does not name them."""
        self._is_for_sqlite = dialect.name == "sqlite"

    def ask(self, connection: Connection, row: Mapping[str, Any]) -> CursorResult[Any]:
        """Carry the statement out with *row*, parameters by name, and return what it finds."""
        return connection.exec_driver_sql(self._text, self._parameters(row))

    def write(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Carry the statement out for each of *rows*; return how many rows of the table it hit."""
        parameters = list(map(self._parameters, rows))
        if self._is_for_sqlite:
            return self._write_to_sqlite(connection, parameters)
        one_or_all: Any = parameters[0] if len(parameters) == 1 else parameters
        return connection.exec_driver_sql(self._text, one_or_all).rowcount

    def _write_to_sqlite(self, connection: Connection, parameters: list[Any]) -> int:
        """Write past SQLAlchemy; what goes wrong is judged as if it had gone through it."""
        driver: Any = connection.connection.driver_connection
        try:
            if len(parameters) == 1:
                return int(driver.execute(self._text, parameters[0]).rowcount)
            return int(driver.executemany(self._text, parameters).rowcount)
        except sqlite3.Error as error:
            raise DBAPIError.instance(self._text, None, error, sqlite3.Error) from error


def _in_order(names: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda row: tuple(row[name] for name in names)  # itemgetter gives one by itself
