"""Statements that every batch needs, turned into the database's own text once.

Composing and looking up a statement costs SQLAlchemy several times what the database needs to carry
it out. What is said in every transaction is therefore compiled when the store is opened.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
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
        order: Sequence[str] | None = getattr(compiled, "positiontup", None)
        self._in_order = None if order is None else _in_order(order)
        """Puts the parameters of one row in the order of the text, where it does not name them."""

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> CursorResult[Any]:
        """Carry the statement out for each of *rows*: parameters by name."""
        parameters: Any = list(map(self._in_order or dict, rows))
        # One by itself, or a question would be asked without listening to the answer.
        return connection.exec_driver_sql(
            self._text, parameters[0] if len(parameters) == 1 else parameters
        )


def _in_order(names: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda row: tuple(row[name] for name in names)  # itemgetter gives one by itself
