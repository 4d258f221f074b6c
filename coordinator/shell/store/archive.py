"""Reading the store beside its writer: every plan there was, and the fleet as it was last stored.

Each question has a connection of its own and sees one committed moment, so it may be asked in any
thread, and also of the store of a coordinator that runs in another process. All of them raise
:class:`StoreUnavailable` while the store does not answer.
"""

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DBAPIError

from coordinator.plan.preview.snapshot import Snapshot
from coordinator.plan.versions import StoredPlan
from coordinator.shell.store.engine import FILE_NAME, has_known_schema, reading_engine, url_in
from coordinator.shell.store.errors import StoreUnavailable, is_trouble
from coordinator.shell.store.schema import AGENTS, MARKS, PLANS, TASKS
from protocol.vocabulary import TaskStatus

_OVER: Final = tuple(status.value for status in TaskStatus if status.is_terminal)


@dataclass(frozen=True, slots=True)
class Archive:
    """What is stored, to be read and not to be changed."""

    engine: Engine

    @classmethod
    def in_directory(cls, data: Path) -> "Archive | None":
        """Open the store of the data directory *data*, if it has one."""
        if not (data / FILE_NAME).is_file():
            return None
        return cls.at(url_in(data))

    @classmethod
    def at(cls, url: str) -> "Archive | None":
        """Open the store at *url*, if there is one; raises :class:`StoreError`."""
        engine = reading_engine(url)
        with ExitStack() as unless_opened:
            unless_opened.callback(engine.dispose)
            if has_known_schema(engine):
                unless_opened.pop_all()
                return cls(engine)
        return None

    def plans(self) -> Generator[StoredPlan, None, None]:
        """Yield every version, newest first."""
        with self._reading() as connection:
            query = select(PLANS).order_by(PLANS.c.version.desc())
            for row in connection.execute(query).mappings():
                yield StoredPlan(**row)

    def plan(self, version: int) -> StoredPlan | None:
        """Return one version."""
        with self._reading() as connection:
            query = select(PLANS).where(PLANS.c.version == version)
            row = connection.execute(query).mappings().one_or_none()
            return None if row is None else StoredPlan(**row)

    def snapshot(self, wall_ms: int) -> Snapshot:
        """Return the fleet as it is stored, to be looked at as of *wall_ms*."""
        open_tasks = select(TASKS.c.doc).where(TASKS.c.status.not_in(_OVER))
        with self._reading() as connection:
            return Snapshot(
                wall_ms=wall_ms,
                tasks=tuple(orjson.loads(doc) for doc in connection.execute(open_tasks).scalars()),
                agents=tuple(
                    orjson.loads(doc) for doc in connection.execute(select(AGENTS.c.doc)).scalars()
                ),
                marks=tuple(
                    (kind, key, record)
                    for kind, key, doc in connection.execute(select(MARKS))
                    if (record := orjson.loads(doc)) is not None
                ),
            )

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self.engine.connect() as connection:
                yield connection
        except DBAPIError as error:
            if not is_trouble(error):
                raise
            raise StoreUnavailable(f"the store cannot be read: {error.orig}") from error

    def close(self) -> None:
        """Close the database."""
        self.engine.dispose()
