"""The tables. What is searched for is a column; the rest of a row is one JSON document."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
)

METADATA: Final = MetaData()
FIXED: Final[dict[str, bool]] = {"fixed": True}
"""Of a column that a row keeps as it was when it was stored first; its indexes are left alone."""

META: Final = Table(
    "meta",
    METADATA,
    Column("key", String, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

TASKS: Final = Table(
    "tasks",
    METADATA,
    Column("id", String, primary_key=True),
    Column("status", String, nullable=False),
    Column("name", String, nullable=False, info=FIXED),
    Column("mode", String, nullable=False, info=FIXED),
    Column("priority", String, nullable=False),
    Column("agent", String),
    Column("created_ms", BigInteger, nullable=False, info=FIXED),
    Column("completed_ms", BigInteger),
    Column("doc", LargeBinary, nullable=False),
    Index("tasks_by_status", "status", "created_ms"),
    # With the name, so that whoever looks for a part of one reads the index alone.
    Index("tasks_by_age", "created_ms", "id", "name"),
    Index("tasks_by_name", "name", "id"),
)

AGENTS: Final = Table(
    "agents",
    METADATA,
    Column("name", String, primary_key=True),
    Column("doc", LargeBinary, nullable=False),
)

LEDGERS: Final = Table(
    "ledgers",
    METADATA,
    Column("agent", String, nullable=False),
    Column("boot", String, nullable=False),
    Column("doc", LargeBinary, nullable=False),
    PrimaryKeyConstraint("agent", "boot"),
)

ATTEMPTS: Final = Table(
    "attempts",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("task", String, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("agent", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("offered_ms", BigInteger, nullable=False),
    Column("started_ms", BigInteger),
    Column("ended_ms", BigInteger, nullable=False),
    Column("ran_ms", BigInteger, nullable=False),
    Index("attempts_by_task", "task"),
)

REPLIES: Final = Table(
    "replies",
    METADATA,
    Column("client", String, nullable=False),
    Column("request_id", String, nullable=False),
    Column("answered_ms", BigInteger, nullable=False),
    Column("doc", LargeBinary, nullable=False),
    PrimaryKeyConstraint("client", "request_id"),
    Index("replies_by_age", "answered_ms"),
)

MARKS: Final = Table(
    "marks",
    METADATA,
    Column("kind", String, nullable=False),
    Column("key", String, nullable=False),
    Column("doc", LargeBinary, nullable=False),
    PrimaryKeyConstraint("kind", "key"),
)
"""The small things that survive: what is counted, closed, held or learnt. ``null`` is gone."""

EVENTS: Final = Table(
    "events",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", String, nullable=False),
    Column("subject", String),
    Column("doc", LargeBinary, nullable=False),
    Index("events_by_subject", "subject", "number"),
)

PLANS: Final = Table(
    "plans",
    METADATA,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("author", String, nullable=False),
    Column("comment", String, nullable=False),
    Column("rollback_of", BigInteger),
    Column("document", LargeBinary, nullable=False),
)
"""Every plan that was ever in force, as it was written; the highest version is."""
