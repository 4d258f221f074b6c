"""Who may write: on PostgreSQL the session that holds an advisory lock.

The lock belongs to the writer's own connection, and PostgreSQL gives it back when that connection
ends, whoever noticed. So a connection made anew must take it again before it writes, and finds out
there whether another has led meanwhile. An SQLite store is led by whoever locks its directory.
"""

from typing import Any, Final

from sqlalchemy import Connection, Engine, event, text

from coordinator.shell.store.errors import TermEnded

LOCK: Final = 0x666C7462  # "fltb"
_TAKE: Final = text("SELECT pg_try_advisory_lock(:lock, hashtext(current_schema()))")


class Leadership:
    """The right to write, of one connection."""

    def __init__(self, engine: Engine) -> None:
        self.can_be_lost = engine.dialect.name == "postgresql"
        self._is_held = not self.can_be_lost
        if self.can_be_lost:
            event.listen(engine, "connect", self._connected)

    def take(self, writer: Connection) -> bool:
        """Take the lock for *writer*, if nobody has it."""
        if not self._is_held:
            with writer.begin():
                self._is_held = bool(writer.execute(_TAKE, {"lock": LOCK}).scalar())
        return self._is_held

    def keep(self, writer: Connection) -> None:
        """Make sure, within a transaction of *writer*, that the lock is held.

        Raises :class:`TermEnded` if another holds it. Whoever calls this compares the term
        afterwards: another may have led in between.
        """
        if self.can_be_lost:
            writer.connection  # noqa: B018 -- connects anew after a loss, which `_connected` notes
        if not self._is_held:
            self._is_held = bool(writer.execute(_TAKE, {"lock": LOCK}).scalar())
            if not self._is_held:
                raise TermEnded("another coordinator has taken the lead of this store")

    def _connected(self, _connection: Any, _record: object) -> None:  # noqa: ANN401 -- DBAPI's
        self._is_held = False
