"""Putting a store in the place of the present one, so that nothing of the two can be mistaken.

What was handed out after the copy was made is not in it. So the term is raised far beyond every one
that is known here, and the fence of every task by as much: who goes back to one copy twice repeats
nothing either. The coordinator is told that it begins from a store that was put back. The present
files are moved aside, never deleted. The count of commits beside them goes last: whoever crashes
half-way leaves a store that is seen to be damaged.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from coordinator.shell.backups import copies_in, name_at
from coordinator.shell.crash import CrashPoint, crash_here
from coordinator.shell.locks import lock_directory
from coordinator.shell.store.engine import FILE_NAME, engine_of, migrate
from coordinator.shell.store.errors import StoreError
from coordinator.shell.store.examination import (
    commits_of,
    count_of,
    fault_of,
    is_empty,
    open_to_read,
    page_fault_of,
)
from coordinator.shell.store.sidecar import NAME, Sidecar, sync_directory
from coordinator.shell.store.store import RESTORED
from coordinator.shell.store.unreadable import leave_out_unreadable

TERM_STEP: Final = 1_000
"""More than the starts, and more than the attempts at one task, between two restorations."""
EVENT_STEP: Final = 1_000_000
ASIDE: Final = "replaced"


class RestoreFailed(StoreError):
    """Nothing was restored; the present store is as it was."""


@dataclass(frozen=True, slots=True)
class Restoration:
    """What was done."""

    term: int
    raised_by: int
    """How much higher the term and every fence are than in what was put back."""
    tasks: int
    commits: int
    aside: Path | None
    """Where the files of before are; ``None`` if there were none."""
    left_out: tuple[str, ...] = ()
    """Records that could not be read."""


def restore(data: Path, copy: Path, now_ms: int) -> Restoration:
    """Put a checked *copy* in the place of the store in *data*.

    Raises :class:`RestoreFailed`, or ``AlreadyRunning`` while a coordinator uses the directory.
    """
    if not copy.is_file():
        raise RestoreFailed(
            f"there is no file {copy}; the copies are listed by: fleetbus backup --list"
        )
    fault = fault_of(copy)
    if fault is not None:
        raise RestoreFailed(f"{fault}; choose another copy")
    return _put_back(data, copy, now_ms, leave_out=False)


def restore_as_is(data: Path, now_ms: int) -> Restoration:
    """Go on with the store in *data* as it is, although it has lost what it promised.

    Records of it that cannot be read are left out.
    """
    fault = page_fault_of(data / FILE_NAME)
    if fault is not None:
        raise RestoreFailed(f"{fault}; go back to a copy: fleetbus backup --list")
    return _put_back(data, data / FILE_NAME, now_ms, leave_out=True)


def _put_back(data: Path, copy: Path, now_ms: int, *, leave_out: bool) -> Restoration:
    with closing(open_to_read(copy)) as connection:
        if is_empty(connection):
            raise RestoreFailed(f"{copy} is no store of a fleet")
    with closing(lock_directory(data)):
        fresh = data / f"{FILE_NAME}.restoring"
        try:
            _copy(copy, fresh)
            left_out = _left_out(fresh) if leave_out else []
            promised = max(Sidecar(data / NAME).read() or 0, commits_of(fresh))
            raised = raise_marks(fresh, promised + 1, _known_term(data, now_ms), now_ms)
            aside = _exchange(data, fresh, raised.commits, now_ms)
        except (OSError, sqlite3.Error, ValueError) as error:
            raise RestoreFailed(f"{copy} could not be restored: {error}") from error
        finally:
            _remove(fresh)
    return Restoration(raised.term, raised.by, raised.tasks, raised.commits, aside, tuple(left_out))


def begin_anew(data: Path, now_ms: int) -> Restoration:
    """Move the store in *data* aside and put an empty one in its place."""
    with closing(lock_directory(data)):
        fresh = data / f"{FILE_NAME}.restoring"
        try:
            _remove(fresh)
            engine = engine_of(f"sqlite:///{fresh}")
            migrate(engine)
            engine.dispose()
            promised = Sidecar(data / NAME).read() or 0
            # The time as well: that of a store which is lost may be higher than any that is known.
            known = max(_known_term(data, now_ms), now_ms // 1000)
            raised = raise_marks(fresh, promised + 1, known, now_ms)
            aside = _exchange(data, fresh, raised.commits, now_ms)
        except (OSError, sqlite3.Error) as error:
            raise RestoreFailed(f"no store could be made in {data}: {error}") from error
        finally:
            _remove(fresh)
    return Restoration(raised.term, raised.by, 0, raised.commits, aside)


@dataclass(frozen=True, slots=True)
class Raised:
    """The marks of a store after they were raised."""

    term: int
    by: int
    tasks: int
    commits: int


def raise_marks(file: Path, commits: int, known_term: int, now_ms: int) -> Raised:
    """Raise whatever must never repeat in the store *file*, as one transaction.

    Its term goes beyond *known_term*, the highest that another store of this fleet had.
    """
    engine = engine_of(f"sqlite:///{file}")
    migrate(engine)
    engine.dispose()
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        old_term = count_of(connection, "term") or 0
        term = max(old_term, known_term) + TERM_STEP
        by = term - old_term
        marks = {"term": term, "commits": commits, RESTORED: now_ms}
        connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", marks.items())
        tasks = connection.execute("SELECT id, doc FROM tasks").fetchall()
        connection.executemany("UPDATE tasks SET doc = ? WHERE id = ?", _raised(tasks, by))
        last = connection.execute("SELECT max(number) FROM events").fetchone()[0] or 0
        number = last + by // TERM_STEP * EVENT_STEP
        text = f"the store was put back; term {term}, {len(tasks)} tasks"
        connection.execute(
            "INSERT INTO events (number, at_ms, kind, subject, doc) VALUES (?, ?, ?, NULL, ?)",
            (number, now_ms, "store_restored", orjson.dumps({"text": text, "data": {}})),
        )
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=DELETE")  # all of it is in the one file
    return Raised(term, by, len(tasks), commits)


def _known_term(data: Path, now_ms: int) -> int:
    """Return the highest term that the stores in *data* know of; agents obey none that is lower.

    If the present store cannot tell, it is the time in seconds: no fleet has had so many starts.
    """
    terms = [_term_of(copy) or 0 for copy in copies_in(data, now_ms)]
    if (data / FILE_NAME).exists() or (data / NAME).exists():
        terms.append(_term_of(data / FILE_NAME) or now_ms // 1000)
    return max(terms, default=0)


def _term_of(file: Path) -> int | None:
    with suppress(sqlite3.Error, ValueError), closing(open_to_read(file)) as connection:
        return count_of(connection, "term")
    return None


def _raised(tasks: Iterable[tuple[str, bytes]], by: int) -> Iterable[tuple[bytes, str]]:
    for task, doc in tasks:
        record = orjson.loads(doc)
        record["fence"] = record.get("fence", 0) + by
        yield orjson.dumps(record), task


def _copy(source: Path, fresh: Path) -> None:
    """Copy *source* with what is still in its log."""
    _remove(fresh)
    with closing(open_to_read(source)) as old, closing(sqlite3.connect(fresh)) as new:
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")


def _left_out(fresh: Path) -> list[str]:
    with closing(sqlite3.connect(fresh)) as connection, connection:
        return leave_out_unreadable(connection)


def _exchange(data: Path, fresh: Path, commits: int, now_ms: int) -> Path | None:
    """Move the present files aside and *fresh* into their place."""
    with fresh.open("rb+") as written:
        os.fsync(written.fileno())
    present = [
        f for f in (data / f"{FILE_NAME}{end}" for end in ("", "-wal", "-shm")) if f.exists()
    ]
    aside = data / ASIDE / name_at(now_ms).removesuffix(".db")
    if present:
        aside.mkdir(parents=True)
        if (data / NAME).exists():
            shutil.copy2(data / NAME, aside / NAME)
    for file in present:
        file.rename(aside / file.name)
    crash_here(CrashPoint.DURING_RESTORE)
    fresh.rename(data / FILE_NAME)
    sync_directory(data)
    Sidecar(data / NAME).note(commits)
    return aside if present else None


def _remove(fresh: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal"):
        Path(f"{fresh}{end}").unlink(missing_ok=True)
