"""Opening the database so that a commit is a promise, and bringing its schema up to date."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event

from protocol.errors import FleetBusError


class StoreError(FleetBusError):
    """The store cannot be used; the message says what to do."""


def open_engine(url: str) -> Engine:
    """Open the database at *url* and bring its schema up to date, or raise :class:`StoreError`."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    with engine.begin() as connection:
        _migrate(connection)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 -- a DBAPI connection
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # a commit must survive the loss of power
        "busy_timeout=5000",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    known: Sequence[str] = [script.revision for script in scripts.walk_revisions()]
    if current is not None and current not in known:
        raise StoreError(
            f"the store has schema {current}, which is newer than this fleetbus knows; "
            "install the newer version, or use another --data directory"
        )
    if current != scripts.get_current_head():
        command.upgrade(config, "head")
