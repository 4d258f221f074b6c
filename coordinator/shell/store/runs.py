"""Reading attempts beside the writer: those of a span of time, and those that still run.

Attempts are numbered as they end, so where a span begins is found by halving: no index has to be
kept for it while the fleet works.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import orjson
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError

from coordinator.core.analytics import RUNNING, Run
from coordinator.shell.store.errors import StoreUnavailable, is_trouble
from coordinator.shell.store.schema import AGENTS, ATTEMPTS, EVENTS, TASKS
from protocol.vocabulary import TaskStatus

MOST: Final = 200_000
"""Attempts that are looked at at once; the newest count."""
SLACK_MS: Final = 60_000
"""How far the wall clock may have been set back between two attempts."""


def runs_between(
    engine: Engine, from_ms: int, until_ms: int, *, agent: str | None = None, most: int = MOST
) -> list[Run]:
    """Return the attempts that share time with the span, the newest first, at most *most*."""
    with _reading(engine) as connection:
        first = _first_ended(connection, from_ms - SLACK_MS)
        found = _running(connection, agent, until_ms)
        wanted = (
            select(ATTEMPTS, TASKS.c.name, TASKS.c.mode, TASKS.c.doc)
            .join(TASKS, TASKS.c.id == ATTEMPTS.c.task)
            .where(ATTEMPTS.c.number >= first)
            .where(ATTEMPTS.c.ended_ms >= from_ms, ATTEMPTS.c.offered_ms < until_ms)
            .order_by(ATTEMPTS.c.number.desc())
            .limit(most)
        )
        if agent is not None:
            wanted = wanted.where(ATTEMPTS.c.agent == agent)
        for row in connection.execute(wanted):
            wait_ms = _wait_ms(row.doc, row.offered_ms) if row.fence == 1 else None
            found.append(
                Run(
                    row.task,
                    row.name,
                    row.mode,
                    row.agent,
                    row.outcome,
                    row.offered_ms,
                    row.started_ms,
                    row.ended_ms,
                    row.ran_ms,
                    wait_ms,
                    row.fence,
                )
            )
    return found


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


def _running(connection: Connection, agent: str | None, until_ms: int) -> list[Run]:
    status = TASKS.c.status.in_([TaskStatus.RUNNING.value, TaskStatus.PAUSED.value])
    found = []
    for doc in connection.execute(select(TASKS.c.doc).where(status)).scalars():
        task = orjson.loads(doc)
        attempt = task.get("attempt")
        if attempt is None or (agent is not None and attempt["agent"] != agent):
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
