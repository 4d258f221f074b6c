"""Stores to test against: opened, broken and mended in the way of each database."""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from coordinator.shell.store import Changes, Store, StoreUnavailable
from coordinator.shell.store.engine import url_in
from tests.support.postgres import Database

T = TypeVar("T")


@dataclass
class SqliteStores:
    """One SQLite file."""

    data: Path
    opened: list[Store] = field(default_factory=list)

    @property
    def url(self) -> str:
        return url_in(self.data)

    def open(self) -> Store:
        """Open the store; it is closed when the test ends, or before."""
        store = Store.in_directory(self.data)
        self.opened.append(store)
        return store

    def close_all(self) -> None:
        while self.opened:
            self.opened.pop().close()

    def lose_the_lead(self) -> None:
        """Let another become the leader while the present one lives; nothing hinders it here."""

    @contextlib.contextmanager
    def broken(self, store: Store) -> Iterator[None]:
        """Let the disk be full."""
        with full_disk(store):
            yield


@dataclass
class PostgresStores:
    """One database in PostgreSQL."""

    database: Database
    opened: list[Store] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.database.url

    def open(self) -> Store:
        """Open the store; it is closed when the test ends, or before."""
        store = Store(self.url)
        self.opened.append(store)
        return store

    def close_all(self) -> None:
        while self.opened:
            self.opened.pop().close()

    def lose_the_lead(self) -> None:
        """End the leader's connection, and with it its lock, without its knowing."""
        self.database.disconnect_all()

    @contextlib.contextmanager
    def broken(self, store: Store) -> Iterator[None]:
        """Let nothing be written."""
        self.database.read_only(yes=True)
        reconnect(store)
        yield
        self.database.read_only(yes=False)
        reconnect(store)


Stores = SqliteStores | PostgresStores


def reconnect(store: Store) -> None:
    """Let *store* find out that its connection is gone, and make a new one."""
    with contextlib.suppress(StoreUnavailable):
        store.confirm()
    store.confirm()


def insist(call: Callable[[], T]) -> T:
    """Do *call* again if the connection proves to be gone, as the writer does."""
    try:
        return call()
    except StoreUnavailable:
        return call()


@contextlib.contextmanager
def full_disk(store: Store) -> Iterator[None]:
    """Let SQLite find no room for another page."""
    fill_disk(store)
    yield
    free_disk(store)


def fill_disk(store: Store) -> None:
    """Let SQLite find no room for another page. To be called in the writer's thread, if it runs."""
    pages = execute(store, "PRAGMA page_count")
    execute(store, f"PRAGMA max_page_count = {pages}")


def free_disk(store: Store) -> None:
    """Let SQLite find room again."""
    execute(store, "PRAGMA max_page_count = 1000000")


@contextlib.contextmanager
def cut_at_commit(store: Store, *, after: bool) -> Iterator[None]:
    """Let the connection break when a transaction is being committed: before, or after it was."""
    dialect = store._engine.dialect
    commit = dialect.do_commit

    def cut(connection: Any) -> None:
        if store._doubtful is None:  # it only reads
            commit(connection)
            return
        if after:
            commit(connection)
        raise dialect.loaded_dbapi.OperationalError("the connection\n\tbroke")

    dialect.do_commit = cut  # type: ignore[method-assign,assignment] # a fault between us and the driver
    try:
        yield
    finally:
        dialect.do_commit = commit  # type: ignore[method-assign] # as it was


def execute(store: Store, statement: str) -> Any:
    """Run *statement* on the writer's own connection; return the first value."""
    with store._writer.begin():
        result = store._writer.exec_driver_sql(statement)
        row = result.first() if result.returns_rows else None
    return row[0] if row else None


def task_row(name: str, status: str = "pending", **more: Any) -> dict[str, Any]:
    """Make a row of a task, as the writer would; its document says only who it is."""
    row: dict[str, Any] = {
        "id": name,
        "status": status,
        "name": "farm",
        "mode": "quest",
        "priority": "normal",
        "agent": None,
        "created_ms": 1_000,
        "completed_ms": None,
        "doc": b'{"id":"%s","status":"%s"}' % (name.encode(), status.encode()),
    }
    return row | more


def much() -> Changes:
    """Make changes that need many pages."""
    padding = secrets.token_hex(5_000).encode()
    return Changes(
        tasks=[task_row(f"big{n}", doc=b'{"id":"big%d","x":"%s"}' % (n, padding)) for n in range(9)]
    )
