"""Lists of what is stored, a page at a time: tasks, events, attempts, and the small things.

A page begins behind the last row of the one before, by its sort value and its key, so it stays
right while rows come and go, and costs the same wherever it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    UnaryExpression,
    case,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.exc import DBAPIError

from coordinator.shell.store.errors import StoreUnavailable, is_trouble
from coordinator.shell.store.schema import ATTEMPTS, EVENTS, MARKS, TASKS
from protocol.vocabulary import Priority

Row = dict[str, Any]

_RANK: Final = case(
    {priority.value: rank for rank, priority in enumerate(Priority)}, value=TASKS.c.priority
)
SORTS: Final[Mapping[str, ColumnElement[Any]]] = {
    "created_at": TASKS.c.created_ms,
    "completed_at": func.coalesce(TASKS.c.completed_ms, 0),
    "name": TASKS.c.name,
    "mode": TASKS.c.mode,
    "priority": _RANK,
    "status": TASKS.c.status,
    "agent_name": func.coalesce(TASKS.c.agent, ""),
    "id": TASKS.c.id,
}
"""What tasks can be sorted by."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tasks are meant; what is empty does not matter."""

    statuses: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    agent: str | None = None
    name: str | None = None
    text: str | None = None
    """Part of the name or the id."""
    ids: tuple[str, ...] | None = None

    def conditions(self, dialect: str) -> list[ColumnElement[bool]]:
        """Say it in the SQL of *dialect*."""
        found: list[ColumnElement[bool]] = []
        for column, values in (
            (TASKS.c.status, self.statuses),
            (TASKS.c.priority, self.priorities),
            (TASKS.c.mode, self.modes),
        ):
            if values:
                found.append(column.in_(values))
        for column, value in ((TASKS.c.agent, self.agent), (TASKS.c.name, self.name)):
            if value is not None:
                found.append(column == value)
        if self.text:
            # SQLite's LIKE takes no notice of case as it is; to lower every name costs it more.
            part = "contains" if dialect == "sqlite" else "icontains"
            places = (TASKS.c.name, TASKS.c.id)
            found.append(or_(*(getattr(one, part)(self.text, autoescape=True) for one in places)))
        if self.ids is not None:
            found.append(TASKS.c.id.in_(self.ids))
        return found


class TaskRow(NamedTuple):
    """One task as it is stored, and its place in the order."""

    place: tuple[Any, str]
    record: Row


@dataclass(frozen=True, slots=True)
class EventsWanted:
    """Which events are meant; what is empty does not matter."""

    after_ms: int | None = None
    before_ms: int | None = None
    kinds: tuple[str, ...] = ()
    subject: str | None = None
    text: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Say it in SQL."""
        found: list[ColumnElement[bool]] = []
        if self.after_ms is not None:
            found.append(EVENTS.c.at_ms > self.after_ms)
        if self.before_ms is not None:
            found.append(EVENTS.c.at_ms < self.before_ms)
        if self.kinds:
            found.append(EVENTS.c.kind.in_(self.kinds))
        if self.subject is not None:
            found.append(EVENTS.c.subject == self.subject)
        return found


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of one store; each question sees one committed moment."""

    engine: Engine

    def tasks(
        self,
        wanted: Wanted,
        sort: str,
        after: tuple[Any, str] | None,
        limit: int,
        offset: int = 0,
    ) -> list[TaskRow]:
        """Return up to *limit* tasks behind *after*, in the order of *sort* (``-``: backwards).

        *offset* leaves out so many more: for who jumps into the middle of a list.
        """
        value, backwards = SORTS[sort.removeprefix("-")], sort.startswith("-")
        place = value.label("place")
        found: Select[Any] = select(place, TASKS.c.id).where(*self._conditions(wanted))
        if after is not None:
            here, last = tuple_(value, TASKS.c.id), tuple_(*after)
            found = found.where(here < last if backwards else here > last)
        found = found.order_by(*_both(value, TASKS.c.id, backwards=backwards)).limit(limit)
        # Documents are fetched for what is shown only: nothing that is sorted carries them along.
        shown = found.offset(offset).subquery() if offset else found.subquery()
        query = (
            select(shown.c.place, shown.c.id, TASKS.c.doc)
            .join(TASKS, TASKS.c.id == shown.c.id)
            .order_by(*_both(shown.c.place, shown.c.id, backwards=backwards))
        )
        with self._reading() as connection:
            return [
                TaskRow((place, key), orjson.loads(doc))
                for place, key, doc in connection.execute(query)
            ]

    def count(self, wanted: Wanted) -> int:
        """Count the tasks that are meant."""
        query = select(func.count()).select_from(TASKS).where(*self._conditions(wanted))
        with self._reading() as connection:
            return int(connection.execute(query).scalar_one())

    def ids(self, wanted: Wanted, most: int) -> list[tuple[str, str, str]]:
        """Return id, name and status of up to *most* of the tasks that are meant."""
        query = select(TASKS.c.id, TASKS.c.name, TASKS.c.status).where(*self._conditions(wanted))
        with self._reading() as connection:
            found = connection.execute(query.order_by(TASKS.c.created_ms, TASKS.c.id).limit(most))
            return [(key, name, status) for key, name, status in found]

    def records(self, ids: Sequence[str]) -> dict[str, Row]:
        """Return the tasks *ids*, as far as they are stored."""
        query = select(TASKS.c.id, TASKS.c.doc).where(TASKS.c.id.in_(ids))
        with self._reading() as connection:
            return {key: orjson.loads(doc) for key, doc in connection.execute(query)}

    def events(self, wanted: EventsWanted, before: int | None, limit: int) -> list[Row]:
        """Return up to *limit* events with numbers below *before*, newest first."""
        query = select(EVENTS).where(*wanted.conditions()).order_by(EVENTS.c.number.desc())
        if before is not None:
            query = query.where(EVENTS.c.number < before)
        found: list[Row] = []
        text = wanted.text.casefold() if wanted.text else None
        with self._reading() as connection:
            if text is None:
                query = query.limit(limit)
            for row in connection.execution_options(yield_per=500).execute(query).mappings():
                event = event_row(row)
                if text is None or text in str(event["text"]).casefold():
                    found.append(event)
                if len(found) >= limit:
                    break
        return found

    def count_events(self, wanted: EventsWanted) -> int:
        """Count the events that are meant, whatever their text."""
        query = select(func.count()).select_from(EVENTS).where(*wanted.conditions())
        with self._reading() as connection:
            return int(connection.execute(query).scalar_one())

    def story(self, task: str) -> tuple[list[Row], list[Row]]:
        """Return the attempts and the events of *task*, oldest first."""
        attempts = select(ATTEMPTS).where(ATTEMPTS.c.task == task).order_by(ATTEMPTS.c.fence)
        events = select(EVENTS).where(EVENTS.c.subject == task).order_by(EVENTS.c.number)
        with self._reading() as connection:
            return (
                [dict(row) for row in connection.execute(attempts).mappings()],
                [event_row(row) for row in connection.execute(events).mappings()],
            )

    def marks(self, kinds: Sequence[str]) -> list[tuple[str, str, Row]]:
        """Return kind, key and record of the small things that survive."""
        query = select(MARKS).where(MARKS.c.kind.in_(kinds))
        with self._reading() as connection:
            return [
                (kind, key, record)
                for kind, key, doc in connection.execute(query)
                if (record := orjson.loads(doc)) is not None
            ]

    def _conditions(self, wanted: Wanted) -> list[ColumnElement[bool]]:
        return wanted.conditions(self.engine.dialect.name)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self.engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            if not is_trouble(error):
                raise
            raise StoreUnavailable(f"the store cannot be read: {error.orig}") from error


def _both(
    *columns: ColumnElement[Any], backwards: bool
) -> list[ColumnElement[Any] | UnaryExpression[Any]]:
    """Order by *columns*, all in the same direction."""
    return [column.desc() if backwards else column for column in columns]


def event_row(row: Mapping[Any, Any]) -> Row:
    """Return an event with its text and data."""
    return {
        "number": row["number"],
        "at_ms": row["at_ms"],
        "kind": row["kind"],
        "subject": row["subject"],
        **orjson.loads(row["doc"]),
    }
