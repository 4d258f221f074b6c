"""Reading attempts beside the writer: those of a span of time, and those that still run.

Attempts are numbered as they end, so where a span begins is found by halving: no index has to be
kept for it while the fleet works.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import orjson
from sqlalchemy import ColumnElement, Connection, Engine, func, literal, select
from sqlalchemy.exc import DBAPIError

from coordinator.core.analytics import RUNNING, Run
from coordinator.shell.store.errors import StoreUnavailable, is_trouble
from coordinator.shell.store.schema import AGENTS, ATTEMPTS, EVENTS, TASKS
from protocol.vocabulary import TaskStatus

MOST: Final = 200_000
"""Attempts that are looked at at once; the newest count."""
_OF_ATTEMPTS: Final = tuple(
    ATTEMPTS.c[name]
    for name in (
        *("task", "fence", "agent", "outcome"),
        *("offered_ms", "started_ms", "ended_ms", "ran_ms"),
    )
)
_HELD: Final = TASKS.c.status.in_([TaskStatus.RUNNING.value, TaskStatus.PAUSED.value])
SLACK_MS: Final = 60_000
"""How far the wall clock may have been set back between two attempts."""


def runs_between(
    engine: Engine,
    from_ms: int,
    until_ms: int,
    *,
    agents: Sequence[str] = (),
    most: int = MOST,
    with_waits: bool = True,
) -> list[Run]:
    """Return the attempts that share time with the span, the newest first, at most *most*.

    Of *agents* only, if some are named. How long tasks had waited is left out without *with_waits*,
    which is quicker.
    """
    doc = TASKS.c.doc if with_waits else literal(None)
    with _reading(engine) as connection:
        found = _running(connection, agents, until_ms)
        wanted = (
            select(*_OF_ATTEMPTS, TASKS.c.name, TASKS.c.mode, doc)
            .join(TASKS, TASKS.c.id == ATTEMPTS.c.task)
            .where(*_in_span(connection, from_ms, until_ms))
            .order_by(ATTEMPTS.c.number.desc())
            .limit(most)
        )
        if agents:
            wanted = wanted.where(ATTEMPTS.c.agent.in_(agents))
        for (
            task,
            fence,
            agent,
            outcome,
            offered_ms,
            started_ms,
            ended_ms,
            ran_ms,
            name,
            mode,
            record,
        ) in connection.execute(wanted).all():
            wait_ms = _wait_ms(record, offered_ms) if fence == 1 and record is not None else None
            of_task = (task, name, mode, agent, outcome)
            times = (offered_ms, started_ms, ended_ms, ran_ms)
            found.append(Run(*of_task, *times, wait_ms, fence))
    return found


def agents_between(engine: Engine, from_ms: int, until_ms: int) -> list[str]:
    """Name the agents that had attempts in the span."""
    with _reading(engine) as connection:
        ended = select(ATTEMPTS.c.agent).where(*_in_span(connection, from_ms, until_ms)).distinct()
        held = select(TASKS.c.agent).where(_HELD, TASKS.c.agent.is_not(None)).distinct()
        found = {*connection.execute(ended).scalars(), *connection.execute(held).scalars()}
    return sorted(found)


def slots_of_agents(engine: Engine) -> dict[str, int]:
    """Return every agent that is known, with the number of its slots as it says."""
    with _reading(engine) as connection:
        records = [orjson.loads(doc) for doc in connection.execute(select(AGENTS.c.doc)).scalars()]
    return {record["name"]: int((record.get("info") or {}).get("slots") or 1) for record in records}


def first_event_ms(engine: Engine) -> int | None:
    """Return when the story begins that is still kept."""
    with _reading(engine) as connection:
        oldest = select(EVENTS.c.at_ms).order_by(EVENTS.c.number).limit(1)
        return connection.execute(oldest).scalar()


@contextmanager
def _reading(engine: Engine) -> Iterator[Connection]:
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        if not is_trouble(error):
            raise
        raise StoreUnavailable(f"the store cannot be read: {error.orig}") from error


def _first_ended(connection: Connection, ended_ms: int) -> int:
    """Return a number before which everything had ended earlier than *ended_ms*."""
    numbers = select(func.min(ATTEMPTS.c.number), func.max(ATTEMPTS.c.number))
    low, high = connection.execute(numbers).one()
    if low is None:
        return 0
    while low < high:
        middle = (low + high) // 2
        following = (
            select(ATTEMPTS.c.number, ATTEMPTS.c.ended_ms)
            .where(ATTEMPTS.c.number >= middle)
            .order_by(ATTEMPTS.c.number)
            .limit(1)
        )
        number, ended = connection.execute(following).one()
        if ended < ended_ms:
            low = number + 1
        else:
            high = middle
    return int(low)


def _in_span(connection: Connection, from_ms: int, until_ms: int) -> list[ColumnElement[bool]]:
    return [
        ATTEMPTS.c.number >= _first_ended(connection, from_ms - SLACK_MS),
        ATTEMPTS.c.ended_ms >= from_ms,
        ATTEMPTS.c.offered_ms < until_ms,
    ]


def _running(connection: Connection, agents: Sequence[str], until_ms: int) -> list[Run]:
    found = []
    wanted = select(TASKS.c.doc).where(_HELD)
    if agents:
        wanted = wanted.where(TASKS.c.agent.in_(agents))
    for doc in connection.execute(wanted).scalars():
        task = orjson.loads(doc)
        attempt = task.get("attempt")
        if attempt is None:
            continue
        started_ms = attempt["started_ms"]
        if attempt["offered_ms"] >= until_ms:
            continue
        found.append(
            Run(
                task["id"],
                task["name"],
                task["mode"],
                attempt["agent"],
                RUNNING,
                attempt["offered_ms"],
                started_ms,
                until_ms,
                0 if started_ms is None else max(0, until_ms - started_ms),
                _waited(task, attempt["offered_ms"]) if attempt["fence"] == 1 else None,
                attempt["fence"],
            )
        )
    return found


def _wait_ms(doc: bytes, offered_ms: int) -> int:
    return _waited(orjson.loads(doc), offered_ms)


def _waited(task: dict[str, int], offered_ms: int) -> int:
    """Return how long a task waited since it could have begun."""
    could_ms = max(task["created_ms"], task.get("not_before_ms") or 0)
    return max(0, offered_ms - could_ms)
