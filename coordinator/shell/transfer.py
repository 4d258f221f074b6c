"""The fleet's registry and schedule as one JSON document, out of a store and into another.

Agents, tasks and the small things that survive (schedules, holds, counts of a day) are in it, each
as it is recorded; history, replies and plans are not. What comes in is read as the coordinator
would read it, before anything is written.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Engine, Select, inspect, select, update
from sqlalchemy.exc import DBAPIError

from coordinator.core.policy import Policy
from coordinator.core.records import agent_from, remember_mark, task_from
from coordinator.core.state import State
from coordinator.shell.batch import task_row
from coordinator.shell.exported import TOO_MUCH, check_agent, check_mark, check_task
from coordinator.shell.restoring import TERM_STEP
from coordinator.shell.store import Changes, Row, Store, StoreError
from coordinator.shell.store.engine import reading_engine
from coordinator.shell.store.schema import AGENTS, MARKS, META, TASKS
from coordinator.shell.store.store import RESTORED

FORMAT: Final = "fleetbus-export"
VERSION: Final = 1


class BadExport(StoreError):
    """A document that cannot be brought in; nothing was written."""

    def __init__(self, where: str, expected: str) -> None:
        super().__init__(f"{where}: {expected}")


@dataclass(frozen=True, slots=True)
class Counts:
    """How much was brought in or out."""

    agents: int
    tasks: int
    marks: int


def export_store(url: str, now_ms: int) -> Row:
    """Return the registry and the schedule of the store at *url*, as of one moment."""
    engine = reading_engine(url)
    try:
        with _one_moment(engine) as connection:
            if not inspect(connection).has_table(META.name):
                raise StoreError("there is no fleet in this store yet; start a coordinator on it")
            agents = select(AGENTS.c.doc).order_by(AGENTS.c.name)
            tasks = select(TASKS.c.doc).order_by(TASKS.c.created_ms, TASKS.c.id)
            marks = connection.execute(select(MARKS).order_by(MARKS.c.kind, MARKS.c.key))
            return {
                "format": FORMAT,
                "version": VERSION,
                "exported_ms": now_ms,
                "term": connection.scalar(select(META.c.value).where(META.c.key == "term")),
                "agents": _documents(connection, agents),
                "tasks": _documents(connection, tasks),
                "marks": [
                    {"kind": kind, "key": key, "record": record}
                    for kind, key, doc in marks
                    if (record := orjson.loads(doc)) is not None
                ],
            }
    except DBAPIError as error:
        raise StoreError(f"the store cannot be read: {error.orig}") from error
    finally:
        engine.dispose()


def import_document(store: Store, document: Any, now_ms: int) -> Counts:  # noqa: ANN401 -- any JSON
    """Bring *document* into *store*; what it says takes the place of what is known already.

    Raises :class:`BadExport` before anything is written.
    """
    changes = _checked(document)
    memory = store.begin_term(0)
    _keep_fences(changes, memory.tasks)
    store.commit(changes)
    term = max(memory.term, document.get("term") or 0) + TERM_STEP
    store.maintain(lambda connection: _raise_marks(connection, term, now_ms))
    return Counts(len(changes.agents), len(changes.tasks), len(changes.marks))


def _documents(connection: Connection, query: "Select[bytes]") -> list[Row]:
    return [orjson.loads(doc) for doc in connection.execute(query).scalars()]


@contextlib.contextmanager
def _one_moment(engine: Engine) -> Iterator[Connection]:
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        yield connection


def _checked(document: Any) -> Changes:  # noqa: ANN401 -- any JSON
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BadExport("format", f"should be {FORMAT!r}; this is no export of a fleet")
    if document.get("version") != VERSION:
        raise BadExport("version", f"{document.get('version')!r} should be {VERSION}")
    term = document.get("term")
    if term is not None and (not isinstance(term, int) or not 0 <= term < TOO_MUCH):
        raise BadExport("term", f"{term!r} should be a whole number, as it was exported")
    state = State(Policy(), "import", term=0)
    tasks = _each(document, "tasks", check_task, task_from)
    agents = _each(document, "agents", check_agent, lambda record: agent_from(record, state.policy))
    marks = _each(
        document,
        "marks",
        check_mark,
        lambda mark: remember_mark(state, mark["kind"], mark["key"], mark["record"]),
    )
    return Changes(
        tasks=[task_row(task_from(record)) for record in tasks],
        agents=[{"name": record["name"], "doc": orjson.dumps(record)} for record in agents],
        marks=[
            {"kind": mark["kind"], "key": mark["key"], "doc": orjson.dumps(mark["record"])}
            for mark in marks
        ],
    )


def _each(
    document: Row, name: str, check: Callable[[Row], str], read: Callable[[Row], object]
) -> list[Row]:
    """Return the records called *name*, each of which can be read and is there once."""
    records = document.get(name)
    if not isinstance(records, list):
        raise BadExport(name, "should be a list")
    known: dict[str, int] = {}
    for n, record in enumerate(records):
        try:
            first = known.setdefault(check(record), n)
            read(record)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            why = f"{type(error).__name__}: {error}"
            raise BadExport(
                f"{name}[{n}]", f"should be a record as it was exported ({why})"
            ) from None
        if first != n:
            raise BadExport(f"{name}[{n}]", f"is there already, as {name}[{first}]")
    return records


def _keep_fences(changes: Changes, present: list[Row]) -> None:
    """Let no task that takes the place of a *present* one go back to a lower fence."""
    known = {record["id"]: record.get("fence", 0) for record in present}
    for row in changes.tasks:
        record = orjson.loads(row["doc"])
        if known.get(row["id"], 0) > record.get("fence", 0):
            record["fence"] = known[row["id"]]
            row["doc"] = orjson.dumps(record)


def _raise_marks(connection: Connection, term: int, now_ms: int) -> None:
    """Raise what must never repeat: work that came in may still be held by somebody."""
    connection.execute(update(META).where(META.c.key == "term").values(value=term))
    connection.execute(META.delete().where(META.c.key == RESTORED))
    connection.execute(META.insert(), {"key": RESTORED, "value": now_ms})
    for task, doc in connection.execute(select(TASKS.c.id, TASKS.c.doc)).all():
        record = orjson.loads(doc)
        record["fence"] = record.get("fence", 0) + TERM_STEP
        connection.execute(update(TASKS).where(TASKS.c.id == task).values(doc=orjson.dumps(record)))
