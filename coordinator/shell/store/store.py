"""The store: everything is loaded once, then every batch of changes is one transaction.

Only one thread ever writes. What a batch says is said after :meth:`Store.commit` has returned;
so whatever anybody was told, the store knows.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Table, delete, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError

from coordinator.shell.store.archive import Archive
from coordinator.shell.store.engine import StoreError, open_engine
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
from protocol.messages import Reply
from protocol.vocabulary import TaskStatus

Row = dict[str, Any]
_OVER = tuple(status.value for status in TaskStatus if status.is_terminal)


@dataclass(slots=True)
class Changes:
    """The rows that one batch of decisions changed; the last word on a row counts."""

    tasks: list[Row] = field(default_factory=list)
    agents: list[Row] = field(default_factory=list)
    ledgers: list[Row] = field(default_factory=list)
    marks: list[Row] = field(default_factory=list)
    attempts: list[Row] = field(default_factory=list)
    replies: list[Row] = field(default_factory=list)
    plans: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(
            self.tasks
            or self.agents
            or self.ledgers
            or self.marks
            or self.attempts
            or self.replies
            or self.plans
            or self.events
        )


@dataclass(slots=True)
class Memory:
    """What a coordinator needs to know when it starts."""

    term: int
    last_event: int
    tasks: list[Row]
    """Records of all tasks that are not over, or not for long."""
    agents: list[Row]
    ledgers: list[tuple[str, str, Row]]
    marks: list[tuple[str, str, Row]]
    """Kind, key and record of the small things that survive."""
    tally: list[tuple[str, str, str, int]]
    """Status, priority, mode and the number of tasks ever stored with them."""


class Store:
    """One fleet's database."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)
        self._insert = (
            postgresql_insert if self._engine.dialect.name == "postgresql" else sqlite_insert
        )
        self._writer = self._engine.connect()
        self._upserts = {
            table: self._upsert(table) for table in (META, TASKS, AGENTS, LEDGERS, MARKS, REPLIES)
        }

    @classmethod
    def in_directory(cls, data: Path) -> "Store":
        """Open the SQLite store of the data directory *data*."""
        data.mkdir(parents=True, exist_ok=True)
        return cls(f"sqlite:///{data / 'fleet.db'}")

    @property
    def archive(self) -> Archive:
        """What others than the writer may read, in threads of their own."""
        return Archive(self._engine)

    def begin_term(self, ended_since_ms: int) -> Memory:
        """Load everything and begin a new term, which is committed before it is returned.

        Tasks that are over are loaded if they ended at *ended_since_ms* or later.
        """
        with self._writer.begin():
            meta = dict(self._writer.execute(select(META.c.key, META.c.value)).tuples().all())
            term = meta.get("term", 0) + 1
            self._put(META, [{"key": "term", "value": term}])
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
                    for agent, boot, doc in self._writer.execute(select(LEDGERS)).tuples()
                ],
                marks=[
                    (kind, key, record)
                    for kind, key, doc in self._writer.execute(select(MARKS)).tuples()
                    if (record := orjson.loads(doc)) is not None
                ],
                tally=[
                    (status, priority, mode, count)
                    for status, priority, mode, count in self._writer.execute(
                        select(
                            TASKS.c.status, TASKS.c.priority, TASKS.c.mode, func.count()
                        ).group_by(TASKS.c.status, TASKS.c.priority, TASKS.c.mode)
                    ).tuples()
                ],
            )

    def commit(self, changes: Changes) -> None:
        """Store *changes* as one transaction, or raise :class:`StoreError` and store nothing."""
        try:
            with self._writer.begin():
                for table, rows in (
                    (TASKS, changes.tasks),
                    (AGENTS, changes.agents),
                    (LEDGERS, changes.ledgers),
                    (MARKS, changes.marks),
                    (REPLIES, changes.replies),
                ):
                    self._put(table, rows)
                for table, rows in (
                    (ATTEMPTS, changes.attempts),
                    (PLANS, changes.plans),
                    (EVENTS, changes.events),
                ):
                    if rows:
                        self._writer.execute(table.insert(), rows)
        except DBAPIError as error:
            raise StoreError(f"the store cannot be written: {error.orig}") from error

    def known_replies(self, requests: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Reply]:
        """Return the answers that were given before to any of *requests* (client, request id)."""
        wanted = select(REPLIES.c.client, REPLIES.c.request_id, REPLIES.c.doc).where(
            tuple_(REPLIES.c.client, REPLIES.c.request_id).in_(list(requests))
        )
        with self._writer.begin():
            return {
                (client, request_id): Reply.model_validate(orjson.loads(doc))
                for client, request_id, doc in self._writer.execute(wanted).tuples()
            }

    def past_tasks(self, ids: Iterable[str]) -> list[Row]:
        """Return the records of those of the tasks *ids* that were ever stored."""
        wanted = select(TASKS.c.doc).where(TASKS.c.id.in_(list(ids)))
        with self._writer.begin():
            return self._documents(wanted)

    def forget_replies(self, before_ms: int) -> None:
        """Forget the answers given before *before_ms*."""
        with self._writer.begin():
            self._writer.execute(delete(REPLIES).where(REPLIES.c.answered_ms < before_ms))

    def close(self) -> None:
        """Close the database; the store is not usable any more."""
        self._writer.close()
        self._engine.dispose()

    def _put(self, table: Table, rows: list[Row]) -> None:
        if rows:
            self._writer.execute(self._upserts[table], rows)

    def _upsert(self, table: Table) -> Any:  # noqa: ANN401 -- two dialects' Insert
        statement = self._insert(table)
        keys = [column.name for column in table.primary_key]
        updated = {
            column.name: statement.excluded[column.name]
            for column in table.columns
            if column.name not in keys
        }
        return statement.on_conflict_do_update(index_elements=keys, set_=updated)

    def _documents(self, query: Any) -> list[Row]:  # noqa: ANN401 -- a Select of one column
        return [orjson.loads(doc) for doc in self._writer.execute(query).scalars()]
