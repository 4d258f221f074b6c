"""Named points at which a test can let the process die as by ``kill -9``.

``FLEETBUS_CRASH_AT=after_commit`` dies when the point is reached for the first time,
``after_commit:3`` at the third. Without the variable a point costs one comparison.
"""

import os
from enum import StrEnum
from typing import Final

VARIABLE: Final = "FLEETBUS_CRASH_AT"
STATUS: Final = 137


class CrashPoint(StrEnum):
    """Where a crash is worth looking at."""

    BEFORE_COMMIT = "before_commit"
    """Everything of a batch is written, and the transaction is still open."""
    AFTER_COMMIT = "after_commit"
    """A batch is stored, and nothing of it has been said."""
    AFTER_PUBLISH = "after_publish"
    """A batch is stored and handed to the bus."""
    BEFORE_COMMITS_NOTED = "before_commits_noted"
    """A batch is stored, and the count beside the store does not know it yet."""
    DURING_BACKUP = "during_backup"
    """A copy is written, and has not got its name yet."""
    DURING_RESTORE = "during_restore"
    """The store of before is moved aside, and the copy is not in its place yet."""


def _chosen() -> tuple[CrashPoint, int] | None:
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return None
    point, _, times = wanted.partition(":")
    return CrashPoint(point), int(times or 1)


_at: tuple[CrashPoint, int] | None = _chosen()


def crash_here(point: CrashPoint) -> None:
    """Let the process die if a test asked for it at *point*."""
    global _at  # noqa: PLW0603 -- one process, one death
    if _at is None or _at[0] is not point:
        return
    if _at[1] <= 1:
        os._exit(STATUS)
    _at = point, _at[1] - 1
