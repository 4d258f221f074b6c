"""Looking at an SQLite store before it is opened for writing: it must be whole, and the newest.

That a database opens says little. So its pages and the form of its records are checked, and its
count of commits is compared with the one that was written beside it
(:mod:`~coordinator.shell.store.sidecar`). Whoever looks opens the file for reading only: a damaged
store stays exactly as it was found.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from coordinator.shell.store.engine import FILE_NAME
from coordinator.shell.store.errors import StoreError
from coordinator.shell.store.sidecar import NAME, Sidecar
from coordinator.shell.store.unreadable import first_unreadable

BUSY_S = 5.0


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with a store."""

    text: str
    commits: int | None = None
    """How much is there, if one can go on with it and loses little."""


def examine(data: Path) -> Damage | None:
    """Say what is wrong with the store in the directory *data*; ``None`` if nothing is."""
    file = data / FILE_NAME
    promised = Sidecar(data / NAME).read() or 0
    if not file.exists():
        return Damage(f"{file} is gone") if promised else None
    fault = page_fault_of(file)
    if fault is not None:
        return Damage(fault)
    found = commits_of(file)
    if found < promised:
        return Damage(
            f"{file} was cut short or put back to an older state: it counts {found} commits, "
            f"and {promised} were promised",
            found or None,  # there is nothing in it to go on with
        )
    fault = fault_of_records(file)
    return None if fault is None else Damage(fault, found)


def fault_of(file: Path) -> str | None:
    """Say what is broken in the database *file*, page or record; ``None`` if nothing is."""
    return page_fault_of(file) or fault_of_records(file)


def page_fault_of(file: Path) -> str | None:
    """Say what is broken in the pages of the database *file*; ``None`` if nothing is."""
    try:
        with closing(open_to_read(file)) as connection:
            said = connection.execute("PRAGMA quick_check(1)").fetchone()
            if not is_empty(connection):
                count_of(connection, "commits")
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise StoreError(f"{file} is locked by another program: {error}") from error
        return f"{file} cannot be read: {error}"
    except (sqlite3.DatabaseError, ValueError) as error:
        return f"{file} is damaged: {error}"
    if said == ("ok",):
        return None
    return f"{file} is damaged: {' '.join(said[0].split()) if said else 'no answer'}"


def fault_of_records(file: Path) -> str | None:
    """Say which record in the database *file*, whose pages must be whole, cannot be read."""
    try:
        with closing(open_to_read(file)) as connection:
            found = first_unreadable(connection)
    except sqlite3.Error as error:
        return f"{file} cannot be read: {error}"
    return None if found is None else f"{file} is damaged: a record cannot be read ({found})"


def commits_of(file: Path) -> int:
    """Return how many transactions the database *file*, which must be whole, counts."""
    with closing(open_to_read(file)) as connection:
        return 0 if is_empty(connection) else count_of(connection, "commits") or 0


def open_to_read(file: Path) -> sqlite3.Connection:
    """Open the database *file* so that nothing can change it, not even its own log."""
    uri = f"{file.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None)
    connection.execute("PRAGMA query_only=ON")
    return connection


def count_of(connection: sqlite3.Connection, key: str) -> int | None:
    """Return one number that the store keeps of itself."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else int(row[0])


def is_empty(connection: sqlite3.Connection) -> bool:
    """Say whether nothing was ever written: a store whose making was cut short."""
    known = connection.execute("SELECT name FROM sqlite_master WHERE name = 'meta'").fetchone()
    return known is None or count_of(connection, "term") is None
