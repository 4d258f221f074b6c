"""The tables of ``history.db``, and their version; what is older or newer is begun anew.

Nothing here was promised to anybody: a history that cannot be read is put aside, and the control
room goes on.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

VERSION: Final = 1
METADATA: Final = MetaData()

META: Final = Table(
    "meta",
    METADATA,
    Column("key", String, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

SERIES: Final = Table(
    "series",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("subject", String, nullable=False),
    Column("name", String, nullable=False),
    UniqueConstraint("subject", "name"),
)
"""The subject is an agent; empty, it is the fleet."""

POINTS: Final = Table(
    "points",
    METADATA,
    Column("step_s", Integer, nullable=False),
    Column("series", Integer, nullable=False),
    Column("at_s", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("total", Float, nullable=False),
    Column("low", Float, nullable=False),
    Column("high", Float, nullable=False),
    PrimaryKeyConstraint("step_s", "series", "at_s"),
    sqlite_with_rowid=False,
)

ALERTS: Final = Table(
    "alerts",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("raised_ms", BigInteger, nullable=False),
    Column("resolved_ms", BigInteger),
    Column("doc", LargeBinary, nullable=False),
    Index("alerts_by_age", "raised_ms"),
)
