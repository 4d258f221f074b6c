"""Copies of the SQLite store, made while it is in use and good to start from.

A copy is one moment of the store in one file. It gets its name only after it was read back page by
page and is surely on the disk, so whatever bears the name of a copy is one. A failure leaves the
store and the earlier copies as they were. What somebody who was killed left of a copy is deleted by
the next: a lock tells it from one that is being made.
"""

import os
import re
import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from coordinator.shell.crash import CrashPoint, crash_here
from coordinator.shell.locks import is_mine
from coordinator.shell.store.engine import FILE_NAME
from coordinator.shell.store.errors import StoreError
from coordinator.shell.store.examination import fault_of, open_to_read
from coordinator.shell.store.sidecar import sync_directory

FOLDER: Final = "backups"
_NAME: Final = re.compile(r"fleet-\d{8}T\d{9}Z\.db")
_PART: Final = re.compile(_NAME.pattern + r"\.part")


class BackupFailed(StoreError):
    """There is no copy; the store is as it was."""

    def __init__(self, to: Path, why: object) -> None:
        super().__init__(f"no backup was made in {to}: {why}")


def copies_in(data: Path, now_ms: int) -> list[Path]:
    """List the copies that the data directory *data* keeps, newest first.

    One of a moment that has not come was made while the clock was wrong, and counts as older than
    all others: or it would pass for the newest until then, and what is made now for the oldest.
    """
    folder = data / FOLDER
    if not folder.is_dir():
        return []
    found = [copy for copy in folder.iterdir() if _is_copy(copy)]
    return sorted(found, key=lambda copy: (made_ms(copy) <= now_ms, copy.name), reverse=True)


def made_ms(copy: Path) -> int:
    """Return the moment in the name of *copy*, one of :func:`copies_in`."""
    moment = datetime.strptime(copy.name[6:-4] + "000", "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def _is_copy(file: Path) -> bool:
    try:
        return _NAME.fullmatch(file.name) is not None and made_ms(file) > 0
    except ValueError:
        return False  # there is no such moment


def name_at(wall_ms: int) -> str:
    """Name a copy made at *wall_ms*."""
    moment = datetime.fromtimestamp(wall_ms / 1000, UTC)
    return f"fleet-{moment:%Y%m%dT%H%M%S}{wall_ms % 1000:03}Z.db"


def back_up(data: Path, to: Path) -> int:
    """Copy the store of the directory *data* into the new file *to*; return its size.

    Raises :class:`BackupFailed`. It may take long, and runs in any thread beside the writer.
    """
    store = data / FILE_NAME
    if not store.is_file():
        raise BackupFailed(to, f"there is no store {store}")
    part = to.with_name(to.name + ".part")
    try:
        _check_place(to)
        _delete_leavings(to.parent, part)
        _check_room(store, to.parent)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as lock:
            try:
                is_mine(lock)
                _make(store, part, to)
                if os.name == "nt":
                    lock.close()  # a file that is open cannot be renamed there
                part.replace(to)
            finally:
                _delete(part)
        sync_directory(to.parent)
        return to.stat().st_size
    except FileExistsError as error:
        raise BackupFailed(to, "somebody is making one of that name just now") from error
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(to, error) from error


def rotate(data: Path, keep: int, now_ms: int) -> list[Path]:
    """Delete all but the *keep* newest copies in *data*; return what was deleted."""
    old = copies_in(data, now_ms)[keep:]
    for copy in old:
        copy.unlink(missing_ok=True)
    if old:
        sync_directory(data / FOLDER)
    return old


def _delete_leavings(folder: Path, part: Path) -> None:
    """Delete *part*, and what is left in *folder* of copies, unless whoever makes it is alive."""
    for found in folder.iterdir():
        if found == part or _PART.fullmatch(found.name):
            with found.open("rb") as left:
                is_left = is_mine(left)
            if is_left:
                _delete(found)


def _delete(part: Path) -> None:
    for left in (part, Path(f"{part}-journal")):
        with suppress(OSError):
            left.unlink()


def _make(store: Path, part: Path, to: Path) -> None:
    """Write a copy into *part*, and make sure that it can be used and lasts."""
    with closing(open_to_read(store)) as source, closing(sqlite3.connect(part)) as target:
        # At once: a copy made in steps begins anew whenever the writer commits.
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
    with part.open("rb+") as copied:
        os.fsync(copied.fileno())
    fault = fault_of(part)
    if fault is not None:
        raise BackupFailed(to, f"the copy cannot be used: {fault}")
    crash_here(CrashPoint.DURING_BACKUP)


def _check_place(to: Path) -> None:
    """Refuse to write over anything, and to write where *to* only seems to be."""
    if to.is_dir():
        raise BackupFailed(to, "that is a folder; name a file in it")
    if to.is_symlink() and not to.exists():
        raise BackupFailed(to, f"it is a link to {to.readlink()}, which is not there")
    if to.exists():
        raise BackupFailed(to, "the file is there already; name another one")
    if to.parent.is_symlink() and not to.parent.exists():
        # Perhaps to a disk that is not mounted.
        raise BackupFailed(
            to, f"{to.parent} is a link to {to.parent.readlink()}, which is not there"
        )
    if to.parent.exists() and not to.parent.is_dir():
        raise BackupFailed(to, f"{to.parent} is no folder")
    to.parent.mkdir(parents=True, exist_ok=True)


def _check_room(store: Path, folder: Path) -> None:
    """Refuse to take the room that the store needs to go on."""
    needed = sum(f.stat().st_size for f in (store, Path(f"{store}-wal")) if f.exists())
    why = ""
    if store.stat().st_dev == folder.stat().st_dev:
        needed, why = 2 * needed, " to leave room for the store"
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(f"{free} bytes are free, and it takes {needed}{why}")
