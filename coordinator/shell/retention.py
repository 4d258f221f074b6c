"""Forgetting history as the plan says: little at a time, between the batches of the one writer.

Ended tasks go with their attempts, and stay counted; the fleet's story goes by its age; answers to
clients are kept for a day, because a client may ask again what it has lost. Each call does one
small transaction, so that no decision waits long behind it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, delete, func, or_, select, update

from coordinator.plan.upkeep import Retention
from coordinator.shell.store.schema import ATTEMPTS, EVENTS, MARKS, META, REPLIES, TASKS
from coordinator.shell.store.store import FORGOTTEN
from protocol.vocabulary import TaskStatus

AT_ONCE: Final = 200
"""Rows of one kind that are forgotten in one transaction."""
REPLIES_KEPT_MS: Final = 86_400_000

_OVER: Final = [status.value for status in TaskStatus if status.is_terminal]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much was forgotten at once."""

    tasks: int = 0
    events: int = 0
    replies: int = 0

    @property
    def is_all(self) -> bool:
        """Whether nothing more is old enough now."""
        return max(self.tasks, self.events, self.replies) < AT_ONCE


def forget(connection: Connection, keep: Retention, now_ms: int) -> Forgotten:
    """Forget some of what is older than *keep* says."""
    forgotten = Forgotten(
        tasks=_forget_tasks(connection, now_ms - int(keep.tasks * 1000)),
        events=_forget_events(connection, now_ms - int(keep.events * 1000)),
        replies=_forget_replies(connection, now_ms - REPLIES_KEPT_MS),
    )
    connection.execute(delete(MARKS).where(MARKS.c.doc == b"null"))
    return forgotten


def _forget_tasks(connection: Connection, before_ms: int) -> int:
    # A task is not older than its creation: so the index finds the candidates.
    old = [
        (TASKS.c.status == status)
        & (TASKS.c.created_ms < before_ms)
        & (TASKS.c.completed_ms < before_ms)
        for status in _OVER
    ]
    found = connection.execute(
        select(TASKS.c.id, TASKS.c.status, TASKS.c.priority, TASKS.c.mode)
        .where(or_(*old))
        .limit(AT_ONCE)
    ).all()
    if found:
        ids = [row.id for row in found]
        connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.task.in_(ids)))
        connection.execute(delete(TASKS).where(TASKS.c.id.in_(ids)))
        _count(connection, Counter((row.status, row.priority, row.mode) for row in found))
    return len(found)


def _count(connection: Connection, counts: Counter[tuple[str, str, str]]) -> None:
    for kind, count in counts.items():
        key = FORGOTTEN + ":".join(kind)
        more = update(META).where(META.c.key == key).values(value=META.c.value + count)
        if connection.execute(more).rowcount == 0:
            connection.execute(META.insert(), {"key": key, "value": count})


def _forget_events(connection: Connection, before_ms: int) -> int:
    # The oldest by number, not by a search for their age: numbers and time go together.
    oldest = select(EVENTS.c.number, EVENTS.c.at_ms).order_by(EVENTS.c.number).limit(AT_ONCE)
    newest = connection.execute(select(func.max(EVENTS.c.number))).scalar()
    # The newest stays: the next one is numbered after it.
    numbers = [
        number
        for number, at_ms in connection.execute(oldest)
        if at_ms < before_ms and number != newest
    ]
    if numbers:
        connection.execute(delete(EVENTS).where(EVENTS.c.number.in_(numbers)))
    return len(numbers)


def _forget_replies(connection: Connection, before_ms: int) -> int:
    old = (
        select(REPLIES.c.client, REPLIES.c.request_id)
        .where(REPLIES.c.answered_ms < before_ms)
        .limit(AT_ONCE)
    )
    found: Sequence[tuple[str, str]] = [(row[0], row[1]) for row in connection.execute(old)]
    if found:
        connection.execute(delete(REPLIES).where(or_(*[_is_reply(*key) for key in found])))
    return len(found)


def _is_reply(client: str, request_id: str) -> ColumnElement[bool]:
    return and_(REPLIES.c.client == client, REPLIES.c.request_id == request_id)
