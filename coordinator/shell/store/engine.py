"""Opening the database so that a commit is a promise, and bringing its schema up to date."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import QueuePool

from coordinator.shell.store.errors import StoreError, StoreUnavailable, is_trouble

FILE_NAME: Final = "fleet.db"
_PATIENCE: Final = {
    "connect_timeout": 10,
    # A connection that is cut off without a word is given up soon, instead of after a quarter hour.
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
"""How long libpq waits, unless the address says otherwise; milliseconds and seconds are its own."""
_MIGRATIONS: Final = Path(__file__).parent / "migrations"


def url_in(data: Path) -> str:
    """Name the SQLite store of the data directory *data*."""
    return f"sqlite:///{data / FILE_NAME}"


def reading_engine(url: str) -> Engine:
    """Prepare to read the database at *url*, and nothing else; its schema stays as it is."""
    parts = _address(url)
    if parts.get_backend_name() != "sqlite":
        engine = engine_of(url)
        event.listen(engine, "connect", _only_read_postgresql)
        return engine
    file = Path(parts.database or "").absolute().as_uri()
    engine = create_engine(
        "sqlite://",
        poolclass=QueuePool,
        creator=lambda: sqlite3.connect(f"{file}?mode=ro", uri=True, check_same_thread=False),
    )
    event.listen(engine, "connect", _only_read_sqlite)
    return engine


def has_known_schema(engine: Engine) -> bool:
    """Say whether there is a schema; refuse one that is newer than what this version knows."""
    with _translated(), engine.connect() as connection:
        return _revision(connection) is not None


def engine_of(url: str) -> Engine:
    """Prepare to open the database at *url*; nothing is read or written yet."""
    parts = _address(url)
    if parts.get_backend_name() == "sqlite":
        engine = create_engine(parts)
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    if parts.get_backend_name() != "postgresql":
        raise StoreError(
            f"a store is sqlite:///<file> or postgresql://<host>/<name>, not {parts.drivername!r}"
        )
    parts = parts.set(drivername="postgresql+psycopg")
    try:
        patience = {name: n for name, n in _PATIENCE.items() if name not in parts.query}
        return create_engine(parts, connect_args=patience)
    except ModuleNotFoundError:
        raise StoreError(
            "a store in PostgreSQL needs psycopg; install it: pip install 'fleetbus[postgres]'"
        ) from None


def migrate(engine: Engine) -> None:
    """Bring the schema up to date; refuse one that is newer than what this version knows."""
    with _translated(), engine.begin() as connection:
        if _revision(connection) != known_revisions()[-1]:
            _upgrade(connection)


def known_revisions() -> list[str]:
    """Return the schemas that this version knows, oldest first, as their files are named."""
    return sorted(file.stem[1:5] for file in (_MIGRATIONS / "versions").glob("v*.py"))


def _address(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError:
        # It may hold a password, so it is not repeated.
        raise StoreError(
            "not the address of a store; it should be like postgresql://user:password@host/name"
        ) from None


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 -- a DBAPI connection
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout=5000")
    if cursor.execute("PRAGMA page_count").fetchone() == (0,):
        cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")  # counts only before the first table
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # a commit must survive the loss of power
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _only_read_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 -- as above
    connection.execute("PRAGMA busy_timeout=5000")
    connection.execute("PRAGMA query_only=ON")


def _only_read_postgresql(connection: Any, _record: object) -> None:  # noqa: ANN401 -- as above
    connection.read_only = True


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if not is_trouble(error):
            raise
        raise StoreUnavailable(f"the store cannot be opened: {error.orig}") from error


def _revision(connection: Connection) -> str | None:
    """Return the schema that is there, and refuse one that is not known."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    current: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if current is not None and current not in known_revisions():
        raise StoreError(
            f"the store has schema {current}, which is newer than this fleetbus knows; "
            "install the newer version, or use another --data directory"
        )
    return current


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 -- slow to load, and seldom needed
    from alembic.config import Config  # noqa: PLC0415 -- as above

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
