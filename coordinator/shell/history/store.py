"""Writing ``history.db``: in batches, by one process, and without waiting for the disk.

A commit may be lost with the power, never torn. Each call is one short transaction and may be made
in any thread; SQLite lets one of them write at a time.
"""

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Engine, create_engine, delete, event, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DBAPIError

from coordinator.core.series import Bucket, Level
from coordinator.shell.history.schema import ALERTS, META, METADATA, POINTS, SERIES, VERSION
from coordinator.shell.store.errors import StoreUnavailable

log = logging.getLogger("fleetbus.history")

FILE_NAME: Final = "history.db"
ALERTS_KEPT: Final = 5_000

SeriesKey = tuple[str, str]
"""Subject and name."""


class HistoryStore:
    """The history of one control room; see the module."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._engine = _opened(file)
        self._ids: dict[SeriesKey, int] = {}
        self._forget_from = 0

    @classmethod
    def in_directory(cls, data: Path) -> "HistoryStore":
        """Open the history in the data directory *data*; one that cannot be read begins anew."""
        data.mkdir(parents=True, exist_ok=True)
        file = data / FILE_NAME
        try:
            return cls(file)
        except (StoreUnavailable, _OtherVersion) as error:
            aside = file.with_suffix(".db.aside")
            log.warning("%s; it is put aside as %s, and begun anew", error, aside.name)
            for ending in ("-wal", "-shm"):
                file.with_name(file.name + ending).unlink(missing_ok=True)
            file.replace(aside)
            return cls(file)

    # --- series

    def write(self, step_s: int, found: Mapping[SeriesKey, Bucket]) -> None:
        """Put buckets of one level into the history; what is there already is added to."""
        with self._transaction() as connection:
            self._know(connection, found)
            rows = [
                {"step_s": step_s, "series": self._ids[key], **bucket._asdict()}
                for key, bucket in found.items()
            ]
            connection.execute(_ADD, rows)

    def series(
        self, subject: str, names: Iterable[str] | None, step_s: int, since_s: int, until_s: int
    ) -> dict[str, list[Bucket]]:
        """Return the buckets of one level, by the name of the series."""
        wanted = (
            select(
                SERIES.c.name,
                POINTS.c.at_s,
                POINTS.c.number,
                POINTS.c.total,
                POINTS.c.low,
                POINTS.c.high,
            )
            .join(POINTS, POINTS.c.series == SERIES.c.id)
            .where(SERIES.c.subject == subject, POINTS.c.step_s == step_s)
            .where(POINTS.c.at_s >= since_s - since_s % step_s, POINTS.c.at_s < until_s)
            .order_by(SERIES.c.name, POINTS.c.at_s)
        )
        if names is not None:
            wanted = wanted.where(SERIES.c.name.in_(list(names)))
        found: dict[str, list[Bucket]] = {}
        with self._transaction() as connection:
            for name, *bucket in connection.execute(wanted):
                found.setdefault(name, []).append(Bucket(*bucket))
        return found

    def count_series(self) -> int:
        """Say how many series there are."""
        with self._transaction() as connection:
            return connection.execute(select(func.count()).select_from(SERIES)).scalar_one()

    def forget(self, kept: tuple[Level, ...], now_s: int, series_at_once: int = 500) -> int:
        """Forget what is older than its level is kept, of some of the series; return the rows.

        Call after call, all series have their turn.
        """
        gone = 0
        keep_s = {level.step_s: level.keep_s for level in kept}
        with self._transaction() as connection:
            ids = list(
                connection.execute(
                    select(SERIES.c.id)
                    .where(SERIES.c.id > self._forget_from)
                    .order_by(SERIES.c.id)
                    .limit(series_at_once)
                ).scalars()
            )
            self._forget_from = ids[-1] if len(ids) == series_at_once else 0
            for step_s in _STEPS:
                old = (
                    delete(POINTS)
                    .where(POINTS.c.step_s == step_s, POINTS.c.series.in_(ids))
                    .where(POINTS.c.at_s < now_s - keep_s.get(step_s, 0))
                )
                gone += connection.execute(old).rowcount
            empty = [
                series
                for series in ids
                if connection.execute(
                    select(POINTS.c.at_s)
                    .where(POINTS.c.step_s.in_(_STEPS), POINTS.c.series == series)
                    .limit(1)
                ).first()
                is None
            ]
            if empty:
                connection.execute(delete(SERIES).where(SERIES.c.id.in_(empty)))
                self._ids = {key: n for key, n in self._ids.items() if n not in set(empty)}
        return gone

    # --- alerts

    def save_alerts(self, state: object, changed: Mapping[int, Mapping[str, Any]]) -> None:
        """Store what the judge remembers, and the alerts that are not as they were."""
        with self._transaction() as connection:
            row: dict[str, Any] = {"key": "alerts", "value": orjson.dumps(state)}
            connection.execute(insert(META).values(row).on_conflict_do_update(["key"], set_=row))
            for number, document in changed.items():
                row = {
                    "id": number,
                    "raised_ms": document["raised_ms"],
                    "resolved_ms": document["resolved_ms"],
                    "doc": orjson.dumps(document),
                }
                upsert = insert(ALERTS).values(row)
                connection.execute(upsert.on_conflict_do_update(["id"], set_=row))
            newest = connection.execute(select(func.max(ALERTS.c.id))).scalar()
            if changed and newest is not None:
                old = delete(ALERTS).where(ALERTS.c.id <= newest - ALERTS_KEPT)
                connection.execute(old.where(ALERTS.c.resolved_ms.is_not(None)))

    def alert_state(self) -> Any:  # noqa: ANN401 -- JSON
        """Return what the judge remembered, or ``None``."""
        with self._transaction() as connection:
            found = connection.execute(select(META.c.value).where(META.c.key == "alerts")).scalar()
            return None if found is None else orjson.loads(found)

    def alerts(self, *, before_id: int | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """Return the alerts there were, newest first."""
        wanted = select(ALERTS.c.doc).order_by(ALERTS.c.id.desc()).limit(limit)
        if before_id is not None:
            wanted = wanted.where(ALERTS.c.id < before_id)
        with self._transaction() as connection:
            return [orjson.loads(doc) for doc in connection.execute(wanted).scalars()]

    def count_alerts(self) -> int:
        """Say how many alerts are known."""
        with self._transaction() as connection:
            return connection.execute(select(func.count()).select_from(ALERTS)).scalar_one()

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise StoreUnavailable(f"{self._file.name} does not answer: {error.orig}") from error

    def _know(self, connection: Connection, keys: Iterable[SeriesKey]) -> None:
        new = [key for key in keys if key not in self._ids]
        if not new:
            return
        add = insert(SERIES).on_conflict_do_nothing()
        connection.execute(add, [{"subject": subject, "name": name} for subject, name in new])
        for row in connection.execute(select(SERIES)):
            self._ids[row.subject, row.name] = row.id


class _OtherVersion(Exception):
    """The history has another schema than this fleetbus knows."""


_STEPS: Final = (10, 60, 900)
_INSERT = insert(POINTS)
_ADD: Final = _INSERT.on_conflict_do_update(
    index_elements=["step_s", "series", "at_s"],
    set_={
        "number": POINTS.c.number + _INSERT.excluded.number,
        "total": POINTS.c.total + _INSERT.excluded.total,
        "low": func.min(POINTS.c.low, _INSERT.excluded.low),
        "high": func.max(POINTS.c.high, _INSERT.excluded.high),
    },
)


def _opened(file: Path) -> Engine:
    engine = create_engine(f"sqlite:///{file}")
    event.listen(engine, "connect", _prepare)
    try:
        with engine.begin() as connection:
            _check_version(connection, file)
            METADATA.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version={VERSION}")
    except DBAPIError as error:
        engine.dispose()
        raise StoreUnavailable(f"{file.name} cannot be opened: {error.orig}") from error
    except _OtherVersion:
        engine.dispose()
        raise
    return engine


def _check_version(connection: Connection, file: Path) -> None:
    version = connection.exec_driver_sql("PRAGMA user_version").scalar()
    if version not in {0, VERSION}:
        raise _OtherVersion(f"{file.name} has schema {version}, not {VERSION}")


def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 -- a DBAPI connection
    for pragma in ("busy_timeout=5000", "journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")
