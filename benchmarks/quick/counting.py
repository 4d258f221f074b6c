"""Counts what Python is made to do: instructions of bytecode, and statements of SQL.

A count is the same on a busy machine and on another one, as long as the version of Python has the
same first two numbers. What a library does in C is not seen.
"""

import contextlib
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

from sqlalchemy import Pool, event


@dataclass
class Work:
    """What was done so far, in the thread that counts."""

    instructions: int = 0
    statements: int = 0
    commits: int = 0
    traces: bool = True
    """Whether instructions are counted, which takes ten times as long as what is counted."""

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """Count every instruction of what is called, or goes on, in this context."""

        def entered(frame: FrameType, _event: str, _arg: object) -> object:
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            return stepped

        def stepped(_frame: FrameType, _event: str, _arg: object) -> object:
            self.instructions += 1
            return stepped

        if not self.traces:
            yield
            return
        sys.settrace(entered)  # type: ignore[arg-type] # typeshed wants its own alias
        try:
            yield
        finally:
            sys.settrace(None)

    @contextlib.contextmanager
    def statements_counted(self) -> Iterator[None]:
        """Count what every SQLite database that is opened in this context is asked, row by row."""

        def count(statement: str) -> None:
            self.statements += 1
            self.commits += statement.startswith("COMMIT")

        def opened(connection: Any, _record: object) -> None:  # noqa: ANN401 -- a DBAPI connection
            if isinstance(connection, sqlite3.Connection):
                connection.set_trace_callback(count)

        event.listen(Pool, "connect", opened)
        try:
            yield
        finally:
            event.remove(Pool, "connect", opened)
