"""Who may write: on PostgreSQL the session that holds an advisory lock.

The lock belongs to the writer's own connection, and PostgreSQL gives it back when that connection
ends, whoever noticed. So a connection made anew must take it again before it writes, and finds out
there whether another has led meanwhile. PostgreSQL ends the connection itself when a leader at work
says nothing on it for :data:`SILENT_S`: one that stands still, or whose machine is gone without a
word, would otherwise lead for ever, or for as long as TCP has patience. An SQLite store is led by
whoever locks its directory.
"""

from typing import Any, Final

from sqlalchemy import Connection, Engine, event, text

from coordinator.shell.store.errors import TermEnded

LOCK: Final = 0x666C7462  # "fltb"
SILENT_S: Final = 4
_HAS_WATCH: Final = (14,)
"""The first version of PostgreSQL that can end a session for its silence."""
_WATCH: Final = text(
    "SELECT set_config('idle_session_timeout', :silence, false), "
    "set_config('idle_in_transaction_session_timeout', :silence, false)"
)
_TAKE: Final = text("SELECT pg_try_advisory_lock(:lock, hashtext(current_schema()))")


class Leadership:
    """The right to write, of one connection."""

    def __init__(self, engine: Engine) -> None:
        self.can_be_lost = engine.dialect.name == "postgresql"
        self._is_held = not self.can_be_lost
        self._is_watched = False
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

    def watch(self, writer: Connection) -> None:
        """Let the lead end with the silence of *writer*, which speaks every second from now on.

        Not before: what a large store wants at its start may take longer than that.
        """
        version = writer.dialect.server_version_info or ()
        if self.can_be_lost and not self._is_watched and version >= _HAS_WATCH:
            writer.execute(_WATCH, {"silence": f"{SILENT_S}s"})
            self._is_watched = True

    def _connected(self, _connection: Any, _record: object) -> None:  # noqa: ANN401 -- DBAPI's
        self._is_held = self._is_watched = False
