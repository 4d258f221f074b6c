"""The store: everything is loaded once, then every batch of changes is one transaction.

Only one thread ever writes. What a batch says is said after :meth:`Store.commit` has returned;
so whatever anybody was told, the store knows. Each transaction counts itself, and goes through
only if nobody else has counted since: so one that leads no longer can store nothing.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import orjson
from sqlalchemy import (
    Connection,
    Table,
    bindparam,
    delete,
    func,
    or_,
    select,
)
from sqlalchemy.exc import DBAPIError

from coordinator.shell.clock import monotonic_ns
from coordinator.shell.crash import CrashPoint, crash_here
from coordinator.shell.store.answered import LOADED, Answered
from coordinator.shell.store.archive import Archive
from coordinator.shell.store.changes import Changes, Memory, Row
from coordinator.shell.store.engine import engine_of, migrate, reading_engine, url_in
from coordinator.shell.store.errors import (
    StoreDamaged,
    StoreError,
    StoreUnavailable,
    TermEnded,
    is_trouble,
)
from coordinator.shell.store.leadership import Leadership
from coordinator.shell.store.place import Place
from coordinator.shell.store.prepared import Prepared
from coordinator.shell.store.schema import (
    AGENTS,
    ATTEMPTS,
    EVENTS,
    LEDGERS,
    MARKS,
    META,
    PLANS,
    REPLIES,
    TASKS,
)
from coordinator.shell.store.sidecar import NAME, Sidecar
from coordinator.shell.store.statements import COUNT_ONE, columns, replies_to, upsert
from protocol.messages import Reply
from protocol.vocabulary import TaskStatus

_OVER = tuple(status.value for status in TaskStatus if status.is_terminal)

FORGOTTEN: Final = "forgotten:"
"""Begins the keys of ``meta`` that count, by status, priority and mode, what history dropped."""

RESTORED: Final = "restored_ms"
"""The key of ``meta`` that says when the store was put back."""

T = TypeVar("T")
Kind = tuple[str, str, str]


class Store:
    """One fleet's database; it belongs to one thread at a time."""

    def __init__(self, url: str, sidecar: Sidecar | None = None) -> None:
        self.term = 0
        self.commits = 0
        self.led_ms = 0
        """When this term surely led, on the monotonic clock; a bit later it did so as well."""
        self.on_written: Callable[[], object] = lambda: None
        """Called when a transaction has only to be committed, which takes as long as the disk."""
        self._sidecar = sidecar
        self._place: Place | None = None
        """Set while files are written that somebody could take away."""
        self._engine = engine_of(url)
        self.archive = Archive(
            reading_engine(url)
        )  # its connections are none that may hold the lead
        """What others than the writer may read, in threads of their own."""
        self._leadership = Leadership(self._engine)
        self._connection: Connection | None = None
        self._done: object = None
        """What was committed last: doing it again does nothing."""
        self._doubtful: object = None
        """What may or may not have been committed when its transaction broke."""
        dialect = self._engine.dialect
        self._statements = {
            table: Prepared(upsert(table, dialect), dialect, columns(table))
            for table in (META, TASKS, AGENTS, LEDGERS, MARKS, REPLIES)
        } | {
            table: Prepared(table.insert(), dialect, columns(table))
            for table in (ATTEMPTS, PLANS, EVENTS)
        }
        self._count_one = Prepared(COUNT_ONE, dialect)
        self._find_replies = Prepared(replies_to(dialect), dialect)

    @classmethod
    def in_directory(cls, data: Path) -> "Store":
        """Open the SQLite store of the data directory *data*."""
        data.mkdir(parents=True, exist_ok=True)
        return cls(url_in(data), Sidecar(data / NAME))

    @property
    def lock_can_be_lost(self) -> bool:
        """Whether another may come to lead while this process lives; then ask :meth:`confirm`."""
        return self._leadership.can_be_lost

    def try_to_lead(self) -> bool:
        """Become the one that writes, if nobody is, and bring the schema up to date.

        An SQLite store is led by whoever has locked its directory.
        """
        if not self._guarded("opened", lambda: self._leadership.take(self._writer)):
            return False
        migrate(self._engine)
        return True

    def begin_term(self, ended_since_ms: int) -> Memory:
        """Load everything and begin a new term, which is committed before it is returned.

        Tasks that are over are loaded if they ended at *ended_since_ms* or later. Raises
        :class:`StoreDamaged`, and begins none, if a record is no JSON.
        """
        if not self.try_to_lead():
            raise StoreError("another coordinator leads this store")
        try:
            return self._guarded("read", lambda: self._begin_term(ended_since_ms))
        except ValueError as error:
            raise StoreDamaged(f"a record of the store cannot be read: {error}") from error

    def _begin_term(self, ended_since_ms: int) -> Memory:
        with self._writer.begin():
            meta = dict(self._writer.execute(select(META.c.key, META.c.value)).all())
            term, commits = meta.get("term", 0) + 1, meta.get("commits", 0) + 1
            # Writing first: two that begin at once must not both read before either writes.
            self._put(META, [{"key": "term", "value": term}, {"key": "commits", "value": commits}])
            memory = self._load(term, meta, ended_since_ms)
        self.term, self.commits = term, commits
        if self._engine.dialect.name == "sqlite":
            self._place = Place(Path(self._engine.url.database or ""))
        self.note_commits(at_once=True)
        return memory

    def commit(self, changes: Changes) -> None:
        """Store *changes* as one transaction, or raise :class:`StoreUnavailable`.

        The same object may then be given again and again: it is stored once, also if the
        connection broke just when it was committed. Raises :class:`TermEnded` if another leads.
        """
        self._transact(changes, lambda _connection: self._save(changes))

    def maintain(self, work: Callable[[Connection], T]) -> T:
        """Do *work*, which should be short, as one transaction of the writer."""
        return self._transact(work, work)

    def confirm(self) -> None:
        """Make sure that this term still leads, or raise :class:`TermEnded`.

        Whoever has asked once goes on asking every second: the lead of one who falls silent ends.
        """

        def confirmed() -> None:
            with self._writer.begin():
                self._leadership.keep(self._writer)
                self._leadership.watch(self._writer)
                stored = dict(self._writer.execute(select(META.c.key, META.c.value)).all())
                led_ms = monotonic_ns() // 1_000_000
            self._check(stored)
            self.led_ms = led_ms

        self._guarded("read", confirmed)

    def known_replies(self, requests: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Reply]:
        """Return the answers that were given before to any of *requests* (client, request id)."""
        ids: dict[str, list[str]] = {}
        for client, request_id in requests:
            ids.setdefault(client, []).append(request_id)

        def found() -> dict[tuple[str, str], Reply]:
            with self._writer.begin():
                return {
                    (client, row.request_id): Reply.model_validate(orjson.loads(row.doc))
                    for client, asked in ids.items()
                    for row in self._find_replies.ask(
                        self._writer, {"asker": client, "asked": orjson.dumps(asked).decode()}
                    )
                }

        return self._guarded("read", found)

    def past_tasks(self, ids: Iterable[str]) -> list[Row]:
        """Return the records of those of the tasks *ids* that were ever stored."""
        wanted = select(TASKS.c.doc).where(TASKS.c.id.in_(list(ids)))

        def found() -> list[Row]:
            with self._writer.begin():
                return self._documents(wanted)

        return self._guarded("read", found)

    def note_commits(self, *, at_once: bool = False) -> None:
        """Write the count of commits to the file beside the store, when it is due."""
        side = self._sidecar
        if side is not None and (at_once or side.is_due(self.commits)):
            crash_here(CrashPoint.BEFORE_COMMITS_NOTED)
            side.note(self.commits)

    def tidy(self) -> None:
        """Empty SQLite's log into the database and give unused pages back, without waiting."""
        if self._engine.dialect.name != "sqlite":
            return

        cursor = self._writer.connection.cursor()
        try:
            cursor.execute("PRAGMA busy_timeout=0")  # a reader may take its time
            # As a script: a plain execute would give back one page and not ask on.
            cursor.executescript("PRAGMA incremental_vacuum(500); PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the store cannot be tidied: {error}") from error
        finally:
            cursor.execute("PRAGMA busy_timeout=5000")
            cursor.close()
            self._writer.rollback()

    def forget_restoration(self) -> None:
        """Believe the store again: whatever was lent before it was put back is over."""
        self.maintain(lambda writer: writer.execute(delete(META).where(META.c.key == RESTORED)))

    def close(self) -> None:
        """Close the database; the store is not usable any more."""
        if self.commits:
            self.note_commits(at_once=True)
        self.archive.close()  # first: the last one to leave empties the log, and a reader cannot
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()

    # --- transactions

    @property
    def _writer(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _transact(self, what: object, work: Callable[[Connection], T]) -> T:
        """Do *work* in a transaction that counts itself; *what* it is tells it from others."""
        if what is self._done:
            return None  # type: ignore[return-value] # only a commit is ever given again
        was_in_doubt = self._doubtful
        if isinstance(was_in_doubt, Changes) and what is not was_in_doubt:
            raise StoreUnavailable("the store may not have taken the last commit; it goes first")
        self._doubtful = what
        try:
            result = self._guarded("written", lambda: self._counted(what, was_in_doubt, work))
        except StoreUnavailable:
            raise
        except BaseException:
            self._doubtful = None
            raise
        self._done, self._doubtful = what, None
        self.note_commits()
        return result

    def _counted(self, what: object, doubtful: object, work: Callable[[Connection], T]) -> T:
        if self._place is not None:
            self._place.check()
        writer = self._writer
        with writer.begin():
            self._leadership.keep(writer)
            if doubtful is not None and self._was_stored() and what is doubtful:
                return None  # type: ignore[return-value] # as above
            self._count()
            result = work(writer)
            crash_here(CrashPoint.BEFORE_COMMIT)
            self.on_written()
            led_ms = monotonic_ns() // 1_000_000
        self.commits, self.led_ms = self.commits + 1, led_ms
        crash_here(CrashPoint.AFTER_COMMIT)
        return result

    def _was_stored(self) -> bool:
        """Find out what became of a transaction that broke while it was being committed."""
        stored = dict(self._writer.execute(select(META.c.key, META.c.value)).all())
        was_stored = stored.get("commits") == self.commits + 1 and stored.get("term") == self.term
        if was_stored:
            self.commits += 1
        return was_stored

    def _count(self) -> None:
        mine = {"count": "commits", "known": self.commits, "next": self.commits + 1}
        if self._count_one.write(self._writer, [mine]) != 1:
            self._check(dict(self._writer.execute(select(META.c.key, META.c.value)).all()))

    def _check(self, stored: dict[str, int]) -> None:
        if stored.get("term") != self.term:
            raise TermEnded(
                f"another coordinator leads this store in term {stored.get('term')}; "
                f"this one led term {self.term}"
            )
        if stored.get("commits") not in {self.commits, self.commits + bool(self._doubtful)}:
            raise TermEnded(
                f"somebody else wrote to the store: it counts {stored.get('commits')} commits, "
                f"and this coordinator {self.commits}"
            )

    def _guarded(self, done: str, work: Callable[[], T]) -> T:
        try:
            return work()
        except DBAPIError as error:
            if not is_trouble(error):
                raise
            why = " ".join(str(error.orig).split())  # PostgreSQL says some things in several lines
            raise StoreUnavailable(f"the store cannot be {done}: {why}") from error

    # --- rows

    def _save(self, changes: Changes) -> None:
        for table, rows in (
            (TASKS, changes.tasks),
            (AGENTS, changes.agents),
            (LEDGERS, changes.ledgers),
            (MARKS, changes.marks),
            (REPLIES, changes.replies),
            (ATTEMPTS, changes.attempts),
            (PLANS, changes.plans),
            (EVENTS, changes.events),
        ):
            self._put(table, rows)
        if changes.gone_ledgers:
            gone = delete(LEDGERS).where(
                LEDGERS.c.agent == bindparam("of_agent"), LEDGERS.c.boot == bindparam("of_boot")
            )
            self._writer.execute(gone, changes.gone_ledgers)

    def _load(self, term: int, meta: dict[str, int], ended_since_ms: int) -> Memory:
        counted = select(TASKS.c.status, TASKS.c.priority, TASKS.c.mode, func.count()).group_by(
            TASKS.c.status, TASKS.c.priority, TASKS.c.mode
        )
        tally = Counter(
            {
                (status, priority, mode): count
                for status, priority, mode, count in self._writer.execute(counted)
            }
        )
        tally.update(forgotten(meta))
        return Memory(
            term=term,
            last_event=self._writer.execute(select(func.max(EVENTS.c.number))).scalar() or 0,
            tasks=self._documents(
                select(TASKS.c.doc).where(
                    or_(TASKS.c.status.not_in(_OVER), TASKS.c.completed_ms >= ended_since_ms)
                )
            ),
            agents=self._documents(select(AGENTS.c.doc)),
            ledgers=[
                (agent, boot, orjson.loads(doc))
                for agent, boot, doc in self._writer.execute(select(LEDGERS))
            ],
            marks=[
                (kind, key, record)
                for kind, key, doc in self._writer.execute(select(MARKS))
                if (record := orjson.loads(doc)) is not None
            ],
            tally=[(*kind, count) for kind, count in tally.items()],
            answered=self._answered(),
            restored_ms=meta.get(RESTORED),
        )

    def _answered(self) -> Answered:
        keys = select(REPLIES.c.client, REPLIES.c.request_id).limit(LOADED + 1)
        found = self._writer.execute(keys).all()
        return Answered(None if len(found) > LOADED else ((row[0], row[1]) for row in found))

    def _put(self, table: Table, rows: list[Row]) -> None:
        if rows:
            self._statements[table].write(self._writer, rows)

    def _documents(self, query: Any) -> list[Row]:  # noqa: ANN401 -- a Select of one column
        return [orjson.loads(doc) for doc in self._writer.execute(query).scalars()]


def forgotten(meta: Mapping[str, int]) -> Counter[Kind]:
    """Count the tasks that were stored once and are not any more."""
    counts: Counter[Kind] = Counter()
    for key, count in meta.items():
        if key.startswith(FORGOTTEN):
            status, priority, mode = key.removeprefix(FORGOTTEN).split(":", 2)
            counts[status, priority, mode] = count
    return counts
