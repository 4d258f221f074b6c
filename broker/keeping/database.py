"""The file in which the broker's memory outlives it: SQLite, written in whole transactions.

Each transaction is on disk (``fsync`` of its log) before the write returns: what was written
survives ``kill -9`` and a loss of power. The file is its owner's alone and one broker's at a time.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from broker.errors import BadMemory
from broker.keeping.changes import Changes, KeptDelivery, SessionChanges
from broker.message import Message

FILE_NAME: Final = "memory.sqlite3"
_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE retained (topic TEXT PRIMARY KEY, qos INTEGER, payload BLOB) WITHOUT ROWID;
CREATE TABLE sessions (client TEXT PRIMARY KEY, name TEXT) WITHOUT ROWID;
CREATE TABLE filters (
  client TEXT, pattern TEXT, qos INTEGER, PRIMARY KEY (client, pattern)) WITHOUT ROWID;
CREATE TABLE deliveries (
  client TEXT, number INTEGER, topic TEXT, payload BLOB, qos INTEGER, retain INTEGER,
  packet_id INTEGER, released INTEGER, PRIMARY KEY (client, number));
CREATE TABLE unreleased (
  client TEXT, packet_id INTEGER, PRIMARY KEY (client, packet_id)) WITHOUT ROWID;
"""
_OF_A_SESSION: Final = ("sessions", "filters", "deliveries", "unreleased")


@dataclass(slots=True)
class KeptSession:
    """One lasting session as it was kept."""

    client_id: str
    name: str
    filters: dict[str, int] = field(default_factory=dict)
    deliveries: dict[int, KeptDelivery] = field(default_factory=dict)
    """By number, in the order in which they are to leave."""
    unreleased: set[int] = field(default_factory=set)


class Database:
    """Opens the memory in *folder*, making it if there is none; raises :class:`BadMemory`."""

    def __init__(self, folder: Path) -> None:
        self.path: Final = folder / FILE_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            right = "in a directory that the broker's user may write to"
            raise BadMemory(self.path, error.strerror or str(error), right) from error
        self._sql = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=0.5
        )
        with self._explained():
            self._prepare()

    def retained(self) -> Iterator[Message]:
        """Yield the retained messages that were kept."""
        with self._explained():
            for topic, qos, payload in self._sql.execute("SELECT * FROM retained"):
                yield Message(topic, payload, qos, retain=True)

    def sessions(self) -> list[KeptSession]:
        """Return the lasting sessions that were kept."""
        with self._explained():
            rows = self._sql.execute("SELECT client, name FROM sessions").fetchall()
            found = {client: KeptSession(client, name) for client, name in rows}
            for client, pattern, qos in self._sql.execute("SELECT * FROM filters"):
                found[client].filters[pattern] = qos
            for client, packet_id in self._sql.execute("SELECT * FROM unreleased"):
                found[client].unreleased.add(packet_id)
            for row in self._sql.execute("SELECT * FROM deliveries ORDER BY client, number"):
                client, number, topic, payload, qos, retain, packet_id, released = row
                message = Message(topic, payload, qos, retain=False)
                found[client].deliveries[number] = KeptDelivery(
                    message, qos, bool(retain), packet_id, bool(released)
                )
            return list(found.values())

    def write(self, changes: Changes) -> None:
        """Make *changes* durable, all of them or none; raise ``sqlite3.Error``.

        Called from one thread at a time. Writing the same changes again changes nothing.
        """
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            self._write_retained(changes)
            for client, session in changes.sessions.items():
                self._write_session(client, session)
            self._sql.execute("COMMIT")
        except sqlite3.Error:
            with contextlib.suppress(sqlite3.Error):  # a full disk has rolled back already
                self._sql.execute("ROLLBACK")
            raise

    def limit_pages(self, pages: int) -> None:
        """Let the file grow to *pages* of 4 KiB and no further, as a full disk would."""
        self._sql.execute(f"PRAGMA max_page_count = {pages}")

    def close(self) -> None:
        """Close the file."""
        self._sql.close()

    def _prepare(self) -> None:
        # Nobody else may have the file, which also spares SQLite a file of shared memory.
        self._sql.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._sql.execute("PRAGMA journal_mode = WAL")
        self._sql.execute("PRAGMA synchronous = FULL")
        (version,) = self._sql.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._sql.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT")
        elif version != _VERSION:
            raise BadMemory(self.path, f"it has version {version}", f"of version {_VERSION}")
        (verdict,) = self._sql.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)

    def _write_retained(self, changes: Changes) -> None:
        gone = [(topic,) for topic, message in changes.retained.items() if message is None]
        kept = [(m.topic, m.qos, m.payload) for m in changes.retained.values() if m is not None]
        self._sql.executemany("DELETE FROM retained WHERE topic = ?", gone)
        self._sql.executemany("INSERT OR REPLACE INTO retained VALUES (?, ?, ?)", kept)

    def _write_session(self, client: str, session: SessionChanges) -> None:
        sql = self._sql
        if session.forgotten:
            for table in _OF_A_SESSION:
                sql.execute(f"DELETE FROM {table} WHERE client = ?", (client,))  # noqa: S608 - ours
        if session.name is not None:
            sql.execute("INSERT OR REPLACE INTO sessions VALUES (?, ?)", (client, session.name))
        self._replace("filters", "pattern", client, {
            pattern: None if qos is None else (qos,) for pattern, qos in session.filters.items()
        })  # fmt: skip
        self._replace("unreleased", "packet_id", client, {
            packet_id: () if waits else None for packet_id, waits in session.unreleased.items()
        })  # fmt: skip
        self._replace("deliveries", "number", client, {
            number: None if kept is None else _columns(kept)
            for number, kept in session.deliveries.items()
        })  # fmt: skip

    def _replace(
        self, table: str, key: str, client: str, rows: dict[Any, tuple[Any, ...] | None]
    ) -> None:
        """Write *rows* of a client's *table* by their *key*; None deletes."""
        gone = [(client, one) for one, columns in rows.items() if columns is None]
        kept = [(client, one, *columns) for one, columns in rows.items() if columns is not None]
        if gone:
            delete = f"DELETE FROM {table} WHERE client = ? AND {key} = ?"  # noqa: S608 - ours
            self._sql.executemany(delete, gone)
        if kept:
            marks = ", ".join("?" * len(kept[0]))
            self._sql.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", kept)  # noqa: S608 - ours

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            right = "a file that this broker alone has open, on a disk that can be written to"
            raise BadMemory(self.path, str(error), right) from error
        except (sqlite3.DatabaseError, KeyError, TypeError) as error:
            right = "whole; move it away, and the fleet says everything anew"
            raise BadMemory(self.path, f"it is damaged ({error})", right) from error


def _columns(kept: KeptDelivery) -> tuple[Any, ...]:
    message = kept.message
    return (message.topic, message.payload, kept.qos, kept.retain, kept.packet_id, kept.released)
