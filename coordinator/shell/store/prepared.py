"""Statements that every batch needs, turned into the database's own text once.

Composing and looking up a statement costs SQLAlchemy several times what the database needs to carry
it out. What is said in every transaction is therefore compiled when the store is opened.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, Dialect, Select
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
        self._order: Sequence[str] | None = getattr(compiled, "positiontup", None)

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> CursorResult[Any]:
        """Carry the statement out for each of *rows*: parameters by name."""
        order = self._order
        parameters: Any = (
            [dict(row) for row in rows]
            if order is None
            else [tuple(row[name] for name in order) for row in rows]
        )
        # One by itself, or a question would be asked without listening to the answer.
        return connection.exec_driver_sql(
            self._text, parameters[0] if len(parameters) == 1 else parameters
        )
